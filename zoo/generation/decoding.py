"""The best sequence a decoder can write, by beam search, inside one graph.

Length normalization is that of Wu and others, Google's Neural Machine Translation System, 2016,
arXiv:1609.08144.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from zoo.preprocessing.tokenizers import BOUNDARY, PADDING

LENGTH_PENALTY = 1.0
NEVER = -1e9
Step = Callable[[tf.Tensor, Any], tuple[tf.Tensor, Any]]


def beam_search(
    step: Step, logits: tf.Tensor, state: Any, beams: int, longest: tf.Tensor
) -> tf.Tensor:
    """Return the best text of each row, int32 `(rows, T)`, padded, boundaries left out.

    Texts that are over are set aside, at most `beams` a row, and leave their places to texts that
    go on; a row is done when none that goes on is better than the worst of those. Padding
    and the unknown token are never written.

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

    def write(i: tf.Tensor, carried: Any) -> tuple[tf.Tensor, Any]:
        logits, state, scores, written, finished, kept = carried
        total = scores[..., None] + _logs(tf.reshape(logits, (rows, beams, size)))
        total, places = tf.math.top_k(tf.reshape(total, (rows, beams * size)), 2 * beams)
        parent, token = places // size, places % size  # (rows, 2 * beams): beams of them may end
        here = tf.equal(tf.range(longest), i)
        grown = tf.gather(written, parent, axis=1, batch_dims=1)
        ended = token == BOUNDARY
        finished, kept = _best(
            beams,
            tf.concat([finished, tf.where(ended, total / _penalty(i + 1), NEVER)], axis=1),
            tf.concat([kept, grown], axis=1),
        )
        grown = tf.where(here, token[..., None], grown)
        scores, written, parent, token = _best(
            beams, tf.where(ended, 2 * NEVER, total), grown, parent, token
        )
        flat = tf.reshape(parent + tf.range(rows)[:, None] * beams, (-1,))
        state = keras.tree.map_structure(lambda x: tf.gather(x, flat), state)
        logits, state = step(tf.reshape(token, (-1,)), state)
        return i + 1, (logits, state, scores, written, finished, kept)

    def goes_on(i: tf.Tensor, carried: Any) -> tf.Tensor:
        better = carried[2][:, 0] / _penalty(i) > carried[4][:, -1]
        return tf.logical_and(i < longest, tf.reduce_any(better))

    none = tf.fill((rows, beams), 2 * NEVER)
    begun = (logits, state, first, written, none, written)
    i, (_, _, scores, written, finished, kept) = tf.while_loop(
        goes_on,
        write,
        (0, begun),
        shape_invariants=(tf.TensorShape([]), loose(begun)),
        parallel_iterations=1,
    )
    finished = tf.concat([finished, scores / _penalty(i)], axis=1)
    return _best(1, finished, tf.concat([kept, written], axis=1))[1][:, 0]


def loose(carried: Any) -> Any:
    """Return shapes of any size, of as many axes."""
    return tf.nest.map_structure(lambda x: tf.TensorShape([None] * len(x.shape)), carried)


def _logs(logits: tf.Tensor) -> tf.Tensor:
    """Return log probabilities `(rows, beams, V)`; padding and the unknown are never written."""
    never = tf.range(logits.shape[-1]) < BOUNDARY
    return tf.where(never, NEVER, tf.nn.log_softmax(tf.cast(logits, tf.float32)))


def _penalty(length: tf.Tensor) -> tf.Tensor:
    return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** LENGTH_PENALTY


def _best(count: int, scores: tf.Tensor, *others: tf.Tensor) -> list[tf.Tensor]:
    """Return the highest scores of each row in order, and what belongs to them of the others."""
    scores, places = tf.math.top_k(scores, count)
    return [scores, *(tf.gather(x, places, axis=1, batch_dims=1) for x in others)]
