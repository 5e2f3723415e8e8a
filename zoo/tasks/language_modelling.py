"""The next token from those before it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import losses
from zoo.datasets.base import Spec
from zoo.datasets.text import TextSplit, cut
from zoo.generation import sampling
from zoo.preprocessing.tokenizers import PADDING
from zoo.tasks import common

PASSAGE = 1 << 14  # characters that are measured together
TOGETHER = 1 << 22  # logits


@dataclass
class Passages(TextSplit):
    """Parts of documents, and which document each is of."""

    owner: np.ndarray = field(default_factory=lambda: np.zeros(0, int))


class LanguageModelling(common.Task):
    """Scores a text by `log_probability` (nats), over so many `tokens` and `characters`.

    Given the tokens before them in the same window all of a text's tokens count, the first one
    after nothing but its beginning. A text of more than 16,384 characters is measured in parts.
    """

    name = "language-modelling"
    score = "bits_per_character"

    def __init__(self, spec: Spec):
        self.column = spec.inputs[0].name

    def loss(self, name: str | None, **options: Any) -> keras.losses.Loss:
        """Return the loss called `name`, by default cross-entropy, the mean over real tokens."""
        loss = losses.create(name or "categorical_crossentropy", "tokens", **options)
        loss.reduction = "mean_with_sample_weight"
        return loss

    def targets(self, split: Any) -> None:
        """Return None: the targets are the inputs, one token later."""
        return

    def example(self, inputs: tf.Tensor, target: None) -> tuple[Any, ...]:
        """Return ids, the ids one later, and which of those are real, `(B, T)` each."""
        following = inputs[:, 1:]
        return inputs[:, :-1], following, tf.cast(following != PADDING, tf.float32)

    def signatures(self, model: Any, preprocessor: Any) -> dict[str, common.Signature]:
        """Return functions that score texts, generate from prompts, and give logits."""

        def serve(**raw: tf.Tensor) -> dict[str, tf.Tensor]:
            texts = raw[self.column]
            windows, owner = preprocessor.windows(preprocessor.encode(raw)["ids"])
            logs, tokens = self._measure(model, windows, preprocessor.builder_arguments())
            count = tf.shape(texts)[0]
            return {
                "log_probability": tf.math.unsorted_segment_sum(logs, owner, count),
                "tokens": tf.math.unsorted_segment_sum(tokens, owner, count),
                "characters": tf.strings.length(texts, unit="UTF8_CHAR"),
            }

        def tensors(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"logits": tf.cast(model(inputs, training=False), tf.float32)}

        return {
            "serving_default": (serve, preprocessor.signature()),
            "tensors": (tensors, common.tensor_signature(model)),
            "generate": sampling.signature(model, preprocessor),
        }

    def _measure(self, model: Any, windows: tf.Tensor, sizes: dict) -> tuple[tf.Tensor, tf.Tensor]:
        """Return log probability and number of each window's tokens, a few windows at a time."""
        together = max(TOGETHER // (sizes["vocabulary_size"] * sizes["sequence_length"]), 1)
        total = tf.shape(windows)[0]

        def measure(start: tf.Tensor, logs: tf.Tensor, tokens: tf.Tensor) -> tuple:
            ids, following, real = self.example(windows[start : start + together], None)
            logits = tf.cast(model(ids, training=False), tf.float32)
            nats = tf.nn.sparse_softmax_cross_entropy_with_logits(following, logits)
            logs = tf.concat([logs, -tf.reduce_sum(nats * real, axis=1)], axis=0)
            counted = tf.cast(tf.reduce_sum(real, axis=1), tf.int32)
            return start + together, logs, tf.concat([tokens, counted], axis=0)

        _, logs, tokens = tf.while_loop(
            lambda start, *_: start < total,
            measure,
            (0, tf.zeros(0), tf.zeros(0, tf.int32)),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape([None])),
            parallel_iterations=1,
        )
        return logs, tokens

    def served(self, split: Any, preprocessor: Any) -> Passages:
        """Return a split in passages, as it is served."""
        parts = [list(cut(document, PASSAGE)) for document in split.documents]
        owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        flat = [passage for part in parts for passage in part]
        return Passages(flat, np.arange(len(flat)), self.column, owner=owner)

    def joined(self, outputs: dict[str, Any], served: Any, rows: int) -> dict[str, Any]:
        """Return what was answered for each document: the sum over its passages."""
        return {
            name: np.bincount(served.owner, values, minlength=rows).astype(values.dtype)
            for name, values in outputs.items()
        }

    def evaluate(self, predict: Callable[[Any], dict], split: Any) -> dict[str, Any]:
        """Measure a predictor on a split of documents."""
        outputs = predict(split)
        tokens, characters = (int(outputs[name].sum()) for name in ("tokens", "characters"))
        nats = -float(outputs["log_probability"].astype(np.float64).sum())
        loss = nats / max(tokens, 1)
        scores = {
            "loss": loss,
            "perplexity": math.exp(min(loss, 700)),
            "bits_per_character": nats / math.log(2) / max(characters, 1),
            "tokens": tokens,
            "characters": characters,
        }
        return {"scores": scores, "tables": {}}
