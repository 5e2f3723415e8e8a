"""Text as token ids: whole texts for a class or a number, or running text for a language model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from tempfile import TemporaryFile, gettempdir
from typing import Any, Self

import numpy as np
import tensorflow as tf

from zoo.datasets.base import Spec
from zoo.datasets.text import cut, pieces
from zoo.errors import InputError, WriteError
from zoo.preprocessing import tokenizers
from zoo.preprocessing.tokenizers import BOUNDARY, PADDING, Tokenizer

LARGEST_KEPT = 1 << 26  # bytes or characters of running text whose tokens are kept in memory


class _Tokenized:
    """What has strings in one column and makes token ids of them."""

    kind: str

    def __init__(self, name: str, tokenizer: Mapping[str, Any], sequence_length: int):
        self.name = name
        self.tokenizer: Tokenizer = tokenizers.from_json(tokenizer)
        self.sequence_length = sequence_length

    @classmethod
    def fit(
        cls,
        spec: Spec,
        split: Any,
        *,
        tokenizer: str | Tokenizer,
        vocabulary_size: int,
        sequence_length: int,
    ) -> Self:
        """Learn the vocabulary of the training texts, unless the tokenizer brings its own."""
        fitted: Tokenizer = (
            tokenizers.TOKENIZERS[tokenizer].fit(pieces(cls.read(split)), vocabulary_size)
            if isinstance(tokenizer, str)
            else tokenizer
        )
        return cls(spec.inputs[0].name, fitted.to_json(), sequence_length)

    @staticmethod
    def read(split: Any) -> Sequence[Any]:
        """Return the texts of a split."""
        return split.documents

    def to_json(self) -> dict[str, Any]:
        """Return the fitted state as plain values."""
        return {
            "kind": self.kind,
            "name": self.name,
            "tokenizer": self.tokenizer.to_json(),
            "sequence_length": self.sequence_length,
        }

    def builder_arguments(self) -> dict[str, Any]:
        """Return what the data dictates to a builder."""
        return {
            "vocabulary_size": self.tokenizer.size,
            "sequence_length": self.sequence_length,
        }

    def signature(self) -> dict[str, tf.TensorSpec]:
        """Return the raw input of an exported model."""
        return {self.name: tf.TensorSpec((None,), tf.string, name=self.name)}

    def trackables(self) -> list[Any]:
        """Return the layers and tables an export has to keep."""
        return self.tokenizer.trackables()


class TextPreprocessor(_Tokenized):
    """Whole texts as token ids; those longer than `sequence_length` tokens are cut at their end."""

    kind = "text"

    def encode(self, raw: dict[str, tf.Tensor]) -> dict[str, tf.RaggedTensor]:
        """Return `ids` int32 `(B, None)`."""
        return {"ids": self.tokenizer.ids(raw[self.name])[:, : self.sequence_length]}

    def tensors(self, encoded: dict[str, tf.RaggedTensor]) -> tf.Tensor:
        """Return ids int32 `(B, T)`, padded to the longest text, of one token at least."""
        return dense(encoded["ids"])

    def encode_split(self, split: Any) -> dict[str, tf.RaggedTensor]:
        """Encode a whole split."""
        return {"ids": ragged(self.tokenizer, split.documents, self.sequence_length)}

    def lengths(self, encoded: dict[str, tf.RaggedTensor]) -> np.ndarray:
        """Return how many tokens each text has."""
        return encoded["ids"].row_lengths().numpy()


class TwinPreprocessor(TextPreprocessor):
    """Whole texts, of which those of training come in pairs that one model reads alike."""

    kind = "twins"

    @staticmethod
    def read(split: Any) -> Sequence[Any]:
        """Return the texts of both sides."""
        return [*split.documents, *split.targets()]

    def tensors(self, encoded: dict[str, tf.RaggedTensor]) -> Any:
        """Return ids int32 `(B, T)`; of pairs those of `source` and of `target`."""
        if "ids" in encoded:
            return dense(encoded["ids"])
        return {name: dense(ids) for name, ids in encoded.items()}

    def encode_split(self, split: Any) -> dict[str, tf.RaggedTensor]:
        """Encode both sides of a whole split."""
        sides = {"source": split.documents, "target": list(split.targets())}
        return {
            name: ragged(self.tokenizer, texts, self.sequence_length)
            for name, texts in sides.items()
        }

    def lengths(self, encoded: dict[str, tf.RaggedTensor]) -> np.ndarray:
        """Return how many tokens each source and each target has, `(rows, 2)`."""
        return np.stack([ids.row_lengths().numpy() for ids in encoded.values()], axis=1)


class CorpusPreprocessor(_Tokenized):
    """Running text as token ids, a boundary before each document and after the last.

    A model sees `sequence_length` tokens at once and predicts from each the next. Windows follow
    one another without a gap, over the ends of documents.
    """

    kind = "corpus"

    def encode(self, raw: dict[str, tf.Tensor]) -> dict[str, tf.RaggedTensor]:
        """Return `ids` int32 `(B, None)` of whole texts, each after a boundary."""
        ids = self.tokenizer.ids(raw[self.name])
        first = tf.fill((ids.nrows(), 1), BOUNDARY)
        return {"ids": tf.concat([first, ids], axis=1)}

    def windows(self, ids: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return windows int32 `(W, sequence_length + 1)` of texts, and which text each is of.

        Each starts with the last token of the one before, so that every token but the first is
        predicted once.
        """
        step = self.sequence_length
        count = tf.maximum(-(-(tf.cast(ids.row_lengths(), tf.int32) - 1) // step), 1)
        most = tf.reduce_max(count)
        padded = ids.to_tensor(PADDING, shape=(None, None))
        padded = tf.pad(padded, [[0, 0], [0, most * step + 1 - tf.shape(padded)[1]]])
        places = tf.range(most)[:, None] * step + tf.range(step + 1)
        windows = tf.gather(padded, places, axis=1)  # (B, most, T + 1)
        real = tf.sequence_mask(count, most)
        return tf.boolean_mask(windows, real), tf.cast(tf.where(real)[:, 0], tf.int32)

    def tensors(self, encoded: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return windows as they are; the task takes input and target from them."""
        return encoded["ids"]

    def encode_split(self, split: Any) -> dict[str, np.ndarray]:
        """Encode a whole split as one sequence, padded to whole windows."""
        return {"tokens": np.concatenate([*self._tokens(split)])}

    def refuse_short(self, split: Any) -> None:
        """Raise an InputError where there is less to train on than a model sees at once."""
        if sum(len(document) for document in split.documents) > 8 * self.sequence_length:
            return  # only a short text is worth encoding twice
        held = int((self.encode_split(split)["tokens"] != PADDING).sum())
        if held <= self.sequence_length:
            raise InputError(
                f"The training text holds {held} tokens. Expected more than the "
                f"{self.sequence_length} that the model sees at once. Try more text, or "
                f"--sequence-length {max(held // 2, 2)}."
            )

    def rows(self, encoded: dict[str, Any]) -> int:
        """Return how many windows there are."""
        return (len(encoded["tokens"]) - 1) // self.sequence_length

    def take(self, encoded: dict[str, tf.Tensor], indices: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return some windows, `ids` int32 `(B, sequence_length + 1)`."""
        places = indices[:, None] * self.sequence_length + tf.range(self.sequence_length + 1)
        return {"ids": tf.gather(encoded["tokens"], places)}

    def _tokens(self, split: Any) -> Iterator[np.ndarray]:
        """Yield the tokens of a split, a boundary before each document, in the end the padding."""
        begins: list[bool] = []  # whether a piece is a document's first

        def parts() -> Iterator[str]:
            for document in split.documents:
                for number, piece in enumerate(cut(document)):
                    begins.append(number == 0)
                    yield str(piece)

        total, boundary = 0, np.array([BOUNDARY], np.int32)
        for number, ids in enumerate(tokenizers.encode(self.tokenizer, parts())):
            for part in (boundary, ids) if begins[number] else (ids,):
                total += len(part)
                yield part
        fill = -total % self.sequence_length  # with the boundary at the end
        yield np.array([BOUNDARY] + [PADDING] * fill, np.int32)

    def fits(self, split: Any) -> bool:
        """Tell whether the tokens of a split are kept in memory."""
        return sum(len(document) for document in split.documents) <= LARGEST_KEPT

    def reader(self, split: Any) -> tuple[Callable[[tf.Tensor], dict[str, tf.Tensor]], int]:
        """Return a function from a row to its window, in graph, and how many there are.

        The tokens are in a file without a name, which is gone with the process.
        """
        kind = np.uint16 if self.tokenizer.size <= 1 << 16 else np.int32
        try:
            with TemporaryFile() as file:
                for part in self._tokens(split):
                    file.write(part.astype(kind).tobytes())
                file.flush()
                tokens = np.memmap(file, kind, mode="r")
        except OSError as error:
            raise WriteError(
                f"The tokens of a long text cannot be kept in '{gettempdir()}': {error.strerror}. "
                "Expected room for two bytes a token. Try another folder as $TMPDIR."
            ) from error
        step = self.sequence_length

        def window(row: np.ndarray) -> np.ndarray:
            return tokens[row * step : row * step + step + 1].astype(np.int32)

        def read(row: tf.Tensor) -> dict[str, tf.Tensor]:
            ids = tf.numpy_function(window, [tf.cast(row, tf.int64)], tf.int32)
            return {"ids": tf.ensure_shape(ids, (step + 1,))}

        return read, (len(tokens) - 1) // step


def dense(ids: tf.RaggedTensor) -> tf.Tensor:
    """Return ids `(B, T)`, padded to the longest sequence, of one token at least."""
    padded = ids.to_tensor(PADDING)
    return tf.pad(padded, [[0, 0], [0, tf.maximum(1 - tf.shape(padded)[1], 0)]])


def ragged(tokenizer: Tokenizer, documents: list[Any], most: int) -> tf.RaggedTensor:
    """Return the first tokens of documents, at most so many of each."""
    found = [ids[:most] for ids in tokenizers.encode(tokenizer, map(str, documents))]
    lengths = [len(ids) for ids in found]
    values = np.concatenate([*found, np.zeros(0, np.int32)])
    return tf.RaggedTensor.from_row_lengths(values, np.array(lengths, np.int64))
