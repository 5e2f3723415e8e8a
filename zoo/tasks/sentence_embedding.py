"""A vector for a text, near those of texts that say the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.datasets.base import Spec
from zoo.datasets.text import TextSplit
from zoo.errors import InputError
from zoo.losses.contrast import InBatch, own
from zoo.tasks import common

SHOWN = 10  # texts in a report
AMONG = (1, 5, 10)


class SentenceEmbedding(common.Task):
    """Answers with `embedding`, float32 `(B, C)` of length one; learned from pairs of texts.

    Reimers and Gurevych, Sentence-BERT, 2019, arXiv:1908.10084.
    """

    name = "sentence-embedding"
    score = "mrr"

    def __init__(self, spec: Spec):
        self.column, (self.target, *_) = spec.inputs[0].name, spec.targets

    def trained(self, model: keras.Model) -> keras.Model:
        """Return the model that reads both texts of a pair, `(B, 2, C)`."""
        inputs = {n: keras.Input((None,), dtype="int32", name=n) for n in ("source", "target")}
        length = keras.layers.UnitNormalization(dtype="float32")
        vectors = [length(model(x)[1]) for x in inputs.values()]
        return keras.Model(inputs, keras.ops.stack(vectors, axis=1), name="twins")

    def loss(self, name: str | None, **options: Any) -> keras.losses.Loss:
        """Return cross-entropy among the targets of a batch."""
        if name is not None:
            raise InputError(
                f"--loss received '{name}' for {self.name}, which has a loss of its own. Expected "
                "none. Try without --loss."
            )
        return InBatch()

    def metrics(self) -> list[keras.metrics.Metric]:
        """Return the share of sources whose own target is the nearest in the batch."""

        def accuracy(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
            place, cosines = own(y_pred)
            found = tf.argmax(cosines, axis=1, output_type=tf.int32)
            return tf.cast(found == place, tf.float32)

        return [keras.metrics.MeanMetricWrapper(accuracy, "accuracy")]

    def targets(self, split: Any) -> None:
        """Return None: the preprocessor encodes them with the sources."""
        return

    def example(self, inputs: dict[str, tf.Tensor], target: None) -> tuple[Any, ...]:
        """Return the ids of both sides, and a target that says nothing."""
        return inputs, tf.zeros(tf.shape(inputs["source"])[:1])

    def decode(self, outputs: Any, inputs: Any) -> dict[str, tf.Tensor]:
        """Turn a model's tokens and vectors into vectors of length one."""
        return {"embedding": tf.math.l2_normalize(tf.cast(outputs[1], tf.float32), axis=1)}

    def evaluate(self, predict: Callable[[Any], dict], split: Any) -> dict[str, Any]:
        """Look for each source's own target among all of a split, beside TF-IDF."""
        targets = split.targets().tolist()
        sources = split.batch(np.arange(len(split)))[self.column].tolist()
        other = predict(TextSplit.of(targets, self.column))["embedding"]
        ours = predict(split)["embedding"] @ other.T
        rows = {"model": ours, "tf-idf": _tf_idf(sources, targets)}
        measured = [{"embedding": name, **_retrieval(scores)} for name, scores in rows.items()]
        scores = {name: value for name, value in measured[0].items() if name != "embedding"}
        nearest = ours.argmax(axis=1)
        samples = [
            {"source": sources[i], "expected": targets[i], "nearest": targets[nearest[i]]}
            for i in range(min(SHOWN, len(sources)))
        ]
        scores |= {"similarity": float(np.diag(ours).mean()), "similarity_of_others": _others(ours)}
        return {"scores": scores, "tables": {"baselines": measured, "samples": samples}}


def _retrieval(scores: np.ndarray) -> dict[str, float]:
    """Return the mean reciprocal rank of each row's own column, and how often it is among few.

    Of columns that score alike it is the middle one.
    """
    own_score = np.diag(scores)[:, None]
    ties = (scores == own_score).sum(axis=1) - 1
    rank = 1 + (scores > own_score).sum(axis=1) + ties / 2
    return {
        "mrr": float((1 / rank).mean()),
        **{f"recall_at_{count}": float((rank <= count).mean()) for count in AMONG},
    }


def _others(scores: np.ndarray) -> float | None:
    """Return the mean outside the diagonal."""
    count = scores.size - len(scores)
    return float((scores.sum() - np.trace(scores)) / count) if count else None


def _tf_idf(sources: list[str], targets: list[str]) -> np.ndarray:
    """Return cosines of counts of words, each weighed by how rare it is."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(token_pattern=r"(?u)\b\w+\b")
    try:
        words.fit(sources + targets)
    except ValueError:  # there are no words
        return np.zeros((len(sources), len(targets)))
    return (words.transform(sources) @ words.transform(targets).T).toarray()
