"""Text from a language model, a token at a time, inside one graph."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

START = "\n"


def continue_text(
    model: Any,
    preprocessor: Any,
    prompts: tf.Tensor,
    tokens: tf.Tensor,
    temperature: tf.Tensor,
    seed: tf.Tensor,
) -> tf.Tensor:
    """Return what the model makes of each prompt, strings `(B,)` without the prompts.

    The model sees the last `sequence_length` tokens. Works for any causal model: what follows the
    last token of a window cannot change its logits.

    Args:
        model: `(B, T)` codes to `(B, T, vocabulary)` logits.
        preprocessor: a `TextPreprocessor`.
        prompts: strings `(B,)`; an empty one starts at a new line.
        tokens: how many to make, int32 `()`.
        temperature: float32 `()`; 0 always takes the likeliest.
        seed: int32 `()`.
    """
    width = preprocessor.sequence_length
    prompts = tf.where(tf.equal(prompts, ""), START, prompts)
    ids = preprocessor.ids(prompts)[:, -width:]
    length = tf.cast(ids.row_lengths(), tf.int32)
    window = ids.to_tensor(0, shape=(None, width))
    made = tf.TensorArray(tf.int32, size=tokens, element_shape=(None,))

    def step(i: tf.Tensor, window: tf.Tensor, length: tf.Tensor, made: tf.TensorArray) -> tuple:
        logits = tf.cast(model(window, training=False), tf.float32)
        last = tf.gather(logits, length - 1, axis=1, batch_dims=1)
        token = _sample(last, temperature, tf.stack([seed, i]))
        window, length = _append(window, length, token)
        return i + 1, window, length, made.write(i, token)

    _, _, _, made = tf.while_loop(
        lambda i, *_: i < tokens, step, (0, window, length, made), parallel_iterations=1
    )
    return preprocessor.strings(tf.transpose(made.stack()))


def _sample(logits: tf.Tensor, temperature: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draw int32 `(B,)` from logits `(B, vocabulary)`; never code 0, the unknown character."""
    logits = tf.concat([tf.fill(tf.shape(logits[:, :1]), logits.dtype.min), logits[:, 1:]], axis=1)
    greedy = tf.argmax(logits, axis=1, output_type=tf.int32)
    scaled = logits / tf.maximum(temperature, 1e-6)
    drawn = tf.random.stateless_categorical(scaled, 1, seed, dtype=tf.int32)[:, 0]
    return tf.where(temperature > 0, drawn, greedy)


def _append(window: tf.Tensor, length: tf.Tensor, token: tf.Tensor) -> tuple:
    """Put a token after each row's last one, moving full rows one to the left."""
    width = window.shape[1]
    full = (length == width)[:, None]
    window = tf.where(full, tf.roll(window, -1, axis=1), window)
    place = tf.where(length == width, width - 1, length)
    here = tf.equal(tf.range(width)[None, :], place[:, None])
    return tf.where(here, token[:, None], window), tf.minimum(length + 1, width)
