"""Text from a language model, a token at a time, inside one graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from zoo.generation import engines
from zoo.preprocessing.tokenizers import BOUNDARY, PADDING, REPLACEMENT

CHUNK = 16  # tokens after which what was written is shown

INPUTS = {
    "prompt": tf.TensorSpec((None,), tf.string, name="prompt"),
    "tokens": tf.TensorSpec((), tf.int32, name="tokens"),
    "temperature": tf.TensorSpec((), tf.float32, name="temperature"),
    "top_k": tf.TensorSpec((), tf.int32, name="top_k"),
    "top_p": tf.TensorSpec((), tf.float32, name="top_p"),
    "seed": tf.TensorSpec((), tf.int32, name="seed"),
}


class Writer:
    """Continues prompts with a causal language model.

    Args:
        model: ids `(B, T)` to logits `(B, T, vocabulary)`.
        preprocessor: a `CorpusPreprocessor`.
    """

    def __init__(self, model: Any, preprocessor: Any):
        self.preprocessor = preprocessor
        self.engine = engines.create(model, preprocessor.sequence_length)

    def begin(self, prompts: tf.Tensor) -> tuple[tf.Tensor, Any]:
        """Read prompts `(B,)`; return the logits of what follows and the engine's state."""
        return self.engine.begin(self.preprocessor.encode({self.preprocessor.name: prompts})["ids"])

    def write(
        self, start: tf.Tensor, count: tf.Tensor, carried: Any, how: dict[str, tf.Tensor]
    ) -> tuple[tf.Tensor, Any]:
        """Write tokens `start` to `start + count`, int32 `(B, count)`, padding after the end.

        `carried` is what `begin` returned, and which texts have ended; it is returned anew.
        """

        def step(i: tf.Tensor, made: tf.TensorArray, carried: Any) -> tuple:
            logits, state, over = carried
            token = _sample(logits, how, tf.stack([how["seed"], start + i]))
            over = tf.logical_or(over, token == BOUNDARY)
            made = made.write(i, tf.where(over, PADDING, token))
            return i + 1, made, (*self.engine.step(token, state), over)

        made = tf.TensorArray(tf.int32, size=count, element_shape=(None,))
        _, made, carried = tf.while_loop(
            lambda i, *_: i < count, step, (0, made, carried), parallel_iterations=1
        )
        return tf.transpose(made.stack()), carried

    def texts(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return what the model makes of each prompt, `text` `(B,)` without the prompts."""
        logits, state = self.begin(inputs["prompt"])
        over = tf.fill(tf.shape(logits)[:1], False)
        ids, _ = self.write(0, inputs["tokens"], (logits, state, over), inputs)
        return {"text": self.preprocessor.tokenizer.strings(ids)}


def signature(model: Any, preprocessor: Any) -> tuple[Any, dict[str, tf.TensorSpec]]:
    """Return the function that continues prompts, and its inputs."""
    return Writer(model, preprocessor).texts, INPUTS


class Stream:
    """Continues prompts a few tokens a call, in two compiled functions."""

    def __init__(self, model: Any, preprocessor: Any):
        writer = Writer(model, preprocessor)
        self.tokenizer = preprocessor.tokenizer
        self._begin = tf.function(writer.begin, autograph=False, reduce_retracing=True)
        self._write = tf.function(writer.write, autograph=False, reduce_retracing=True)

    def __call__(
        self, prompts: Sequence[str], tokens: int, stop: Sequence[str], how: dict[str, tf.Tensor]
    ) -> Iterator[list[str]]:
        """Yield the texts so far, each time longer; a text ends before the first stop string."""
        logits, state = self._begin(tf.constant(list(prompts), tf.string))
        carried = logits, state, tf.fill((len(prompts),), False)
        ids = tf.zeros((len(prompts), 0), tf.int32)
        for start in range(0, tokens, CHUNK):
            count = min(CHUNK, tokens - start)
            made, carried = self._write(tf.constant(start), tf.constant(count), carried, how)
            ids = tf.concat([ids, made], axis=1)
            texts = [text.decode() for text in self.tokenizer.strings(ids).numpy()]
            ended = carried[2].numpy() | [any(word in text for word in stop) for text in texts]
            last = ended.all() or start + count == tokens
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


def _sample(logits: tf.Tensor, how: dict[str, tf.Tensor], seed: tf.Tensor) -> tf.Tensor:
    """Draw int32 `(B,)` from logits `(B, vocabulary)`; neither padding nor the unknown token."""
    least = logits.dtype.min
    logits = tf.concat([tf.fill(tf.shape(logits[:, :BOUNDARY]), least), logits[:, BOUNDARY:]], 1)
    greedy = tf.argmax(logits, axis=1, output_type=tf.int32)
    scaled = logits / tf.maximum(how["temperature"], 1e-6)
    some = tf.logical_or(how["top_k"] > 0, how["top_p"] < 1)
    scaled = tf.cond(some, lambda: _likeliest(scaled, how["top_k"], how["top_p"]), lambda: scaled)
    drawn = tf.random.stateless_categorical(scaled, 1, seed, dtype=tf.int32)[:, 0]
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
