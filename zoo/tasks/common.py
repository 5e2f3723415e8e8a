"""What tasks share: their shape, and scores that survive odd data."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Self

import keras
import tensorflow as tf

from zoo.datasets.base import Spec
from zoo.errors import InputError
from zoo.generation.marks import HEADER, chunks
from zoo.metrics.accuracy import MixedBinaryAccuracy

Signature = tuple[Callable[..., dict[str, tf.Tensor]], dict[str, tf.TensorSpec]]


class Task(ABC):
    """What is the same in most tasks: each says what it does otherwise.

    `name` is what a user types, `monitor` the loss to watch, None where a lower one is no better,
    `score` the main one of what `evaluate` measures, and `origin`, where pictures are made, what
    these say they were made by.
    """

    name: str
    monitor: str | None = "loss"
    score: str
    origin: str | None = None

    @abstractmethod
    def __init__(self, spec: Spec):
        """Take from the spec what is needed of it."""

    @classmethod
    def fit(cls, spec: Spec, train: Any) -> Self:
        """Learn what is to be learned of the training split."""
        return cls(spec)

    def to_json(self) -> dict[str, Any]:
        """Return what was learned as plain values."""
        return {"name": self.name}

    def builder_arguments(self) -> dict[str, Any]:
        """Return what the task dictates to a builder."""
        return {}

    def trained(self, model: keras.Model) -> keras.Model:
        """Return what trains a model's weights, where it is not the model itself."""
        return model

    @abstractmethod
    def loss(self, name: str | None, **options: Any) -> keras.losses.Loss | None:
        """Return the loss called `name`, or the usual one; None where the model has its own."""

    def metrics(self) -> list[keras.metrics.Metric]:
        """Return what is measured while training, beside the loss."""
        return []

    def targets(self, split: Any) -> Any:
        """Return all targets as training takes them, or None."""
        return split.targets()

    def example(self, inputs: Any, target: Any) -> tuple[Any, ...]:
        """Return what the training step takes."""
        return inputs, target

    def decode(self, outputs: tf.Tensor, inputs: Any) -> dict[str, tf.Tensor]:
        """Turn what the model answers into named outputs."""
        return {"outputs": outputs}

    def signatures(self, model: Any, preprocessor: Any) -> dict[str, Signature]:
        """Return the functions a predictor calls and an export keeps, with their inputs.

        `serving_default` takes raw input, `tensors` what the model takes; both answer with the
        named outputs of `decode`.
        """

        def serve(**raw: tf.Tensor) -> dict[str, tf.Tensor]:
            inputs = preprocessor.tensors(preprocessor.encode(raw))
            return self.decode(model(inputs, training=False), inputs)

        def tensors(**named: tf.Tensor) -> dict[str, tf.Tensor]:
            inputs = named if isinstance(model.input, dict) else named["inputs"]
            return self.decode(model(inputs, training=False), inputs)

        return {
            "serving_default": (serve, preprocessor.signature()),
            "tensors": (tensors, tensor_signature(model)),
        }

    def served(self, split: Any, preprocessor: Any) -> Any:
        """Return a split as it is served."""
        return split

    def joined(self, outputs: dict[str, Any], served: Any, rows: int) -> dict[str, Any]:
        """Return what was answered for each of a split's examples."""
        return outputs

    @abstractmethod
    def evaluate(self, predict: Callable[[Any], dict], split: Any) -> dict[str, Any]:
        """Measure a predictor on a split: `scores`, numbers by name, and `tables`."""


def tensor_signature(model: Any) -> dict[str, tf.TensorSpec]:
    """Return what a model takes: its named inputs, or one called `inputs`."""
    inputs = model.input if isinstance(model.input, dict) else {"inputs": model.input}
    return {name: tf.TensorSpec(x.shape, x.dtype, name=name) for name, x in inputs.items()}


def refuse_loss(name: str | None, task: str) -> None:
    """Raise an InputError for a loss of a task whose models bring their own."""
    if name is not None:
        raise InputError(
            f"--loss received '{name}' for {task}. Expected none: the model brings its own losses."
        )


def decode_pictures(outputs: tf.Tensor, origin: str) -> dict[str, tf.Tensor]:
    """Return pictures `(B, H, W, C)` in [0, 1] as uint8 `image` and as `png`, bytes `(B,)`.

    Files say that they are synthetic, and by which `origin`.
    """
    outputs = tf.clip_by_value(tf.cast(outputs, tf.float32), 0.0, 1.0)
    image = tf.cast(tf.round(outputs * 255.0), tf.uint8)
    png = tf.map_fn(tf.io.encode_png, image, fn_output_signature=tf.TensorSpec((), tf.string))
    first, rest = (tf.strings.substr(png, *part) for part in ((0, HEADER), (HEADER, 2**31 - 1)))
    return {"image": image, "png": tf.strings.join([first, tf.constant(chunks(origin)), rest])}


def binary_accuracy(mixed: bool) -> keras.metrics.Metric:
    """Return the accuracy of logits `(B, C)`, each yes or no; labels may be mixed."""
    kind = MixedBinaryAccuracy if mixed else keras.metrics.BinaryAccuracy
    return kind("accuracy", threshold=0.0)


def defined(score: Callable[[], float]) -> float | None:
    """Return a score, or None where the data does not define it (one class only, one row)."""
    try:
        value = float(score())
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def per_class(classes: Sequence[str], columns: Sequence[Any]) -> list[dict[str, Any]]:
    """Return a row a class from scikit-learn's precision, recall, F1 and support."""
    return [
        {
            "class": name,
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
            "support": int(support),
        }
        for name, precision, recall, f1, support in zip(classes, *columns, strict=True)
    ]
