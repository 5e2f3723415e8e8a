"""Subwords: byte strings learned from texts, and the longest of them found in others.

A word is an optional single space and then a run of bytes of one class: letters (ASCII letters and
every byte of a character beyond ASCII), digits, white space, others. A run of white space that ends
with a space before anything else leaves that space to the word after it: `a  b` is `a`, one space,
` b`. The rule looks at a byte and its neighbours alone, so any bytes are cut, UTF-8 or not.

Subwords are learned within words by merging pairs, most frequent ones first: Sennrich, Haddow,
Birch, Neural Machine Translation of Rare Words with Subword Units, 2015, arXiv:1508.07909. A word
becomes the longest subword it begins with, then the longest of the rest, and so on.

Here byte strings are text of one character a byte (latin-1), and tokens are numbered from 0.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from zoo.datasets.text import pieces
from zoo.errors import missing_extra

LONGEST = 32  # bytes of a subword
BLOCK = 1 << 16  # bytes cut into words at once; the trainer holds 256 blocks
KEPT = 1 << 21  # tokens of words that are remembered

_LETTERS, _DIGITS, _BLANKS = "A-Za-z\x80-\xff", "0-9", "\t-\r "
WORD = (
    f" ?[{_LETTERS}]+| ?[{_DIGITS}]+| ?[^{_LETTERS}{_DIGITS}{_BLANKS}]+"
    f"|[{_BLANKS}]+(?= [^{_BLANKS}])|[{_BLANKS}]+"
)
_BLANK = 2  # its class
_CLASSES = np.full(256, 3, np.int32)
for _class, _some in enumerate((_LETTERS, _DIGITS, _BLANKS)):
    _CLASSES[[byte for byte in range(256) if re.match(f"[{_some}]", chr(byte))]] = _class


def learn(texts: Iterable[str], size: int) -> list[bytes]:
    """Return the 256 bytes and the subwords of some texts, at most `size` in all.

    Raises:
        InputError: the package that learns them is not installed.
    """
    try:
        from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
    except ImportError as error:
        raise missing_extra("tokenizers", "text", "Learning subwords") from error
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), "isolated")
    trainer = trainers.BpeTrainer(
        vocab_size=size, min_frequency=2, initial_alphabet=[*map(chr, range(256))],
        max_token_length=LONGEST, show_progress=False,
    )  # fmt: skip
    blocks = (block.encode().decode("latin-1") for block in pieces(texts, BLOCK))
    tokenizer.train_from_iterator(blocks, trainer)
    ids = tokenizer.get_vocab()
    return [token.encode("latin-1") for token in sorted(ids, key=ids.__getitem__)]


class Matcher:
    """Finds the longest tokens, in core TensorFlow operations.

    The tokens are a trie in two arrays: the child of a node by a byte, if there is one, is at
    `first[node] + byte`, where `parent` is the node; `token` is the longest on the way there. Aoe,
    An Efficient Digital Search Algorithm by Using a Double-Array Structure, 1989.

    Args:
        tokens: byte strings, all single bytes among them.
    """

    def __init__(self, tokens: Sequence[bytes]):
        nodes, first = _placed(tokens)
        numbers = {token: number for number, token in enumerate(tokens)}
        size = max(nodes.values()) + 258  # one more than the last node can look at
        starts, parent, token = (np.full(size, value, np.int32) for value in (0, -1, -1))
        for prefix, node in nodes.items():  # parents come first
            starts[node] = first.get(prefix, 0)
            parent[node] = nodes[prefix[:-1]] if prefix else -1
            token[node] = numbers.get(prefix, token[parent[node]])
        self._first, self._parent, self._token = map(tf.constant, (starts, parent, token))
        self._lengths = tf.constant([len(token) for token in tokens], tf.int32)
        self._classes = tf.constant(_CLASSES)

    def __call__(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """Return the tokens of strings `(B,)`, int32 `(B, None)`."""
        lengths = tf.strings.length(strings)
        values = tf.io.decode_raw(tf.strings.reduce_join(strings), tf.uint8)
        values = tf.cast(values, tf.int32)  # (N,) of all strings
        ends = tf.cumsum(lengths)
        words = self._words(values, ends)
        tokens = self._longest(values, words)
        places = self._reached(words, tf.range(tf.size(values)) + tf.gather(self._lengths, tokens))
        rows = tf.searchsorted(ends, places, side="right")
        return tf.RaggedTensor.from_value_rowids(
            tf.gather(tokens, places),
            tf.cast(rows, tf.int64),
            tf.size(lengths, tf.int64),
            validate=False,
        )

    def _words(self, values: tf.Tensor, ends: tf.Tensor) -> tf.Tensor:
        """Tell for each byte whether a word begins there, bool `(N + 1,)`, in the end True."""
        edges = tf.concat([[0], ends], 0)[:, None]
        edge = tf.tensor_scatter_nd_update(
            tf.fill([tf.size(values) + 1], False), edges, tf.fill(tf.shape(edges)[:1], True)
        )
        kinds = tf.gather(self._classes, values)
        after = tf.concat([kinds[1:], [_BLANK]], 0)
        led = (values == ord(" ")) & (after != _BLANK) & ~edge[1:]  # a space of the word after it
        changed = tf.concat([[True], (kinds[1:] != kinds[:-1]) & ~led[:-1]], 0)[: tf.size(values)]
        return edge | tf.concat([led | changed, [True]], 0)

    def _longest(self, values: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
        """Return the longest token that begins at each byte, `(N,)`, within its word."""
        following = tf.where(words, 256, tf.concat([values, [0]], 0))  # no node is after 256

        def step(depth: tf.Tensor, at: tf.Tensor, node: tf.Tensor, deepest: tf.Tensor) -> tuple:
            child = tf.gather(self._first, node) + tf.gather(following, at + depth)
            fits = tf.where(tf.gather(self._parent, child) == node)[:, 0]
            at, node, before = tf.gather(at, fits), tf.gather(child, fits), tf.gather(node, fits)
            deeper = tf.math.unsorted_segment_sum(node - before, at, tf.size(values))
            return depth + 1, at, node, deepest + deeper  # a scatter would take longer

        node = tf.gather(self._first, 0) + values
        some = tf.TensorSpec((None,), tf.int32)
        *_, deepest = tf.while_loop(
            lambda depth, at, *_: tf.size(at) > 0, step, (1, tf.range(tf.size(values)), node, node),
            shape_invariants=(tf.TensorSpec((), tf.int32), some, some, some),
        )  # fmt: skip
        return tf.gather(self._token, deepest)

    def _reached(self, words: tf.Tensor, following: tf.Tensor) -> tf.Tensor:
        """Return where tokens begin: at a word, and where one before ends; int32 in order.

        From those that are known so many tokens are gone on as are known of a word, 1, 2, 4 and so
        on, so that a long word takes few steps.
        """

        def step(begins: tf.Tensor, following: tf.Tensor, _: tf.Tensor) -> tuple:
            reached = tf.math.unsorted_segment_max(begins, following, tf.size(begins))
            more = tf.maximum(begins, reached)
            return more, tf.gather(following, following), tf.reduce_any(more != begins)

        following = tf.concat([following, [tf.size(following)]], 0)
        state = (tf.cast(words, tf.int32), following, True)
        begins, *_ = tf.while_loop(lambda *state: state[-1], step, state)
        return tf.cast(tf.where(begins[:-1])[:, 0], tf.int32)


class Encoder:
    """Encodes many texts: each word is matched when it first comes, and then remembered.

    Args:
        ids: a graph of strings `(B,)` to ids `(B, None)`.
    """

    def __init__(self, ids: Callable[[tf.Tensor], tf.RaggedTensor]):
        self._find = re.compile(WORD.encode("latin-1")).findall
        self._match = tf.function(
            ids, input_signature=[tf.TensorSpec((None,), tf.string)], autograph=False
        )
        self._forget()

    def _forget(self) -> None:
        self._numbers = _Numbers()
        self._tokens, self._starts = np.zeros(0, np.int32), np.zeros(1, np.int64)

    def __call__(self, texts: Sequence[str | bytes]) -> tuple[np.ndarray, np.ndarray]:
        """Return the ids of texts, int32, one after another, and where each text begins."""
        if len(self._tokens) > KEPT:
            self._forget()
        known = len(self._numbers)
        found, counts = [np.zeros(0, np.int64)], [0]
        for text in texts:
            blocks = [*self._cut(tf.compat.as_bytes(text))]
            found += blocks
            counts.append(sum(map(len, blocks)))
        numbers = np.concatenate(found)
        self._learn([*itertools.islice(self._numbers, known, None)])
        starts = self._starts[numbers]
        lengths = self._starts[numbers + 1] - starts
        ends = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(starts - ends[:-1], lengths) + np.arange(ends[-1])
        return self._tokens[places], ends[np.cumsum(counts)]

    def _cut(self, text: bytes) -> Iterator[np.ndarray]:
        """Yield the numbers of a text's words, so few at once that they fit in a cache."""
        start = stop = 0
        while stop < len(text):
            stop += BLOCK
            words = self._find(text, start, stop)
            if stop < len(text):  # the last word may go on
                start = stop - len(words.pop())
            yield np.fromiter(map(self._numbers.__getitem__, words), np.int64, len(words))

    def _learn(self, words: list[bytes]) -> None:
        if words:
            tokens = self._match(tf.constant(words))
            starts = self._starts[-1] + tokens.row_splits.numpy()[1:]
            self._starts = np.concatenate([self._starts, starts])
            self._tokens = np.concatenate([self._tokens, tokens.flat_values.numpy()])


