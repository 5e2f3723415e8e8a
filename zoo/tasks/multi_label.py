"""Any number of classes an example, each decided on its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import losses
from zoo.datasets.base import Spec
from zoo.tasks import common


class MultiLabel(common.Task):
    """Decodes logits into `labels` (those above one half, by commas) and `probabilities`."""

    name = "multi-label"
    score = "f1"
    mixed = False  # whether training mixes labels

    def __init__(self, spec: Spec):
        self.classes = spec.classes

    def builder_arguments(self) -> dict[str, Any]:
        """Return the size of the output layer."""
        return {"classes": len(self.classes)}

    def loss(self, name: str | None, **options: Any) -> keras.losses.Loss:
        """Return the loss called `name`, by default binary cross-entropy on logits."""
        return losses.create(name or "binary_crossentropy", "multi", **options)

    def metrics(self) -> list[keras.metrics.Metric]:
        """Return what is measured while training."""
        return [common.binary_accuracy(self.mixed)]

    def class_weights(self, targets: np.ndarray) -> np.ndarray:
        """Return a float32 weight a row: the mean over its classes, what is rare weighing more."""
        least = 1 / len(targets)
        present = np.clip(targets.mean(axis=0), least, 1)
        absent = np.clip(1 - targets.mean(axis=0), least, 1)
        weights = np.where(targets > 0, 0.5 / present, 0.5 / absent)
        return weights.mean(axis=1).astype(np.float32)

    def decode(self, outputs: tf.Tensor, inputs: Any) -> dict[str, tf.Tensor]:
        """Turn logits `(B, classes)` into named outputs."""
        probabilities = tf.sigmoid(tf.cast(outputs, tf.float32))
        named = tf.broadcast_to(tf.constant(self.classes), tf.shape(probabilities))
        chosen = tf.ragged.boolean_mask(named, probabilities > 0.5)
        return {
            "labels": tf.strings.reduce_join(chosen, axis=1, separator=","),
            "probabilities": probabilities,
        }

    def evaluate(self, predict: Callable[[Any], dict], split: Any) -> dict[str, Any]:
        """Measure a predictor on a split."""
        from sklearn import metrics as m

        probabilities = predict(split)["probabilities"].astype(np.float64)
        actual = split.targets().astype(int)
        predicted = (probabilities > 0.5).astype(int)
        clipped = np.clip(probabilities, 1e-15, 1 - 1e-15)
        log_loss = -(actual * np.log(clipped) + (1 - actual) * np.log(1 - clipped)).mean()
        mixed = [c for c in range(actual.shape[1]) if 0 < actual[:, c].sum() < len(actual)]
        scores = {
            "accuracy": float((actual == predicted).mean()),
            "exact_match": float((actual == predicted).all(axis=1).mean()),
            "f1": float(m.f1_score(actual, predicted, average="macro", zero_division=0)),
            "f1_micro": float(m.f1_score(actual, predicted, average="micro", zero_division=0)),
            "roc_auc": common.defined(
                lambda: m.roc_auc_score(actual[:, mixed], probabilities[:, mixed])
            ),
            "log_loss": float(log_loss),
        }
        columns = m.precision_recall_fscore_support(actual, predicted, zero_division=0)
        return {"scores": scores, "tables": {"per_class": common.per_class(self.classes, columns)}}
