"""Where a classifier looks: Grad-CAM.

Selvaraju and others, Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization, 2016, arXiv:1610.02391.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.errors import InputError


def heat(predictor: Any, pictures: np.ndarray) -> np.ndarray:
    """Return how much each place of pictures speaks for the class they are taken for.

    Args:
        predictor: of a run, for classification of pictures.
        pictures: uint8 `(B, height, width, channels)`, of the size the model sees.

    Returns:
        float32 `(B, h, w)` in [0, 1], of the size of the last maps before the classes.

    Raises:
        InputError: the model is none that can be asked.
    """
    import tensorflow as tf

    model = _maps_and_logits(predictor)
    inputs = predictor.preprocessor.tensors(tf.constant(pictures))
    with tf.GradientTape() as tape:
        maps, logits = model(inputs, training=False)  # (B, h, w, C), (B, classes)
        if logits.shape[-1] == 1:  # of two classes the first speaks with the other sign
            chosen = tf.abs(logits[:, 0])
        else:
            chosen = tf.reduce_max(logits, axis=1)
    weights = tf.reduce_mean(tape.gradient(chosen, maps), axis=(1, 2), keepdims=True)  # (B,1,1,C)
    found = tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))  # (B, h, w)
    largest = tf.reduce_max(found, axis=(1, 2), keepdims=True)
    return tf.math.divide_no_nan(found, largest).numpy()


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
