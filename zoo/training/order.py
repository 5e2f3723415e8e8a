"""The order of an epoch: a pure function of seed and epoch.

Any step of any epoch can therefore be started from directly. `tf.random.experimental.index_shuffle`
would need no memory but gives only 256 different orders.
"""

from __future__ import annotations

import tensorflow as tf


@tf.function(input_signature=[tf.TensorSpec((), tf.int32)] * 3, autograph=False)
def epoch_order(size: tf.Tensor, seed: tf.Tensor, epoch: tf.Tensor) -> tf.Tensor:
    """Return a permutation of `range(size)`, int32 `(size,)`."""
    return tf.random.experimental.stateless_shuffle(
        tf.range(size), seed=tf.stack([seed, epoch]), alg="philox"
    )
