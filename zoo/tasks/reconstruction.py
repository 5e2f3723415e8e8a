"""Inputs from themselves, through a narrow place; what comes back badly is unusual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import losses
from zoo.datasets.base import Spec
from zoo.tasks import common


class Reconstruction(common.Task):
    """Decodes outputs into `reconstruction` and `anomaly_score`, the mean squared error of a row.

    Both are in the units the model sees: standardized numbers, pictures in [0, 1].
    """

    name = "reconstruction"
    score = "mse"

    def __init__(self, spec: Spec):
        self.spec = spec

    def loss(self, name: str | None, **options: Any) -> keras.losses.Loss:
        """Return the loss called `name`, by default mse."""
        return losses.create(name or "mse", "numbers", **options)

    def metrics(self) -> list[keras.metrics.Metric]:
        """Return what is measured while training."""
        return [keras.metrics.MeanAbsoluteError("mae")]

    def targets(self, split: Any) -> None:
        """Return None: the target is the input."""
        return

    def example(self, inputs: tf.Tensor, target: None) -> tuple[Any, ...]:
        """Return the input as its own target."""
        return inputs, inputs

    def decode(self, outputs: tf.Tensor, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the output and how far it is from the input."""
        outputs = tf.cast(outputs, tf.float32)
        axes = list(range(1, len(outputs.shape)))
        return {
            "anomaly_score": tf.reduce_mean(tf.square(outputs - inputs), axis=axes),
            "reconstruction": outputs,
        }

    def evaluate(self, predict: Callable[[Any], dict], split: Any) -> dict[str, Any]:
        """Measure a predictor on a split."""
        scores = predict(split)["anomaly_score"].astype(np.float64)
        quantiles = {f"score_p{q}": float(np.percentile(scores, q)) for q in (50, 95, 99)}
        return {
            "scores": {"mse": float(scores.mean()), **quantiles},
            "tables": {"anomaly_scores": scores.tolist()},
        }
