"""New pictures like those of the training split."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.datasets.base import Spec
from zoo.generation import latents
from zoo.metrics.frechet import frechet_distance
from zoo.preprocessing.images import ImagePreprocessor
from zoo.tasks import common

PIXELS = 2048
PART = 256  # pictures made at once


class ImageSynthesis(common.Task):
    """Makes `image` (uint8) and `png` (bytes) from a count and a seed, of classes also `label`.

    Where the data have classes a model may be told of them, and then makes pictures of one that is
    asked for, or of all in turn.
    """

    name = "image-synthesis"
    monitor = None
    score = "frechet_pixels"
    origin = "an unnamed run"

    def __init__(self, spec: Spec):
        self.column = spec.inputs[0].name
        self.classes = spec.classes if spec.task == "classification" else ()

    def builder_arguments(self) -> dict[str, Any]:
        """Return how many classes there are, where there are any."""
        return {"classes": len(self.classes)} if self.classes else {}

    def loss(self, name: str | None, **options: Any) -> None:
        """Return None: an adversarial model brings its own losses."""
        common.refuse_loss(name, self.name)

    def targets(self, split: Any) -> Any:
        """Return the codes of the classes, or None where there are none."""
        return split.targets() if self.classes else None

    def example(self, inputs: tf.Tensor, target: tf.Tensor | None) -> tuple[Any, ...]:
        """Return what the model's own step takes."""
        return (inputs,) if target is None else (inputs, target)

    def decode(self, outputs: tf.Tensor, inputs: Any) -> dict[str, tf.Tensor]:
        """Turn pictures in [0, 1] into uint8 arrays and PNG bytes that say they are synthetic."""
        made = common.decode_pictures(outputs, self.origin)
        if isinstance(inputs, dict):
            made["label"] = tf.gather(tf.constant(self.classes), inputs["classes"])
        return made

    def signatures(self, model: Any, preprocessor: Any) -> dict[str, common.Signature]:
        """Return functions that make pictures from a count and a seed, and from latents.

        A model of classes takes also the name of one, or "" for all in turn.
        """
        generator = getattr(model, "generator", model)
        of_classes = isinstance(generator.input, dict)
        latent_dim = (generator.input["latents"] if of_classes else generator.input).shape[-1]

        def serve(
            count: tf.Tensor, seed: tf.Tensor, label: tf.Tensor | None = None
        ) -> dict[str, tf.Tensor]:
            some = tf.debugging.Assert(count > 0, ["expected a count above 0, received", count])
            with tf.control_dependencies([some]):
                inputs: Any = latents.normal(count, latent_dim, seed)
            if label is not None:
                inputs = {"latents": inputs, "classes": self._codes(count, label)}
            return self._made(generator, inputs)

        def tensors(**named: tf.Tensor) -> dict[str, tf.Tensor]:
            inputs = named if of_classes else named["inputs"]
            return self._made(generator, inputs)

        numbers = {
            "count": tf.TensorSpec((), tf.int32, name="count"),
            "seed": tf.TensorSpec((), tf.int32, name="seed"),
        }
        if of_classes:
            numbers["label"] = tf.TensorSpec((), tf.string, name="label")
        return {
            "serving_default": (serve, numbers),
            "tensors": (tensors, common.tensor_signature(generator)),
        }

    def _made(self, generator: Any, inputs: Any) -> dict[str, tf.Tensor]:
        """Return what `decode` makes of many inputs, some at a time."""
        count = tf.shape(keras.tree.flatten(inputs)[0])[0]
        parts = -(-count // PART)

        def more(i: tf.Tensor, made: dict[str, tf.TensorArray]) -> tuple:
            rows = keras.tree.map_structure(lambda x: x[i * PART : (i + 1) * PART], inputs)
            found = self.decode(generator(rows, training=False), rows)
            return i + 1, {name: made[name].write(i, found[name]) for name in made}

        kinds = {"image": (tf.uint8, generator.output_shape), "png": (tf.string, (None,))}
        if isinstance(inputs, dict):
            kinds["label"] = (tf.string, (None,))
        made = {
            name: tf.TensorArray(kind, parts, infer_shape=False, element_shape=shape)
            for name, (kind, shape) in kinds.items()
        }
        _, made = tf.while_loop(lambda i, _: i < parts, more, (0, made), parallel_iterations=1)
        return {name: array.concat() for name, array in made.items()}

    def _codes(self, count: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        """Return a class for each picture, int32 `(count,)`."""
        found = tf.equal(tf.constant(self.classes), label)
        known = tf.debugging.Assert(
            tf.logical_or(tf.equal(label, ""), tf.reduce_any(found)), ["an unknown class:", label]
        )
        with tf.control_dependencies([known]):
            asked = tf.fill((count,), tf.argmax(found, output_type=tf.int32))
            return tf.where(tf.equal(label, ""), tf.range(count) % len(self.classes), asked)

    def evaluate(self, predict: Callable[[Any], dict], split: Any) -> dict[str, Any]:
        """Compare as many made pictures as the split has real ones, by their pixels.

        `frechet_pixels_real` is the same distance between two halves of the real pictures: what a
        perfect generator could reach with as few.
        """
        pictures = predict(split)["image"]
        seen = ImagePreprocessor(self.column, pictures.shape[1:])
        real, made = as_features(seen.encode_split(split)), as_features(pictures)
        scores = {"frechet_pixels": common.defined(lambda: frechet_distance(made, real))}
        if len(real) >= 4:
            halves = frechet_distance(real[::2], real[1::2])
            scores["frechet_pixels_real"] = halves
        return {"scores": scores, "tables": {}}


def as_features(pictures: np.ndarray) -> np.ndarray:
    """Return pixels in [0, 1] as `(rows, features)`, made smaller where there are very many."""
    values = tf.cast(pictures, tf.float32) / 255.0
    height, width, channels = values.shape[1:]
    shrink = (height * width * channels / PIXELS) ** 0.5
    if shrink > 1:
        values = tf.image.resize(values, (int(height / shrink), int(width / shrink)), "area")
    return values.numpy().reshape(len(pictures), -1)
