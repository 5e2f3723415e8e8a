"""The contenders of `recurrent.py` on Keras: zoo's model, and Keras's layers as they are."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import zoo
from benchmarks.common import answer

STEPS = 10
CELL = sys.argv[1]


def layers(**options: Any) -> keras.Model:
    """Return two of Keras's layers and an output."""
    layer = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[CELL]
    return keras.Sequential(
        [
            keras.Input((64, 128)),
            layer(128, return_sequences=True, **options),
            layer(128, **options),
            keras.layers.Dense(10),
        ]
    )


def ours() -> keras.Model:
    return zoo.create(CELL, input_shape=(64, 128), classes=10, units=(128, 128))


def contender(build: Callable[[], keras.Model]) -> Callable[[], float]:
    """Return a function that trains on and returns milliseconds a step."""
    keras.utils.set_random_seed(0)
    model, random = build(), np.random.default_rng(0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    x = tf.constant(random.normal(size=(32, 64, 128)), tf.float32)
    y = tf.constant(random.integers(10, size=32), tf.int32)
    model.train_step((x, y))

    @tf.function(autograph=False)
    def train(count: tf.Tensor) -> Any:
        def step(i: tf.Tensor) -> tf.Tensor:
            model.train_step((x, y))
            return i + 1

        return tf.while_loop(lambda i: i < count, step, (0,))

    def measure() -> float:
        train(tf.constant(2))
        began = time.perf_counter()
        train(tf.constant(STEPS))
        return 1000 * (time.perf_counter() - began) / STEPS

    return measure


def main() -> None:
    contenders = {
        "zoo": contender(ours),
        "Keras": contender(layers),
        "Keras, unroll=True": contender(lambda: layers(unroll=True)),
    }
    for measure in contenders.values():  # warms up
        measure()
    answer(contenders)


if __name__ == "__main__":
    main()
