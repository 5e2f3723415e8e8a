"""The order of an epoch: a pure function of seed and epoch.

Any step of any epoch can therefore be started from directly. `tf.random.experimental.index_shuffle`
would need no memory but gives only 256 different orders.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

POOL = 100  # batches out of which sequences of one length are looked for


@tf.function(input_signature=[tf.TensorSpec((), tf.int32)] * 3, autograph=False)
def epoch_order(size: tf.Tensor, seed: tf.Tensor, epoch: tf.Tensor) -> tf.Tensor:
    """Return a permutation of `range(size)`, int32 `(size,)`."""
    return tf.random.experimental.stateless_shuffle(
        tf.range(size), seed=tf.stack([seed, epoch]), alg="philox"
    )


def order_of(feed: Any, batch: int, seed: int, epoch: int) -> tf.Tensor:
    """Return the order in which an epoch takes the examples of a feed, in batches of a size."""
    if getattr(feed, "streams", 0):
        return in_streams(feed.ring, feed.streams, seed, epoch)
    order = epoch_order(len(feed), seed, epoch)
    lengths = getattr(feed, "lengths", None)
    return order if lengths is None else by_length(order.numpy(), lengths, batch, seed, epoch)


def in_streams(windows: int, streams: int, seed: int, epoch: int) -> tf.Tensor:
    """Return an order whose batches go on where the one before ended, row by row.

    The windows of a running text, taken as a ring, are cut anywhere into as many equal streams as a
    batch has rows; the few that are left over are others in each epoch.
    """
    length = windows // streams
    start = np.random.RandomState([seed, epoch]).randint(windows)
    order = start + np.arange(streams)[None, :] * length + np.arange(length)[:, None]
    return tf.constant((order % windows).reshape(-1).astype(np.int32))


def by_length(
    order: np.ndarray, lengths: np.ndarray, batch: int, seed: int, epoch: int
) -> tf.Tensor:
    """Return an order whose batches are of sequences about as long, so that few are padded much.

    Batches are made within some hundred that follow one another in the order, and then shuffled; a
    smaller one comes last.

    Args:
        order: of an epoch.
        lengths: of all sequences, `(rows,)`, or of several an example, `(rows, sequences)`.
        batch: how many make one.
        seed, epoch: what the order of the batches follows from.
    """
    whole = len(order) // batch * batch
    rest, order = order[whole:], order[:whole]
    pools = np.split(order, range(POOL * batch, whole, POOL * batch))
    columns = lengths.reshape(len(lengths), -1)
    columns = columns[:, np.argsort(columns.sum(axis=0), kind="stable")]  # the longest decide most
    pools = [pool[np.lexsort(columns[pool].T)] for pool in pools]
    batches = np.concatenate(pools).reshape(-1, batch)
    shuffled = np.random.RandomState([seed, epoch]).permutation(len(batches))
    return tf.constant(np.concatenate([batches[shuffled].reshape(-1), rest]))


def padding(feed: Any, batch: int, seed: int) -> float:
    """Return the share of an epoch's tokens that are padding: a batch is as long as its longest."""
    lengths = feed.lengths.reshape(len(feed), -1)
    order = order_of(feed, batch, seed, 0).numpy()
    parts = [lengths[order[i : i + batch]] for i in range(0, len(order), batch)]
    total = sum(max(int(part.max(axis=0).sum()), 1) * len(part) for part in parts)
    return 1 - float(lengths.sum()) / total
