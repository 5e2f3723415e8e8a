"""Text as characters: encoding and decoding are core TensorFlow ops, so exports take strings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.datasets.base import Spec

UNKNOWN = "\N{REPLACEMENT CHARACTER}"


class TextPreprocessor:
    """Maps Unicode characters to codes; code 0 is a character never seen in training.

    `sequence_length` is the number of tokens the model sees at once. A split is cut into windows
    of one token more, each predicting its characters from those before them.
    """

    kind = "text"

    def __init__(self, name: str, vocabulary: Sequence[str], sequence_length: int):
        self.name = name
        self.vocabulary = list(vocabulary)
        self.sequence_length = sequence_length
        self.lookup = keras.layers.StringLookup(vocabulary=self.vocabulary, num_oov_indices=1)
        self.lookup.build((None,))
        self.symbols = tf.constant([UNKNOWN, *self.vocabulary])

    @classmethod
    def fit(cls, spec: Spec, split: Any, *, sequence_length: int) -> TextPreprocessor:
        """Collect the characters of the training documents."""
        characters: set[str] = set()
        for document in split.documents:
            characters.update(document)
        return cls(spec.inputs[0].name, sorted(characters), sequence_length)

    def to_json(self) -> dict[str, Any]:
        """Return the fitted state as plain lists and strings."""
        return {
            "kind": self.kind,
            "name": self.name,
            "vocabulary": self.vocabulary,
            "sequence_length": self.sequence_length,
        }

    def builder_arguments(self) -> dict[str, Any]:
        """Return what the data dictates to a builder."""
        return {
            "vocabulary_size": len(self.vocabulary) + 1,
            "sequence_length": self.sequence_length,
        }

    def signature(self) -> dict[str, tf.TensorSpec]:
        """Return the raw input of an exported model."""
        return {self.name: tf.TensorSpec((None,), tf.string, name=self.name)}

    def trackables(self) -> list[Any]:
        """Return the layers and tables an export has to keep."""
        return [self.lookup]

    def ids(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """Return the codes of each string's characters, int32 `(B, None)`."""
        characters = tf.strings.unicode_split(strings, "UTF-8")
        return tf.ragged.map_flat_values(
            lambda flat: tf.cast(self.lookup(flat), tf.int32), characters
        )

    def strings(self, ids: tf.Tensor) -> tf.Tensor:
        """Return the text of codes `(B, T)` as strings `(B,)`."""
        return tf.strings.reduce_join(tf.gather(self.symbols, ids), axis=-1)

    def encode(self, raw: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Return the first `sequence_length + 1` codes of each string and how many there are.

        Returns:
            `ids` int32 `(B, sequence_length + 1)`, zeros after the end, and `length` int32 `(B,)`.
        """
        ids = self.ids(raw[self.name])[:, : self.sequence_length + 1]
        padded = ids.to_tensor(0, shape=(None, self.sequence_length + 1))
        return {"ids": padded, "length": tf.cast(ids.row_lengths(), tf.int32)}

    def tensors(self, encoded: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Return the codes as they are; the task takes input and target from them."""
        return encoded

    def windows(self, split: Any) -> list[str]:
        """Cut the documents into strings of `sequence_length + 1` characters.

        Each window starts with the last character of the one before, so that every character but
        a document's first is predicted once.
        """
        step = self.sequence_length
        return [
            document[start : start + step + 1]
            for document in split.documents
            for start in range(0, max(len(document) - 1, 1), step)
            if len(document) > 1
        ]

    def encode_split(self, split: Any) -> dict[str, np.ndarray]:
        """Encode a whole split, a row a window."""
        encoded = self.encode({self.name: tf.constant(self.windows(split))})
        return {name: value.numpy() for name, value in encoded.items()}
