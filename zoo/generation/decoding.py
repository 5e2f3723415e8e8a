"""The best sequence a decoder can write, by beam search, inside one graph.

Length normalization is that of Wu and others, Google's Neural Machine Translation System, 2016,
arXiv:1609.08144.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from zoo.preprocessing.tokenizers import BOUNDARY, PADDING, UNKNOWN

LENGTH_PENALTY = 1.0
NEVER = -1e9
Step = Callable[[tf.Tensor, Any], tuple[tf.Tensor, Any]]


def beam_search(
    step: Step, logits: tf.Tensor, state: Any, beams: int, longest: tf.Tensor
) -> tf.Tensor:
    """Return the best text of each row, int32 `(rows, T)`, padded, boundaries left out.

    The unknown token is never written.

    Args:
        step: takes tokens `(rows * beams,)` and a state; returns logits and the next state.
        logits: of the first token, `(rows * beams, vocabulary)`, each row's `beams` times.
        state: before it, a nest of tensors of `rows * beams` rows.
        beams: how many beginnings of each are followed.
        longest: the most tokens to write.
    """
    rows, size = tf.shape(logits)[0] // beams, logits.shape[-1]
    first = tf.tile(tf.constant([[0.0] + [NEVER] * (beams - 1)]), (rows, 1))  # all are the same yet
    written = tf.fill((rows, beams, longest), PADDING)
    over = tf.fill((rows, beams), False)
    lengths = tf.zeros((rows, beams))

    def write(i: tf.Tensor, carried: Any) -> tuple[tf.Tensor, Any]:
        logits, state, scores, written, over, lengths = carried
        logs = _allowed(tf.reshape(logits, (rows, beams, size)), over)
        total = tf.reshape(scores[..., None] + logs, (rows, beams * size))
        scores, places = tf.math.top_k(total, beams)
        parent, token = places // size, places % size  # (rows, beams)
        flat = tf.reshape(parent + tf.range(rows)[:, None] * beams, (-1,))
        state = keras.tree.map_structure(lambda x: tf.gather(x, flat), state)
        lengths += tf.cast(~over, tf.float32)
        written, over, lengths = (
            tf.gather(x, parent, axis=1, batch_dims=1) for x in (written, over, lengths)
        )
        over = tf.logical_or(over, token == BOUNDARY)
        here = tf.equal(tf.range(longest), i)
        written = tf.where(here, tf.where(over, PADDING, token)[..., None], written)
        logits, state = step(tf.reshape(token, (-1,)), state)
        return i + 1, (logits, state, scores, written, over, lengths)

    begun = (logits, state, first, written, over, lengths)
    _, (_, _, scores, written, _, lengths) = tf.while_loop(
        lambda i, carried: tf.logical_and(i < longest, ~tf.reduce_all(carried[4])),
        write,
        (0, begun),
        shape_invariants=(tf.TensorShape([]), loose(begun)),
        parallel_iterations=1,
    )
    best = tf.argmax(scores / ((5.0 + lengths) / 6.0) ** LENGTH_PENALTY, axis=1)
    return tf.gather(written, best, axis=1, batch_dims=1)


def loose(carried: Any) -> Any:
    """Return shapes of any size, of as many axes."""
    return tf.nest.map_structure(lambda x: tf.TensorShape([None] * len(x.shape)), carried)


def _allowed(logits: tf.Tensor, over: tf.Tensor) -> tf.Tensor:
    """Return log probabilities `(rows, beams, V)`; after the end there is nothing but padding."""
    logs = tf.nn.log_softmax(tf.cast(logits, tf.float32))
    token = tf.range(logits.shape[-1])
    logs = tf.where(token == UNKNOWN, NEVER, logs)
    return tf.where(over[..., None], tf.where(token == PADDING, 0.0, NEVER), logs)
