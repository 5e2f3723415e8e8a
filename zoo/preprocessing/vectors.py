"""Arrays of numbers: standardized along their last axis with the training split's statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.datasets.base import Spec
from zoo.preprocessing.tables import mean_and_scale


class VectorPreprocessor:
    """Standardizes one float32 array per example, of any shape.

    A missing value, NaN, becomes the mean. Where series differ in length, so that `shape` begins
    with None, what is NaN to the end is padding and stays NaN: such models do not read it.
    """

    kind = "vector"

    def __init__(
        self, name: str, shape: Sequence[int | None], mean: Sequence[float], scale: Sequence[float]
    ):
        self.name = name
        self.shape = tuple(shape)
        self.mean = np.asarray(mean, np.float32)
        self.scale = np.asarray(scale, np.float32)

    @classmethod
    def fit(cls, spec: Spec, split: Any) -> VectorPreprocessor:
        """Compute mean and standard deviation of every entry of the last axis."""
        column = spec.inputs[0]
        values = split.batch(np.arange(len(split)))[column.name].astype(np.float64)
        values = values.reshape(-1, values.shape[-1])
        mean, scale = mean_and_scale(values, rounding=1e-7)  # they come as float32
        return cls(column.name, column.shape, mean.tolist(), scale.tolist())

    def to_json(self) -> dict[str, Any]:
        """Return the fitted state as plain lists and numbers."""
        return {
            "kind": self.kind,
            "name": self.name,
            "shape": list(self.shape),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
        }

    def builder_arguments(self) -> dict[str, Any]:
        """Return what the data dictates to a builder."""
        return {"input_shape": self.shape}

    def signature(self) -> dict[str, tf.TensorSpec]:
        """Return the raw input of an exported model."""
        return {self.name: tf.TensorSpec((None, *self.shape), tf.float32, name=self.name)}

    def trackables(self) -> list[Any]:
        """Return the layers and tables an export has to keep."""
        return []

    def encode(self, raw: dict[str, tf.Tensor]) -> tf.Tensor:
        """Standardize `(B, *shape)`."""
        # A graph would turn a division into this product, and differ in the last bit.
        values = (raw[self.name] - self.mean) * (1.0 / self.scale)
        missing = tf.math.is_nan(values)
        if None in self.shape:
            held = tf.reduce_any(~missing, axis=2, keepdims=True)  # (B, T, 1)
            after = tf.cumsum(tf.cast(held, tf.int32), axis=1, reverse=True)
            missing &= after > 0
        return tf.where(missing, 0.0, values)

    def tensors(self, encoded: tf.Tensor) -> tf.Tensor:
        """Return the encoded array as it is."""
        return encoded

    def encode_split(self, split: Any) -> np.ndarray:
        """Encode a whole split, float32 `(rows, *shape)`."""
        raw = split.batch(np.arange(len(split)))[self.name]
        return self.encode({self.name: tf.constant(raw, tf.float32)}).numpy()
