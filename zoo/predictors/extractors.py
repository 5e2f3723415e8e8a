"""What turns pictures into the vectors that generated and real ones are compared by."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.errors import InputError
from zoo.predictors.loading import load
from zoo.progress import Progress
from zoo.runs import Run
from zoo.weights.transfer import HEAD

BATCH = 256
INCEPTION = "inception-v3"


class Extractor:
    """Features of pictures, and what a classifier calls them.

    Attributes:
        name: of what extracts them; it belongs to every score made of them.
        classes: what the classifier knows, in the order of its codes; () where it is none here.
    """

    def __init__(self, name: str, function: Callable[[Any], Any], classes: tuple[str, ...] = ()):
        self.name, self.classes = name, classes
        self._function = tf.function(function, autograph=False, reduce_retracing=True)

    def __call__(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return features `(n, d)` and codes of classes `(n,)` of pictures, uint8."""
        found = []
        with Progress("Comparing", "pictures", len(pictures)) as progress:
            for start in range(0, len(pictures), BATCH):
                part = tf.constant(pictures[start : start + BATCH])
                found.append([value.numpy() for value in self._function(part)])
                progress.advance(len(part))
        features, codes = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return features, codes


def create(asked: str | os.PathLike[str], shape: tuple[int, ...]) -> Extractor:
    """Return the extractor that a run of a classifier is, or InceptionV3.

    Args:
        asked: a run, or "inception-v3", whose ImageNet weights Keras keeps or fetches.
        shape: of the pictures, `(height, width, channels)`.

    Raises:
        InputError: it classifies no pictures, or pictures of another shape.
    """
    if str(asked) == INCEPTION and not Path(asked).exists():
        return _inception()
    predictor = load(Run.open(asked))
    if predictor.task.name != "classification" or predictor.spec.kind != "image":
        raise InputError(
            f"--extractor received '{asked}', a model for {predictor.task.name} of data of kind "
            f"'{predictor.spec.kind}'. Expected the run of a classifier of pictures. Try one that "
            "`zoo train cnn-small` made of the same data."
        )
    trained = tuple(predictor.preprocessor.shape)
    if trained != tuple(shape):
        raise InputError(
            f"--extractor received '{asked}', which was trained on pictures of shape {trained}. "
            f"Expected {tuple(shape)}, as the generated ones are. Try a classifier of the same "
            "data."
        )
    head = predictor.model.get_layer(HEAD)
    both = keras.Model(predictor.model.inputs, [head.input, head.output])

    def look(pictures: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features, logits = both(predictor.preprocessor.tensors(pictures), training=False)
        width = logits.shape[-1]
        codes = tf.argmax(logits, axis=1) if width > 1 else tf.cast(logits[:, 0] > 0, tf.int64)
        return tf.reshape(features, (tf.shape(features)[0], -1)), codes

    return Extractor(Path(asked).resolve().name, look, predictor.spec.classes)


def _inception() -> Extractor:
    """Return the last pooled maps of InceptionV3, as the Fréchet inception distance has them.

    Its weights are those of Keras, and pictures are resized by TensorFlow, so that numbers are near
    those of other tools and not equal.
    """
    try:
        network = keras.applications.InceptionV3(include_top=False, pooling="avg")
    except Exception as error:  # of the network, the file, or its hash
        raise InputError(
            f"The weights of InceptionV3 could not be fetched: {' '.join(str(error).split())[:200]}"
            ". Expected the site of Keras to be reachable, or its file in ~/.keras/models. Try the "
            "run of a classifier."
        ) from error

    def look(pictures: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        colored = tf.image.grayscale_to_rgb(pictures) if pictures.shape[-1] == 1 else pictures
        sized = tf.image.resize(tf.cast(colored, tf.float32), (299, 299), antialias=True)
        features = network(sized / 127.5 - 1.0, training=False)
        return features, tf.zeros(tf.shape(features)[:1], tf.int64)

    return Extractor(INCEPTION, look)
