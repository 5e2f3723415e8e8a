"""Pairs of texts, one to be read and one to be written, as token ids of two vocabularies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.datasets.base import Spec
from zoo.datasets.text import pieces
from zoo.preprocessing import tokenizers
from zoo.preprocessing.text import dense, ragged
from zoo.preprocessing.tokenizers import BOUNDARY

SPARE = 10  # tokens


class PairPreprocessor:
    """Ids of sources, a boundary after each, and of targets, one before and after each.

    Texts longer than `sequence_length` tokens are cut at their end. What is written is at most
    `longest` tokens: a few more than the longest target that was learned from has.
    """

    kind = "pairs"

    def __init__(
        self,
        name: str,
        source: Mapping[str, Any],
        target: Mapping[str, Any],
        sequence_length: int,
        longest: int | None = None,
    ):
        self.name = name
        self.source, self.target = map(tokenizers.from_json, (source, target))
        self.sequence_length = sequence_length
        self.longest = longest or sequence_length

    @classmethod
    def fit(
        cls, spec: Spec, split: Any, *, tokenizer: str, vocabulary_size: int, sequence_length: int
    ) -> PairPreprocessor:
        """Learn a vocabulary of the training sources, and one of the targets."""
        kind = tokenizers.TOKENIZERS[tokenizer]
        targets = list(split.targets())
        source, target = (
            kind.fit(pieces(texts), vocabulary_size).to_json()
            for texts in (split.documents, targets)
        )
        ids = ragged(tokenizers.from_json(target), targets, sequence_length)
        longest = min(int(ids.row_lengths().numpy().max()) + SPARE, sequence_length)
        return cls(spec.inputs[0].name, source, target, sequence_length, longest)

    def to_json(self) -> dict[str, Any]:
        """Return the fitted state as plain values."""
        return {
            "kind": self.kind,
            "name": self.name,
            "source": self.source.to_json(),
            "target": self.target.to_json(),
            "sequence_length": self.sequence_length,
            "longest": self.longest,
        }

    def builder_arguments(self) -> dict[str, Any]:
        """Return what the data dictates to a builder."""
        return {
            "vocabulary_size": self.source.size,
            "target_vocabulary_size": self.target.size,
            "sequence_length": self.sequence_length + 2,
        }

    def signature(self) -> dict[str, tf.TensorSpec]:
        """Return the raw input of an exported model."""
        return {self.name: tf.TensorSpec((None,), tf.string, name=self.name)}

    def trackables(self) -> list[Any]:
        """Return the layers and tables an export has to keep."""
        return [*self.source.trackables(), *self.target.trackables()]

    def encode(self, raw: dict[str, tf.Tensor]) -> dict[str, tf.RaggedTensor]:
        """Return `source` int32 `(B, None)`."""
        ids = self.source.ids(raw[self.name])[:, : self.sequence_length]
        return {"source": tf.concat([ids, _boundary(ids)], axis=1)}

    def tensors(self, encoded: dict[str, tf.RaggedTensor]) -> dict[str, tf.Tensor]:
        """Return ids int32 `(B, S)` and, where there are targets, `(B, T)`, padded at their end."""
        return {name: dense(ids) for name, ids in encoded.items()}

    def encode_split(self, split: Any) -> dict[str, tf.RaggedTensor]:
        """Encode a whole split with its targets, `source` and `target`."""
        source = ragged(self.source, split.documents, self.sequence_length)
        target = ragged(self.target, list(split.targets()), self.sequence_length)
        return {
            "source": tf.concat([source, _boundary(source)], axis=1),
            "target": tf.concat([_boundary(target), target, _boundary(target)], axis=1),
        }

    def lengths(self, encoded: dict[str, tf.RaggedTensor]) -> np.ndarray:
        """Return how many tokens each source and each target has, `(rows, 2)`."""
        return np.stack([ids.row_lengths().numpy() for ids in encoded.values()], axis=1)


def _boundary(ids: tf.RaggedTensor) -> tf.Tensor:
    return tf.fill((ids.nrows(), 1), BOUNDARY)
