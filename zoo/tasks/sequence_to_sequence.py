"""A text written for a text read: translation, summaries, copies."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import losses
from zoo.datasets.base import Spec
from zoo.errors import missing_extra
from zoo.generation.decoding import beam_search
from zoo.metrics.accuracy import TokenAccuracy
from zoo.preprocessing.tokenizers import BOUNDARY, PADDING
from zoo.tasks import common

SHOWN = 10  # texts in a report
BEAMS = 4


class SequenceToSequence(common.Task):
    """Decodes into one string a source, named as the target, by beam search."""

    name = "sequence-to-sequence"
    score = "bleu"

    def __init__(self, spec: Spec):
        self.column, (self.target, *_) = spec.inputs[0].name, spec.targets

    @classmethod
    def fit(cls, spec: Spec, train: Any) -> SequenceToSequence:
        """Learn nothing, but look whether what is written can be measured."""
        cls.measures()
        return cls(spec)

    @staticmethod
    def measures() -> Any:
        """Return the package that measures what is written."""
        return needed("sacrebleu", "Measuring translations")

    def loss(self, name: str | None, **options: Any) -> keras.losses.Loss:
        """Return the loss called `name`, by default cross-entropy, the mean over real tokens."""
        loss = losses.create(name or "categorical_crossentropy", "tokens", **options)
        loss.reduction = "mean_with_sample_weight"
        return loss

    def metrics(self) -> list[keras.metrics.Metric]:
        """Return the share of tokens that are right, given the right ones before them."""
        return [TokenAccuracy("accuracy")]

    def targets(self, split: Any) -> None:
        """Return None: the preprocessor encodes them with the sources."""
        return

    def example(self, inputs: dict[str, tf.Tensor], target: None) -> tuple[Any, ...]:
        """Return source and target ids, the target's one later, and which of those are real."""
        ids = inputs["target"]
        following = ids[:, 1:]
        real = tf.cast(following != PADDING, tf.float32)
        return {"source": inputs["source"], "target": ids[:, :-1]}, following, real

    def signatures(self, model: Any, preprocessor: Any) -> dict[str, common.Signature]:
        """Return functions that write a text for each source, and that give logits."""
        encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")

        def serve(**raw: tf.Tensor) -> dict[str, tf.Tensor]:
            source = preprocessor.tensors(preprocessor.encode(raw))["source"]
            encoded = [tf.repeat(x, BEAMS, axis=0) for x in encoder(source, training=False)]
            longest = tf.minimum(2 * tf.shape(source)[1] + 10, preprocessor.longest)
            fixed, state = decoder.begin(encoded, longest + 1)
            first = tf.fill((BEAMS * tf.shape(source)[0],), BOUNDARY)
            step = lambda token, state: decoder.step(token, fixed, state)  # noqa: E731
            logits, state = step(first, state)
            ids = beam_search(step, logits, state, BEAMS, longest)
            return {self.target: preprocessor.target.strings(ids)}

        def tensors(source: tf.Tensor, target: tf.Tensor) -> dict[str, tf.Tensor]:
            logits = model({"source": source, "target": target}, training=False)
            return {"logits": tf.cast(logits, tf.float32)}

        return {
            "serving_default": (serve, preprocessor.signature()),
            "tensors": (tensors, common.tensor_signature(model)),
        }

    def evaluate(self, predict: Callable[[Any], dict], split: Any) -> dict[str, Any]:
        """Measure what is written for a split's sources against its targets."""
        written = predict(split)[self.target].tolist()
        expected = split.targets().tolist()
        sources = split.batch(np.arange(len(split)))[self.column].tolist()
        samples = [
            {"source": source, "expected": wanted, "written": text}
            for source, wanted, text in zip(sources[:SHOWN], expected, written, strict=False)
        ]
        measured = self.measured(sources, expected, written)
        return {**measured, "tables": {**measured.get("tables", {}), "samples": samples}}

    def measured(self, sources: list[str], expected: list[str], written: list[str]) -> dict:
        """Return scores of what was written, all in lower case."""
        found, wanted = ([text.lower() for text in texts] for texts in (written, expected))
        sacrebleu = self.measures()
        bleu = sacrebleu.corpus_bleu(found, [wanted])
        scores = {
            "bleu": bleu.score,
            "chrf": sacrebleu.corpus_chrf(found, [wanted]).score,
            "exact": float(np.mean([a == b for a, b in zip(found, wanted, strict=True)])),
            "length_ratio": bleu.sys_len / max(bleu.ref_len, 1),
        }
        return {"scores": scores}


def needed(package: str, what: str) -> Any:
    """Return a package of the extra that texts are measured with."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise missing_extra(package, "text", what) from error
