"""What several tasks share: serving functions and scores that survive odd data."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from zoo.metrics.accuracy import MixedBinaryAccuracy

Signature = tuple[Callable[..., dict[str, tf.Tensor]], dict[str, tf.TensorSpec]]


def signatures(task: Any, model: Any, preprocessor: Any) -> dict[str, Signature]:
    """Return the functions a predictor calls and an export keeps, with their inputs.

    `serving_default` takes raw input, `tensors` what the model takes; both answer with the named
    outputs of `task.decode`.
    """

    def serve(**raw: tf.Tensor) -> dict[str, tf.Tensor]:
        inputs = preprocessor.tensors(preprocessor.encode(raw))
        return task.decode(model(inputs, training=False), inputs)

    def tensors(**named: tf.Tensor) -> dict[str, tf.Tensor]:
        inputs = named if isinstance(model.input, dict) else named["inputs"]
        return task.decode(model(inputs, training=False), inputs)

    return {
        "serving_default": (serve, preprocessor.signature()),
        "tensors": (tensors, tensor_signature(model)),
    }


def tensor_signature(model: Any) -> dict[str, tf.TensorSpec]:
    """Return what a model takes: its named inputs, or one called `inputs`."""
    inputs = model.input if isinstance(model.input, dict) else {"inputs": model.input}
    return {name: tf.TensorSpec(x.shape, x.dtype, name=name) for name, x in inputs.items()}


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
