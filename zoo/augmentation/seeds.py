"""Where the draws of a change come from."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class StepSeed(keras.random.SeedGenerator):
    """Gives the draws of one change in one step; unlike its parent it has no variable."""

    def __init__(self, seed: int, change: int, step: Any, replica: Any):
        self.key = tf.constant([seed, change])
        for number in (step, replica):
            self.key = _fold(self.key, number)
        self.draws = 0

    def next(self, ordered: bool = True) -> tf.Tensor:
        """Return the seed of one more draw, int32 `(2,)`."""
        self.draws += 1
        return _fold(self.key, self.draws)


def _fold(key: tf.Tensor, number: Any) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in(key, number, alg="philox")


def uniform(shape: Any, low: float, high: float, seed: StepSeed) -> tf.Tensor:
    """Return float32 numbers between `low` and `high`."""
    return keras.random.uniform(shape, low, high, dtype="float32", seed=seed)


def whole(shape: Any, stop: int, seed: StepSeed) -> tf.Tensor:
    """Return int32 numbers from 0 to `stop - 1`."""
    return keras.random.randint(shape, 0, stop, seed=seed)


def sign(shape: Any, seed: StepSeed) -> tf.Tensor:
    """Return 1 or -1 at even chances, float32."""
    return 1.0 - 2.0 * tf.cast(whole(shape, 2, seed), tf.float32)
