"""Time series: each column standardized with the training rows' statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.datasets.base import Spec
from zoo.preprocessing.tables import mean_and_scale

BLOCK = 1 << 16  # rows


class SeriesPreprocessor:
    """Standardizes columns of values one step after the other.

    Args:
        columns: names, in the order in which the model sees them, the targets first.
        known: how many of them, the last ones, are known ahead of their time.
        history, horizon: steps to look back on, and to forecast.
        mean, scale: of each column.
    """

    kind = "series"

    def __init__(
        self,
        columns: Sequence[str],
        known: int,
        history: int,
        horizon: int,
        mean: Sequence[float],
        scale: Sequence[float],
    ):
        self.columns, self.known = list(columns), known
        self.history, self.horizon = history, horizon
        self.mean = np.asarray(mean, np.float64)
        self.scale = np.asarray(scale, np.float64)
        if not 0 <= known < len(self.columns) == len(self.mean) == len(self.scale):
            raise ValueError("its columns and statistics are not as many")

    @classmethod
    def fit(cls, spec: Spec, split: Any) -> SeriesPreprocessor:
        """Compute mean and standard deviation of every column over the rows of a split."""
        series = spec.series
        assert series is not None
        known = sum(column.shape[0] > series.history for column in spec.inputs)
        mean, scale = mean_and_scale(split.table.values[split.rows])
        names = [column.name for column in spec.inputs]
        return cls(names, known, series.history, series.horizon, mean.tolist(), scale.tolist())

    def to_json(self) -> dict[str, Any]:
        """Return the fitted state as plain lists, strings and numbers."""
        return {
            "kind": self.kind,
            "columns": self.columns,
            "known": self.known,
            "history": self.history,
            "horizon": self.horizon,
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
        }

    def builder_arguments(self) -> dict[str, Any]:
        """Return what the data dictates to a builder."""
        return {
            "input_shape": (self.history, len(self.columns)),
            "horizon": self.horizon,
            "known": self.known,
        }

    @property
    def ahead(self) -> int:
        """The first column that is known ahead of its time."""
        return len(self.columns) - self.known

    def signature(self) -> dict[str, tf.TensorSpec]:
        """Return the raw input of an exported model: the steps of each named column."""
        lengths = [self.history] * self.ahead + [self.history + self.horizon] * self.known
        return {
            name: tf.TensorSpec((None, length), tf.float64, name=name)
            for name, length in zip(self.columns, lengths, strict=True)
        }

    def trackables(self) -> list[Any]:
        """Return the layers and tables an export has to keep."""
        return []

    def standardize(self, values: tf.Tensor) -> tf.Tensor:
        """Return float32 in standardized units of float64 `(..., columns)`."""
        # A graph would turn a division into this product, and differ in the last bit.
        return tf.cast((values - self.mean) * (1.0 / self.scale), tf.float32)

    def encode(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Return `past` `(B, history, columns)` and, where some are, `future` known ahead."""
        past = tf.stack([raw[name][:, : self.history] for name in self.columns], axis=-1)
        encoded = {"past": self.standardize(past)}
        if self.known:
            names = self.columns[self.ahead :]
            ahead = tf.stack([raw[name][:, self.history :] for name in names], axis=-1)
            scale = 1.0 / self.scale[self.ahead :]
            encoded["future"] = tf.cast((ahead - self.mean[self.ahead :]) * scale, tf.float32)
        return encoded

    def tensors(self, encoded: dict[str, tf.Tensor]) -> Any:
        """Return what the model takes: the past, or past and future where some is known."""
        return encoded if self.known else encoded["past"]

    def encode_table(self, values: np.ndarray) -> np.ndarray:
        """Return all rows in standardized units, float32 `(rows, columns)`, block by block."""
        encoded = np.zeros(values.shape, np.float32)
        for start in range(0, len(values), BLOCK):
            block = slice(start, start + BLOCK)
            encoded[block] = self.standardize(tf.constant(values[block])).numpy()
        return encoded

    def cut(self, windows: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return what `encode` would of windows `(B, history + horizon, columns)` encoded so."""
        past, future = windows[:, : self.history], windows[:, self.history :, self.ahead :]
        return {"past": past, **({"future": future} if self.known else {})}
