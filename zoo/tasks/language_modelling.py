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
from zoo.datasets.base import ArraySplit, Spec, TextSplit
from zoo.generation import sampling
from zoo.tasks import common


@dataclass
class Windows(ArraySplit):
    """Pieces of documents, and which document each is of."""

    owner: np.ndarray = field(default_factory=lambda: np.zeros(0, int))


class LanguageModelling(common.Task):
    """Scores a text by `log_probability` (nats) over `tokens`; generates text from a prompt."""

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

    def example(self, inputs: dict[str, tf.Tensor], target: None) -> tuple[Any, ...]:
        """Return codes, the codes one later, and which of those are real, `(B, T)` each."""
        ids = inputs["ids"]
        real = tf.sequence_mask(inputs["length"] - 1, ids.shape[1] - 1, dtype=tf.float32)
        return ids[:, :-1], ids[:, 1:], real

    def signatures(self, model: Any, preprocessor: Any) -> dict[str, common.Signature]:
        """Return functions that score texts, generate from prompts, and give logits."""

        def serve(**raw: tf.Tensor) -> dict[str, tf.Tensor]:
            encoded = preprocessor.encode(raw)
            ids, following, real = self.example(encoded, None)
            logits = tf.cast(model(ids, training=False), tf.float32)
            nats = tf.nn.sparse_softmax_cross_entropy_with_logits(following, logits)
            return {
                "log_probability": -tf.reduce_sum(nats * real, axis=1),
                "tokens": tf.cast(tf.reduce_sum(real, axis=1), tf.int32),
            }

        def tensors(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"logits": tf.cast(model(inputs, training=False), tf.float32)}

        def generate(
            prompt: tf.Tensor, tokens: tf.Tensor, temperature: tf.Tensor, seed: tf.Tensor
        ) -> dict[str, tf.Tensor]:
            return {
                "text": sampling.continue_text(
                    model, preprocessor, prompt, tokens, temperature, seed
                )
            }

        return {
            "serving_default": (serve, preprocessor.signature()),
            "tensors": (tensors, common.tensor_signature(model)),
            "generate": (
                generate,
                {
                    "prompt": tf.TensorSpec((None,), tf.string, name="prompt"),
                    "tokens": tf.TensorSpec((), tf.int32, name="tokens"),
                    "temperature": tf.TensorSpec((), tf.float32, name="temperature"),
                    "seed": tf.TensorSpec((), tf.int32, name="seed"),
                },
            ),
        }

    def served(self, split: Any, preprocessor: Any) -> Windows:
        """Return a split as windows of text, which is what the model is served."""
        cut = [preprocessor.windows(TextSplit([document])) for document in split.documents]
        windows = np.array([window for windows in cut for window in windows], dtype=object)
        owner = np.repeat(np.arange(len(cut)), [len(windows) for windows in cut])
        return Windows({self.column: windows}, np.arange(len(windows)), owner=owner)

    def joined(self, outputs: dict[str, Any], served: Windows, rows: int) -> dict[str, Any]:
        """Return what was answered for each document: the sum over its windows."""
        return {
            name: np.bincount(served.owner, values, minlength=rows).astype(values.dtype)
            for name, values in outputs.items()
        }

    def evaluate(self, predict: Callable[[Any], dict], split: Any) -> dict[str, Any]:
        """Measure a predictor on a split of documents."""
        outputs = predict(split)
        tokens = int(outputs["tokens"].sum())
        loss = -float(outputs["log_probability"].astype(np.float64).sum()) / max(tokens, 1)
        scores = {
            "loss": loss,
            "perplexity": math.exp(min(loss, 700)),
            "bits_per_character": loss / math.log(2),
            "tokens": tokens,
        }
        return {"scores": scores, "tables": {}}
