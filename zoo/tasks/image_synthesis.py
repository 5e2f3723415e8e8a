"""New pictures like those of the training split."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.datasets.base import Spec
from zoo.errors import InputError
from zoo.generation import latents
from zoo.metrics.frechet import frechet_distance
from zoo.preprocessing.images import ImagePreprocessor
from zoo.tasks import common

PIXELS = 2048


class ImageSynthesis(common.Task):
    """Makes `image` (uint8) and `png` (bytes) from a count and a seed."""

    name = "image-synthesis"
    monitor = None
    score = "frechet_pixels"

    def __init__(self, spec: Spec):
        self.column = spec.inputs[0].name

    def loss(self, name: str | None, **options: Any) -> None:
        """Return None: an adversarial model brings its own losses."""
        if name is not None:
            raise InputError(
                f"--loss received '{name}' for image synthesis. Expected none: an adversarial "
                "model brings its own losses."
            )

    def targets(self, split: Any) -> None:
        """Return None: pictures have no targets here."""
        return

    def example(self, inputs: tf.Tensor, target: None) -> tuple[Any, ...]:
        """Return what the adversarial step takes."""
        return (inputs,)

    def decode(self, outputs: tf.Tensor, inputs: Any) -> dict[str, tf.Tensor]:
        """Turn pictures in [0, 1] into uint8 arrays and PNG bytes."""
        outputs = tf.cast(outputs, tf.float32)
        image = tf.cast(tf.round(tf.clip_by_value(outputs, 0.0, 1.0) * 255.0), tf.uint8)
        png = tf.map_fn(tf.io.encode_png, image, fn_output_signature=tf.TensorSpec((), tf.string))
        return {"image": image, "png": png}

    def signatures(self, model: Any, preprocessor: Any) -> dict[str, common.Signature]:
        """Return functions that make pictures from a count and a seed, and from latents."""

        latent_dim = getattr(model, "latent_dim", None) or model.input_shape[-1]

        def serve(count: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
            drawn = latents.normal(count, latent_dim, seed)
            return self.decode(model(drawn, training=False), drawn)

        def tensors(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
            return self.decode(model(inputs, training=False), inputs)

        return {
            "serving_default": (
                serve,
                {
                    "count": tf.TensorSpec((), tf.int32, name="count"),
                    "seed": tf.TensorSpec((), tf.int32, name="seed"),
                },
            ),
            "tensors": (
                tensors,
                {"inputs": tf.TensorSpec((None, latent_dim), tf.float32, name="inputs")},
            ),
        }

    def evaluate(self, predict: Callable[[Any], dict], split: Any) -> dict[str, Any]:
        """Compare as many made pictures as the split has real ones, by their pixels.

        `frechet_pixels_real` is the same distance between two halves of the real pictures: what a
        perfect generator could reach with as few.
        """
        pictures = predict(split)["image"]
        seen = ImagePreprocessor(self.column, pictures.shape[1:])
        real, made = _features(seen.encode_split(split)), _features(pictures)
        scores = {"frechet_pixels": common.defined(lambda: frechet_distance(made, real))}
        if len(real) >= 4:
            halves = frechet_distance(real[::2], real[1::2])
            scores["frechet_pixels_real"] = halves
        return {"scores": scores, "tables": {}}


def _features(pictures: np.ndarray) -> np.ndarray:
    """Return pixels in [0, 1] as `(rows, features)`, made smaller where there are very many."""
    values = tf.cast(pictures, tf.float32) / 255.0
    height, width, channels = values.shape[1:]
    shrink = (height * width * channels / PIXELS) ** 0.5
    if shrink > 1:
        values = tf.image.resize(values, (int(height / shrink), int(width / shrink)), "area")
    return values.numpy().reshape(len(pictures), -1)
