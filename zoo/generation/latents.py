"""What a generator starts from."""

from __future__ import annotations

import tensorflow as tf


def normal(count: tf.Tensor, dim: int, seed: tf.Tensor) -> tf.Tensor:
    """Return float32 `(count, dim)` standard normal numbers, a pure function of the seed."""
    return tf.random.stateless_normal((count, dim), seed=tf.stack([seed, 0]), alg="philox")
