"""One class an example. Two classes share one logit, as in logistic regression."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import losses
from zoo.datasets.base import Spec
from zoo.metrics.calibration import expected_calibration_error, reliability
from zoo.tasks import common

WORST = 24  # mistakes that are listed


class Classification(common.Task):
    """Decodes logits into `label`, `probability` and `probabilities`."""

    name = "classification"
    score = "accuracy"
    mixed = False  # whether training mixes labels, which are shares of the classes then

    def __init__(self, spec: Spec):
        self.classes = spec.classes
        self.binary = len(spec.classes) == 2

    def builder_arguments(self) -> dict[str, Any]:
        """Return the size of the output layer."""
        return {"classes": 1 if self.binary else len(self.classes)}

    def loss(self, name: str | None, **options: Any) -> keras.losses.Loss:
        """Return the loss called `name`, by default cross-entropy on logits."""
        default = "binary_crossentropy" if self.binary else "categorical_crossentropy"
        several = "shares" if self.mixed else "class"
        return losses.create(name or default, "binary" if self.binary else several, **options)

    def metrics(self) -> list[keras.metrics.Metric]:
        """Return what is measured while training."""
        if self.binary:
            return [common.binary_accuracy(self.mixed)]
        if self.mixed:
            return [keras.metrics.CategoricalAccuracy("accuracy")]
        return [keras.metrics.SparseCategoricalAccuracy("accuracy")]

    def targets(self, split: Any) -> np.ndarray:
        """Return codes: float32 `(rows, 1)` for two classes, int32 `(rows,)` for more."""
        codes = split.targets()
        return codes.astype(np.float32)[:, None] if self.binary else codes

    def example(self, inputs: Any, target: tf.Tensor) -> tuple[Any, ...]:
        """Return what the training step takes; where labels are mixed, float32 `(B, classes)`."""
        if self.mixed and not self.binary:
            target = tf.one_hot(target, len(self.classes))
        return inputs, target

    def class_weights(self, targets: np.ndarray) -> np.ndarray:
        """Return a float32 weight a row, so that every class weighs the same in all."""
        codes = targets.reshape(-1).astype(int)
        counts = np.maximum(np.bincount(codes, minlength=len(self.classes)), 1)
        return (len(codes) / (len(self.classes) * counts))[codes].astype(np.float32)

    def decode(self, outputs: tf.Tensor, inputs: Any) -> dict[str, tf.Tensor]:
        """Turn logits `(B, classes)`, or `(B, 1)` for two, into named outputs."""
        outputs = tf.cast(outputs, tf.float32)
        if self.binary:
            probabilities = tf.concat([tf.sigmoid(-outputs), tf.sigmoid(outputs)], axis=1)
        else:
            probabilities = tf.nn.softmax(outputs)
        return {
            "label": tf.gather(tf.constant(self.classes), tf.argmax(probabilities, axis=1)),
            "probability": tf.reduce_max(probabilities, axis=1),
            "probabilities": probabilities,
        }

    def evaluate(self, predict: Callable[[Any], dict], split: Any) -> dict[str, Any]:
        """Measure a predictor on a split."""
        probabilities = predict(split)["probabilities"].astype(np.float64)
        actual = split.targets()
        predicted = probabilities.argmax(axis=1)
        confidence = reliability(probabilities.max(axis=1), predicted == actual)
        scores = self._scores(actual, predicted, probabilities)
        scores["calibration_error"] = expected_calibration_error(confidence)
        tables = {
            "per_class": self._per_class(actual, predicted),
            "confusion": self._confusion(actual, predicted),
            "calibration": confidence,
            "worst_mistakes": self._worst(actual, predicted, probabilities),
        }
        if self.binary:
            tables["roc"] = _roc(actual, probabilities[:, 1])
        return {"scores": scores, "tables": tables}

    def _scores(
        self, actual: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray
    ) -> dict[str, Any]:
        from sklearn import metrics as m

        recalls = [(predicted[actual == code] == code).mean() for code in np.unique(actual)]
        chosen = np.clip(probabilities[np.arange(len(actual)), actual], 1e-15, 1)
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :5]
        five = {"top_5_accuracy": float((best == actual[:, None]).any(axis=1).mean())}
        return {
            "accuracy": float((actual == predicted).mean()),
            **(five if len(self.classes) > 5 else {}),
            "balanced_accuracy": float(np.mean(recalls)),
            "f1": float(m.f1_score(actual, predicted, average="macro", zero_division=0)),
            "roc_auc": common.defined(lambda: self._roc_auc(actual, probabilities)),
            "log_loss": float(-np.log(chosen).mean()),
        }

    def _roc_auc(self, actual: np.ndarray, probabilities: np.ndarray) -> float:
        """One class against the rest, the mean over the classes present."""
        from sklearn.metrics import roc_auc_score

        if len(np.unique(actual)) < 2:
            return float("nan")
        if self.binary:
            return roc_auc_score(actual, probabilities[:, 1])
        return float(
            np.mean([roc_auc_score(actual == c, probabilities[:, c]) for c in np.unique(actual)])
        )

    def _per_class(self, actual: np.ndarray, predicted: np.ndarray) -> list[dict[str, Any]]:
        from sklearn.metrics import precision_recall_fscore_support

        columns = precision_recall_fscore_support(
            actual, predicted, labels=np.arange(len(self.classes)), zero_division=0
        )
        return common.per_class(self.classes, columns)

    def _worst(
        self, actual: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray
    ) -> list[dict[str, Any]]:
        """Return mistakes, the one first whose actual class was held least likely."""
        given = probabilities[np.arange(len(actual)), actual]
        wrong = np.flatnonzero(actual != predicted)
        return [
            {
                "row": int(row),
                "actual": self.classes[actual[row]],
                "predicted": self.classes[predicted[row]],
                "probability": float(probabilities[row, predicted[row]]),
                "probability_of_actual": float(given[row]),
            }
            for row in wrong[np.argsort(given[wrong], kind="stable")][:WORST]
        ]

    def _confusion(self, actual: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
        size = len(self.classes)
        matrix = np.bincount(actual * size + predicted, minlength=size * size)
        return {"classes": list(self.classes), "matrix": matrix.reshape(size, size).tolist()}


def _roc(actual: np.ndarray, score: np.ndarray) -> list[dict[str, float]]:
    """Return the ROC curve of the second class, thinned to some 200 points."""
    from sklearn.metrics import roc_curve

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one class only: the curve is undefined, and left out
        false, true, _ = roc_curve(actual, score)
    if not (np.isfinite(false).all() and np.isfinite(true).all()):
        return []
    kept = np.unique(np.linspace(0, len(false) - 1, 200).astype(int))
    return [
        {"false_positive_rate": float(false[i]), "true_positive_rate": float(true[i])} for i in kept
    ]
