"""Text from a language model, a token at a time, inside one graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from zoo.generation import engines
from zoo.preprocessing.tokenizers import BOUNDARY, PADDING, REPLACEMENT

INPUTS = {
    "prompt": tf.TensorSpec((None,), tf.string, name="prompt"),
    "tokens": tf.TensorSpec((), tf.int32, name="tokens"),
    "temperature": tf.TensorSpec((), tf.float32, name="temperature"),
    "top_k": tf.TensorSpec((), tf.int32, name="top_k"),
    "top_p": tf.TensorSpec((), tf.float32, name="top_p"),
    "repetition_penalty": tf.TensorSpec((), tf.float32, name="repetition_penalty"),
    "seed": tf.TensorSpec((), tf.int32, name="seed"),
}

HOW = ("temperature", "top_k", "top_p", "repetition_penalty")


class Writer:
    """Continues prompts with a causal language model.

    What it carries from token to token is the logits of the next one, the engine's state, which
    texts have ended, and which tokens each has had, `(B, vocabulary)`.

    Args:
        model: ids `(B, T)` to logits `(B, T, vocabulary)`.
        preprocessor: a `CorpusPreprocessor`.
    """

    def __init__(self, model: Any, preprocessor: Any):
        self.preprocessor = preprocessor
        self.engine = engines.create(model, preprocessor.sequence_length)
        self.begin = tf.function(self._begin, autograph=False, reduce_retracing=True)
        self._write = tf.function(
            self._chunk, autograph=False, reduce_retracing=True, jit_compile=self.engine.compiled
        )

    def _begin(self, prompts: tf.Tensor, tokens: tf.Tensor) -> Any:
        """Read prompts `(B,)`, after which so many tokens will be written."""
        ids = self.preprocessor.encode({self.preprocessor.name: prompts})["ids"]
        logits, state = self.engine.begin(ids, tokens)
        over = tf.fill(tf.shape(logits)[:1], False)
        places = tf.stack([tf.cast(ids.value_rowids(), tf.int32), ids.flat_values], axis=1)
        counts = tf.scatter_nd(places, tf.ones_like(ids.flat_values), tf.shape(logits))
        return logits, state, over, counts > 0

    def write(
        self, start: tf.Tensor, carried: Any, how: dict[str, tf.Tensor]
    ) -> tuple[tf.Tensor, Any]:
        """Write a chunk of tokens from `start` on, int32 `(B, chunk)`, padding after the end."""
        logits, state, *others = carried
        shape = (self.engine.chunk, tf.shape(logits)[0])  # drawn here, since XLA draws others
        chance = tf.random.stateless_uniform(shape, tf.stack([how["seed"], start]), alg="philox")
        how = {name: value for name, value in how.items() if name in HOW}
        return self._write(chance, (logits, self.engine.renew(state), *others), how)

    def _chunk(self, chance: tf.Tensor, carried: Any, how: Any) -> tuple[tf.Tensor, Any]:
        chunk = self.engine.chunk

        def step(i: tf.Tensor, made: tf.TensorArray, carried: Any) -> tuple:
            logits, state, over, had = carried
            token = _sample(logits, had, how, chance[i])
            over = tf.logical_or(over, token == BOUNDARY)
            made = made.write(i, tf.where(over, PADDING, token))
            had = tf.logical_or(had, tf.range(tf.shape(had)[1]) == token[:, None])
            return i + 1, made, (*self.engine.step(token, state), over, had)

        made = tf.TensorArray(tf.int32, size=chunk, element_shape=(None,))
        _, made, carried = tf.while_loop(
            lambda i, *_: i < chunk, step, (0, made, carried),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape(None), _loose(carried)),
            parallel_iterations=1,
        )  # fmt: skip
        return tf.transpose(made.stack()), carried

    def texts(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return what the model makes of each prompt, `text` `(B,)` without the prompts."""
        tokens, chunk = inputs["tokens"], self.engine.chunk
        carried = self._begin(inputs["prompt"], tokens)
        ids = tf.zeros((tf.shape(inputs["prompt"])[0], 0), tf.int32)

        def more(start: tf.Tensor, ids: tf.Tensor, carried: Any) -> tuple:
            made, carried = self.write(start, carried, inputs)
            return start + chunk, tf.concat([ids, made], axis=1), carried

        _, ids, _ = tf.while_loop(
            lambda start, _, carried: tf.logical_and(start < tokens, ~tf.reduce_all(carried[2])),
            more,
            (0, ids, carried),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, None]), _loose(carried)),
            parallel_iterations=1,
        )
        return {"text": self.preprocessor.tokenizer.strings(ids[:, :tokens])}


