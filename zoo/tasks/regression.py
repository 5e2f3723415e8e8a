"""One or several numbers an example, learned in standardized units and answered in their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import losses
from zoo.datasets.base import Spec
from zoo.tasks import common

DRAWN = 2000


class Regression(common.Task):
    """Decodes outputs into one named vector a target, in the target's units.

    Args:
        spec: what the data set holds.
        mean, scale: the training split's statistics of every target.
    """

    name = "regression"
    score = "r2"

    def __init__(self, spec: Spec, mean: Sequence[float], scale: Sequence[float]):
        self.names = spec.targets
        self.mean = np.asarray(mean, np.float64)
        self.scale = np.asarray(scale, np.float64)

    @classmethod
    def fit(cls, spec: Spec, train: Any) -> Regression:
        """Compute the statistics of the training targets."""
        values = train.targets()
        scale = values.std(axis=0)
        return cls(spec, values.mean(axis=0).tolist(), np.where(scale > 0, scale, 1.0).tolist())

    def to_json(self) -> dict[str, Any]:
        """Return the fitted state as plain lists of numbers."""
        return {"name": self.name, "mean": self.mean.tolist(), "scale": self.scale.tolist()}

    def builder_arguments(self) -> dict[str, Any]:
        """Return the size of the output layer."""
        return {"classes": len(self.names)}

    def loss(self, name: str | None, **options: Any) -> keras.losses.Loss:
        """Return the loss called `name`, by default mse; it sees standardized targets."""
        return losses.create(name or "mse", "numbers", **options)

    def metrics(self) -> list[keras.metrics.Metric]:
        """Return what is measured while training: the mean absolute error in the targets' units."""
        scale = self.scale.astype(np.float32)

        def mae(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
            return tf.reduce_mean(tf.abs(y_true - y_pred) * scale, axis=-1)

        return [keras.metrics.MeanMetricWrapper(mae, "mae")]

    def targets(self, split: Any) -> np.ndarray:
        """Return standardized targets, float32 `(rows, targets)`."""
        return ((split.targets() - self.mean) / self.scale).astype(np.float32)

    def decode(self, outputs: tf.Tensor, inputs: Any) -> dict[str, tf.Tensor]:
        """Turn standardized outputs `(B, targets)` into one vector a target."""
        values = tf.cast(outputs, tf.float32) * self.scale.astype(np.float32)
        values += self.mean.astype(np.float32)
        return {name: values[:, i] for i, name in enumerate(self.names)}

    def evaluate(self, predict: Callable[[Any], dict], split: Any) -> dict[str, Any]:
        """Measure a predictor on a split: errors in the targets' units, means over targets."""
        outputs = predict(split)
        predicted = np.stack([outputs[name] for name in self.names], axis=1).astype(np.float64)
        actual = split.targets()
        rows = [
            {"target": name} | _scores(actual[:, i], predicted[:, i])
            for i, name in enumerate(self.names)
        ]
        scores = {key: _mean([row[key] for row in rows]) for key in ("rmse", "mae", "r2")}
        kept = np.unique(np.linspace(0, len(actual) - 1, DRAWN).astype(int))
        residuals = {
            name: {"actual": actual[kept, i].tolist(), "predicted": predicted[kept, i].tolist()}
            for i, name in enumerate(self.names)
        }
        return {"scores": scores, "tables": {"per_target": rows, "residuals": residuals}}


def _scores(actual: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    error = predicted - actual
    spread = ((actual - actual.mean()) ** 2).sum()
    return {
        "rmse": float(np.sqrt((error**2).mean())),
        "mae": float(np.abs(error).mean()),
        "r2": float(1 - (error**2).sum() / spread) if spread > 0 else None,
    }


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
