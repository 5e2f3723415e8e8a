"""BERT's tokens: words in lower case without accents, in the longest pieces of its vocabulary.

Wu and others, Google's Neural Machine Translation System, 2016, arXiv:1609.08144, as Devlin and
others, 2018, arXiv:1810.04805, use it. White space ends a word; each mark and each Chinese
character is one. A word is the longest piece it begins with, then, as `##piece`, the longest of the
rest, and so on; where one is missing all of it is unknown. A text begins with [CLS] and ends, where
it is not cut, with [SEP].

Marks, accents and blanks are those of Python's Unicode tables; other tokenizers have older ones.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from zoo import untrusted
from zoo.errors import InputError

MOST_CHARACTERS = 100  # of a word; a longer one is unknown
PADDING, UNKNOWN, FIRST, LAST = SPECIAL = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
CHINESE = (
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)  # fmt: skip
NOTHING = ((0xE000, 0xF8FF), (0xE0000, 0x10FFFF))  # for private use, and tags: left out
# Where characters are looked at one by one; all between are Chinese, left out, or stay.
SINGLE = ((0, 0x33FF), (0xA000, 0xD7FF), (0xF900, 0x1FFFF), (0x2F800, 0x2FA1F))


class WordPiece:
    """Tokens of a published vocabulary; nothing is learned.

    Args:
        vocabulary: all tokens in the order of their ids, [PAD] first.
    """

    name = "wordpiece"

    def __init__(self, vocabulary: Sequence[str]):
        self.vocabulary = list(vocabulary)
        if self.vocabulary[:1] != [PADDING] or not {*SPECIAL} <= {*self.vocabulary}:
            raise ValueError(f"its vocabulary does not begin with {PADDING}, or lacks {SPECIAL}")
        self._unknown, self._first, self._last = map(self.vocabulary.index, SPECIAL[1:])
        self._longest = max(map(len, self.vocabulary))
        numbers = tf.range(len(self.vocabulary))
        self._table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tf.constant(self.vocabulary), numbers), -1
        )
        self._symbols = tf.constant(self.vocabulary)
        changed = _changed()
        self._points = tf.constant([*changed], tf.int32)
        self._becoming = tf.constant([*changed.values()])
        self._chinese, self._nothing = map(_inside, (CHINESE, NOTHING))

    @property
    def size(self) -> int:
        """How many ids there are."""
        return len(self.vocabulary)

    def to_json(self) -> dict[str, Any]:
        """Return what it is made from as plain values."""
        return {"name": self.name, "vocabulary": self.vocabulary}

    def trackables(self) -> list[Any]:
        """Return the layers and tables an export has to keep."""
        return [self._table]

    def ids(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """Return the tokens of strings `(B,)`, int32 `(B, None)`."""
        words = tf.strings.split(self._spaced(strings))  # (B, None)
        pieces = words.with_values(self._pieces(words.flat_values)).merge_dims(1, 2)
        first, last = (tf.fill([words.nrows(), 1], token) for token in (self._first, self._last))
        return tf.concat([first, pieces, last], axis=1)

    def strings(self, ids: tf.Tensor) -> tf.Tensor:
        """Return the texts of ids `(B, T)`, strings `(B,)`, words and marks apart."""
        seen = (ids != 0) & (ids != self._first) & (ids != self._last)
        words = tf.gather(self._symbols, tf.ragged.boolean_mask(ids, seen))
        return tf.strings.regex_replace(
            tf.strings.reduce_join(words, axis=-1, separator=" "), " ##", ""
        )

    def _spaced(self, strings: tf.Tensor) -> tf.Tensor:
        """Return texts in lower case, without accents, with spaces around what is a word."""
        points = tf.strings.unicode_decode(strings, "UTF-8")
        symbols = tf.strings.unicode_split(strings, "UTF-8").flat_values
        flat = points.flat_values
        place = tf.minimum(tf.searchsorted(self._points, flat), tf.size(self._points) - 1)
        listed = tf.gather(self._points, place) == flat
        apart = tf.strings.join([" ", symbols, " "])
        others = tf.where(_within(flat, self._chinese), apart, symbols)
        others = tf.where(_within(flat, self._nothing), "", others)
        symbols = tf.where(listed, tf.gather(self._becoming, place), others)
        rows = tf.cast(points.value_rowids(), tf.int32)
        return tf.strings.unsorted_segment_join(symbols, rows, tf.size(strings))

    def _pieces(self, words: tf.Tensor) -> tf.RaggedTensor:
        """Return the tokens of words `(N,)`, int32 `(N, None)`; each other word is looked at once.

        All words are looked at together, a piece at a time: whether it is a token, else one
        character less of it.
        """
        different, index = tf.unique(words)
        lengths = tf.strings.length(different, "UTF8_CHAR")

        def step(at: tf.Tensor, start: tf.Tensor, end: tf.Tensor, *found: tf.Tensor) -> tuple:
            rows, tokens = found
            piece = tf.strings.substr(tf.gather(different, at), start, end - start, "UTF8_CHAR")
            token = self._table.lookup(tf.strings.join([tf.where(start > 0, "##", ""), piece]))
            whole = tf.gather(lengths, at)
            known = token >= 0
            over = known | (end - 1 == start)  # known, or not a character left of it
            rows = tf.concat([rows, at[over]], 0)
            tokens = tf.concat([tokens, token[over]], 0)
            more = tf.where(known, end < whole, ~over)
            start, end = (
                tf.where(known, end, start),
                tf.where(known, tf.minimum(end + self._longest, whole), end - 1),
            )
            return at[more], start[more], end[more], rows, tokens

        short = lengths <= MOST_CHARACTERS
        at = tf.cast(tf.where(short)[:, 0], tf.int32)
        too_long = tf.cast(tf.where(~short)[:, 0], tf.int32)
        end = tf.minimum(tf.gather(lengths, at), self._longest)
        state = (at, tf.zeros_like(at), end, too_long, tf.zeros_like(too_long) - 1)
        some = tf.TensorSpec((None,), tf.int32)
        *_, rows, tokens = tf.while_loop(
            lambda at, *_: tf.size(at) > 0, step, state, shape_invariants=(some,) * 5
        )
        return tf.gather(self._in_order(rows, tokens, tf.size(different)), index)

    def _in_order(self, rows: tf.Tensor, tokens: tf.Tensor, count: tf.Tensor) -> tf.RaggedTensor:
        """Return tokens by word; a word with one below zero is unknown."""
        unknown = tf.gather(tf.math.unsorted_segment_min(tokens, rows, count) < 0, rows)
        kept = ~unknown | (tokens < 0)
        rows, tokens = rows[kept], tf.where(tokens < 0, self._unknown, tokens)[kept]
        order = tf.argsort(rows, stable=True)
        return tf.RaggedTensor.from_value_rowids(
            tf.gather(tokens, order),
            tf.cast(tf.gather(rows, order), tf.int64),
            tf.cast(count, tf.int64),
            validate=False,
        )


def read(folder: Path) -> WordPiece | None:
    """Return the tokenizer of a directory as Hugging Face has it, None where it has no vocab.txt.

    Raises:
        InputError: it is damaged, or keeps capital letters.
    """
    path, settings = folder / "vocab.txt", folder / "tokenizer_config.json"
    if not path.is_file():
        return None
    try:
        text = untrusted.read_bytes(path, untrusted.LARGEST_JSON).decode()
        said: Mapping[str, Any] = {}
        if settings.is_file():
            said = untrusted.parse_json(untrusted.read_bytes(settings, untrusted.LARGEST_JSON))
            untrusted.check_keys(said, {})
        if said.get("do_lower_case", True) is not True:
            raise ValueError("it keeps capital letters")
        vocabulary = text.removesuffix("\n").split("\n")
        if len({*vocabulary}) < len(vocabulary):
            raise ValueError("its vocabulary has a token twice")
        return WordPiece(vocabulary)
    except (OSError, ValueError) as error:
        raise InputError(
            f"Cannot use the tokens of '{folder}': {error}. Expected vocab.txt of an uncased BERT. "
            "Try --tokenizer words, without its weights."
        ) from error


def _changed() -> dict[int, str]:
    """Return what becomes of each character that does not stay as it is, in order."""
    points = chain.from_iterable(range(start, end + 1) for start, end in SINGLE)
    changed = {point: _cleaned(chr(point)) for point in points if not 0xD800 <= point <= 0xF8FF}
    return {point: text for point, text in changed.items() if text != chr(point)}


def _cleaned(character: str) -> str:
    kind = unicodedata.category(character)
    if character in "\t\n\r\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}" or kind == "Zs":
        return " "
    if kind in ("Cc", "Cf") or character == "\N{REPLACEMENT CHARACTER}":
        return ""
    plain = (c for c in unicodedata.normalize("NFD", character) if unicodedata.category(c) != "Mn")
    text = "".join(f" {c} " if _is_mark(c) else c for c in "".join(plain).lower())
    return f" {text} " if any(a <= ord(character) <= b for a, b in CHINESE) else text


def _is_mark(character: str) -> bool:
    symbol = character.isascii() and character.isprintable() and not character.isalnum()
    return (symbol and character != " ") or unicodedata.category(character).startswith("P")


def _inside(ranges: Iterable[tuple[int, int]]) -> tf.Tensor:
    """Return the edges of ranges, for `_within`."""
    return tf.constant(np.array([(start, end + 1) for start, end in ranges]).ravel(), tf.int32)


def _within(points: tf.Tensor, edges: tf.Tensor) -> tf.Tensor:
    """Tell which of some numbers are within ranges, by the edges passed."""
    return tf.searchsorted(edges, points, side="right") % 2 == 1