def _loose(carried: Any) -> Any:
    """Return shapes of any size, of as many axes."""
    return tf.nest.map_structure(lambda x: tf.TensorShape([None] * len(x.shape)), carried)


def signature(model: Any, preprocessor: Any) -> tuple[Any, dict[str, tf.TensorSpec]]:
    """Return the function that continues prompts, and its inputs."""
    return Writer(model, preprocessor).texts, INPUTS


class Stream:
    """Continues prompts a few tokens a call, in compiled functions."""

    def __init__(self, model: Any, preprocessor: Any):
        self.writer = Writer(model, preprocessor)
        self.tokenizer = preprocessor.tokenizer
        self._write = tf.function(self.writer.write, autograph=False, reduce_retracing=True)

    def __call__(
        self, prompts: Sequence[str], tokens: int, stop: Sequence[str], how: dict[str, tf.Tensor]
    ) -> Iterator[list[str]]:
        """Yield the texts so far, each time longer; a text ends before the first stop string."""
        carried = self.writer.begin(tf.constant(list(prompts), tf.string), tf.constant(tokens))
        ids = tf.zeros((len(prompts), 0), tf.int32)
        for start in range(0, tokens, self.writer.engine.chunk):
            made, carried = self._write(tf.constant(start), carried, how)
            ids = tf.concat([ids, made], axis=1)[:, :tokens]
            texts = [text.decode() for text in self.tokenizer.strings(ids).numpy()]
            ended = carried[2].numpy() | [any(word in text for word in stop) for text in texts]
            last = ended.all() or ids.shape[1] == tokens
            yield [
                shortened(text, stop, bool(over) or last)
                for text, over in zip(texts, ended, strict=True)
            ]
            if ended.all():
                return


def shortened(text: str, stop: Sequence[str], whole: bool = True) -> str:
    """Return a text up to the first stop string; of one not yet whole, what surely stays."""
    ends = [place for word in stop if (place := text.find(word)) >= 0]
    if ends or whole:
        return text[: min(ends, default=len(text))]
    text = text.rstrip(REPLACEMENT)  # bytes of which the next ones may make a character
    return text[: len(text) - max((len(word) - 1 for word in stop), default=0)]


def _sample(
    logits: tf.Tensor, had: tf.Tensor, how: dict[str, tf.Tensor], chance: tf.Tensor
) -> tf.Tensor:
    """Choose int32 `(B,)` from logits `(B, vocabulary)`; neither padding nor the unknown token.

    `chance`, `(B,)` and at least 0 and below 1, says which: that many of the probability comes
    before it. Tokens that a text has had are made less likely as by Keskar and others, CTRL, 2019,
    arXiv:1909.05858.
    """
    penalty = how["repetition_penalty"]
    logits = tf.where(had, tf.where(logits > 0, logits / penalty, logits * penalty), logits)
    special = tf.range(tf.shape(logits)[1]) < BOUNDARY
    logits = tf.where(special, logits.dtype.min, logits)
    greedy = tf.argmax(logits, axis=1, output_type=tf.int32)
    scaled = logits / tf.maximum(how["temperature"], 1e-6)
    some = tf.logical_or(how["top_k"] > 0, how["top_p"] < 1)
    scaled = tf.cond(some, lambda: _likeliest(scaled, how["top_k"], how["top_p"]), lambda: scaled)
    before = tf.cumsum(tf.nn.softmax(scaled), axis=1)
    passed = before <= (chance * (1 - 1e-6))[:, None] * before[:, -1:]
    drawn = tf.reduce_sum(tf.cast(passed, tf.int32), axis=1)
    return tf.where(how["temperature"] > 0, drawn, greedy)


def _likeliest(logits: tf.Tensor, top_k: tf.Tensor, top_p: tf.Tensor) -> tf.Tensor:
    """Leave the `top_k` likeliest tokens, and the fewest that have `top_p` of the probability.

    Fan, Lewis, Dauphin, Hierarchical Neural Story Generation, 2018, arXiv:1805.04833; Holtzman,
    Buys, Du, Forbes, Choi, The Curious Case of Neural Text Degeneration, 2019, arXiv:1904.09751.
    """
    size = tf.shape(logits)[1]
    ordered = tf.sort(logits, axis=1, direction="DESCENDING")
    before = tf.cumsum(tf.nn.softmax(ordered), axis=1, exclusive=True)
    kept = tf.logical_and(before < top_p, tf.range(size) < tf.where(top_k > 0, top_k, size))
    kept = tf.logical_or(kept, tf.range(size) < 1)
    lowest = tf.reduce_min(tf.where(kept, ordered, logits.dtype.max), axis=1, keepdims=True)
    return tf.where(logits < lowest, logits.dtype.min, logits)
