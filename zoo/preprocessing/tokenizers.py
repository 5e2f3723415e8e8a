"""Text to token ids and back, in core TensorFlow operations, so that exports take and give strings.

Id 0 is padding, 1 a token never seen in training, 2 the boundary before and after a text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from zoo.errors import InputError
from zoo.preprocessing import subwords
from zoo.preprocessing.wordpiece import WordPiece

PADDING, UNKNOWN, BOUNDARY = range(3)
RESERVED = 3
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class Learned:
    """A tokenizer with a vocabulary."""

    name: str
    vocabulary: list[str]

    @property
    def size(self) -> int:
        """How many ids there are."""
        return len(self.vocabulary) + RESERVED

    def to_json(self) -> dict[str, Any]:
        """Return what it is made from as plain values."""
        return {"name": self.name, "vocabulary": self.vocabulary}

    def trackables(self) -> list[Any]:
        """Return the layers and tables an export has to keep."""
        return []


class Characters(Learned):
    """Unicode characters, the most frequent ones of the training texts."""

    name = "characters"
    usual = 20_000  # tokens, unless another number is asked for

    def __init__(self, vocabulary: Sequence[str]):
        self.vocabulary = list(vocabulary)
        points = [ord(character) for character in self.vocabulary]
        codes = np.full(max(points, default=0) + 2, UNKNOWN, np.int32)
        codes[points] = np.arange(len(points)) + RESERVED
        self._codes = tf.constant(codes)
        self._symbols = tf.constant(["", REPLACEMENT, "", *self.vocabulary])

    @classmethod
    def fit(cls, pieces: Iterable[str], largest: int) -> Self:
        """Count the characters of some texts."""
        counts: Counter[str] = Counter()
        for piece in pieces:
            counts.update(piece)
        return cls(sorted(_most_frequent(counts, largest)))

    def ids(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """Return the tokens of strings `(B,)`, int32 `(B, None)`."""
        points = tf.strings.unicode_decode(strings, "UTF-8")
        most = len(self._codes) - 1
        return tf.ragged.map_flat_values(
            lambda flat: tf.gather(self._codes, tf.minimum(flat, most)), points
        )

    def strings(self, ids: tf.Tensor) -> tf.Tensor:
        """Return the texts of ids `(B, T)`, strings `(B,)`."""
        return tf.strings.reduce_join(tf.gather(self._symbols, ids), axis=-1)


class Bytes:
    """The bytes of UTF-8: no text has others, and no vocabulary is learned."""

    name = "bytes"
    size = usual = 256 + RESERVED

    def __init__(self) -> None:
        self._symbols = tf.constant([b"", b"", b"", *(bytes([value]) for value in range(256))])

    @classmethod
    def fit(cls, pieces: Iterable[str], largest: int) -> Self:
        """Learn nothing."""
        return cls()

    def to_json(self) -> dict[str, Any]:
        """Return what it is made from as plain values."""
        return {"name": self.name}

    def trackables(self) -> list[Any]:
        """Return the layers and tables an export has to keep."""
        return []

    def ids(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """Return the tokens of strings `(B,)`, int32 `(B, None)`."""
        lengths = tf.strings.length(strings)
        longest = tf.maximum(tf.reduce_max(lengths), 1)
        values = tf.io.decode_raw(strings, tf.uint8, fixed_length=longest)
        values = tf.cast(values, tf.int32) + RESERVED
        return tf.RaggedTensor.from_tensor(values, lengths)

    def strings(self, ids: tf.Tensor) -> tf.Tensor:
        """Return the texts of ids `(B, T)`, strings `(B,)`."""
        return _joined(self._symbols, ids)


class Subwords(Learned):
    """Bytes, and byte strings of the training texts in place of many at once."""

    name = "subwords"
    usual = 8_000

    def __init__(self, vocabulary: Sequence[str]):
        self.vocabulary = list(vocabulary)
        tokens = [token.encode("latin-1") for token in self.vocabulary]
        self._matcher = subwords.Matcher(tokens)
        self._symbols = tf.constant([b"", b"", b"", *tokens])

    @classmethod
    def fit(cls, pieces: Iterable[str], largest: int) -> Self:
        """Merge the bytes of some texts.

        Raises:
            InputError: there would be no room for a subword.
        """
        if largest <= Bytes.size:
            raise InputError(
                f"--vocabulary-size received {largest} for subwords. Expected "
                f"{Bytes.size + 1} or more: 256 are single bytes, {RESERVED} are reserved. "
                f"Try {cls.usual}, or --tokenizer bytes."
            )
        tokens = subwords.learn(pieces, largest - RESERVED)
        return cls([token.decode("latin-1") for token in tokens])

    @classmethod
    def check(cls, vocabulary: Sequence[str]) -> None:
        """Raise a ValueError for a vocabulary that is none."""
        if not {*map(chr, range(256))} <= set(vocabulary):
            raise ValueError("its vocabulary lacks a single byte")
        if not all(
            len(token) <= subwords.LONGEST and max(token) < "\u0100" for token in vocabulary
        ):
            raise ValueError("its vocabulary has a token that is no short byte string")

    def ids(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """Return the tokens of strings `(B,)`, int32 `(B, None)`."""
        return self._matcher(strings) + RESERVED

    def encoder(self) -> subwords.Encoder:
        """Return what finds the same ids faster where there are many texts."""
        return subwords.Encoder(self.ids)

    def strings(self, ids: tf.Tensor) -> tf.Tensor:
        """Return the texts of ids `(B, T)`, strings `(B,)`."""
        return _joined(self._symbols, ids)


class Words(Learned):
    """Words in lower case, and marks between them, the most frequent ones of the training texts."""

    name = "words"
    usual = 20_000
    # An apostrophe or a hyphen within a word is a part of it.
    _marks = r"[^\pL\pN\pM\s'\x{2019}-]|\B['\x{2019}-]|['\x{2019}-]\B"
    _closing = r" ([.,!?;:)\]}%…»”]+)"
    _opening = r"([(\[{«„“]) "

    def __init__(self, vocabulary: Sequence[str]):
        self.vocabulary = list(vocabulary)
        # Nothing is a boundary by itself: a blank character is in no word.
        self._layer = keras.layers.TextVectorization(
            standardize=self._spaced, split="whitespace", ragged=True,
            vocabulary=["\n", *self.vocabulary],
        )  # fmt: skip
        self._layer(tf.constant([""]))  # builds it, without which it cannot be exported
        self._symbols = tf.constant(["", "[UNK]", "", *self.vocabulary])

    @classmethod
    def fit(cls, pieces: Iterable[str], largest: int) -> Self:
        """Count the words of some texts."""
        counts: Counter[bytes] = Counter()
        split = tf.function(
            lambda texts: tf.strings.split(cls._spaced(texts)).flat_values,
            input_signature=[tf.TensorSpec((None,), tf.string)],
            autograph=False,
        )
        for texts in _batches(pieces):
            counts.update(split(tf.constant(texts)).numpy().tolist())
        return cls([word.decode() for word in _most_frequent(counts, largest)])

    @classmethod
    def _spaced(cls, texts: tf.Tensor) -> tf.Tensor:
        texts = tf.strings.lower(texts, encoding="utf-8")
        return tf.strings.regex_replace(texts, cls._marks, r" \0 ")

    def trackables(self) -> list[Any]:
        """Return the layers and tables an export has to keep."""
        return [self._layer]

    def ids(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """Return the tokens of strings `(B,)`, int32 `(B, None)`."""
        return tf.cast(self._layer(strings), tf.int32)

    def strings(self, ids: tf.Tensor) -> tf.Tensor:
        """Return the texts of ids `(B, T)`, strings `(B,)`, marks joined to their words."""
        seen = tf.logical_and(ids != PADDING, ids != BOUNDARY)
        words = tf.gather(self._symbols, tf.ragged.boolean_mask(ids, seen))
        texts = tf.strings.reduce_join(words, axis=-1, separator=" ")
        texts = tf.strings.regex_replace(texts, self._closing, r"\1")
        return tf.strings.regex_replace(texts, self._opening, r"\1")


Tokenizer = Characters | Bytes | Subwords | Words | WordPiece
TOKENIZERS: dict[str, Any] = {kind.name: kind for kind in (Characters, Bytes, Subwords, Words)}


def from_json(state: Mapping[str, Any]) -> Tokenizer:
    """Rebuild a tokenizer from what its `to_json` returned.

    Raises:
        ValueError: its vocabulary has a token twice, or one that is none.
    """
    kind = {**TOKENIZERS, WordPiece.name: WordPiece}[state["name"]]
    if kind is Bytes:
        return Bytes()
    vocabulary = state["vocabulary"]
    if len(set(vocabulary)) < len(vocabulary):
        raise ValueError("its vocabulary has a token twice")
    if not all(isinstance(token, str) and token for token in vocabulary):
        raise ValueError("its vocabulary has a token that is none")
    if kind is Subwords:
        Subwords.check(vocabulary)
    return kind(vocabulary)


def encode(tokenizer: Tokenizer, pieces: Iterable[str]) -> Iterable[np.ndarray]:
    """Yield the tokens of each text, int32."""
    call = tokenizer.encoder() if isinstance(tokenizer, Subwords) else _in_graph(tokenizer)
    for texts in _batches(pieces):
        tokens, splits = call(texts)
        yield from np.split(tokens, splits[1:-1])


@lru_cache(maxsize=4)  # traced once, not for each split
def _in_graph(tokenizer: Tokenizer) -> Callable[[list[str]], tuple[np.ndarray, np.ndarray]]:
    """Return what makes of texts their tokens, one after another, and where each begins."""
    graph = tf.function(
        tokenizer.ids, input_signature=[tf.TensorSpec((None,), tf.string)], autograph=False
    )

    def call(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        found = graph(tf.constant(texts))
        return found.flat_values.numpy(), found.row_splits.numpy()

    return call


def _joined(symbols: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    """Return the bytes of ids `(B, T)` as text `(B,)`, replaced where they are none."""
    joined = tf.strings.reduce_join(tf.gather(symbols, ids), axis=-1)
    return tf.strings.unicode_transcode(joined, "UTF-8", "UTF-8")


def _batches(texts: Iterable[str], size: int = 1 << 20) -> Iterable[list[str]]:
    """Yield texts together, of about `size` characters."""
    batch, held = [], 0
    for text in texts:
        batch.append(text)
        held += len(text) + 1
        if held > size:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _most_frequent(counts: Counter[Any], largest: int) -> list[Any]:
    """Return the most frequent tokens; of those as frequent, the first in the alphabet."""
    most = max(largest - RESERVED, 1)
    return [token for token, _ in sorted(counts.items(), key=lambda c: (-c[1], c[0]))[:most]]
