"""Where a classifier looks: Grad-CAM.

Selvaraju and others, Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization, 2016, arXiv:1610.02391.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zoo.errors import InputError


def create(predictor: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that shows how much each place speaks for the class a picture is taken for.

    It takes uint8 pictures `(B, height, width, channels)` of the size the model sees, and returns
    float32 `(B, h, w)` in [0, 1], of the size of the last maps before the classes.

    Args:
        predictor: of a run, for classification of pictures.

    Raises:
        InputError: the model is none that can be asked.
    """
    import tensorflow as tf

    model = _maps_and_logits(predictor)

    def heat(pictures: np.ndarray) -> np.ndarray:
        inputs = predictor.preprocessor.tensors(tf.constant(pictures))
        with tf.GradientTape() as tape:
            maps, logits = model(inputs, training=False)  # (B, h, w, C), (B, classes)
            chosen = tf.reduce_max(logits, axis=1)
            if logits.shape[-1] == 1:  # of two classes the first speaks with the other sign
                chosen = tf.abs(chosen)
        weights = tf.reduce_mean(tape.gradient(chosen, maps), axis=(1, 2), keepdims=True)
        found = tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))  # (B, h, w)
        largest = tf.reduce_max(found, axis=(1, 2), keepdims=True)
        return tf.math.divide_no_nan(found, largest).numpy()

    return heat


def _maps_and_logits(predictor: Any) -> Any:
    """Return a model that gives the last maps `(B, h, w, C)` too."""
    import keras

    name, model = predictor.card["model"], predictor.model
    if predictor.task.name != "classification" or predictor.spec.kind != "image":
        raise InputError(
            f"Grad-CAM was asked of '{name}', which does {predictor.task.name}. Expected a "
            "classifier of pictures."
        )
    if model is None:
        raise InputError(
            "Grad-CAM was asked of a SavedModel, whose layers are gone. Expected the run, or its "
            "export as .keras."
        )
    for layer in reversed(model.layers):
        shape = getattr(layer.output, "shape", ())
        if len(shape) == 4 and min(shape[1:3]) > 1:
            return keras.Model(model.inputs, [layer.output, model.output])
    raise InputError(
        f"Grad-CAM was asked of '{name}', none of whose layers has maps of the picture. Expected a "
        "convolutional network."
    )