class _Numbers(dict[bytes, int]):
    """Words in the order in which they came."""

    def __missing__(self, word: bytes) -> int:
        number = self[word] = len(self)
        return number


def _placed(tokens: Iterable[bytes]) -> tuple[dict[bytes, int], dict[bytes, int]]:
    """Return the node of each prefix, and from where the nodes after it are counted.

    Nodes with others after them go, shortest first, to the first place where all those are free.
    """
    following = defaultdict(list)
    for prefix in {token[:end] for token in tokens for end in range(1, len(token) + 1)}:
        following[prefix[:-1]].append(prefix[-1])
    nodes, first = {b"": 0}, {}
    taken, offset = 1, 0  # a bit a place, from `offset` on
    for prefix in sorted(following, key=lambda prefix: (len(prefix), prefix)):
        blocked = wanted = 0
        for byte in following[prefix]:
            blocked |= taken >> byte
            wanted |= 1 << byte
        place = _lowest_free(blocked)
        first[prefix] = offset + place
        nodes |= {prefix + bytes([byte]): first[prefix] + byte for byte in following[prefix]}
        taken |= wanted << place
        passed = max(_lowest_free(taken) - 256, 0)  # where no node can go any more
        taken, offset = taken >> passed, offset + passed
    return nodes, first


def _lowest_free(bits: int) -> int:
    return (~bits & (bits + 1)).bit_length() - 1
