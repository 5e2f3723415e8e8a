"""The contenders of `training.py` on Keras: zoo's loop, and `fit` in its forms."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import zoo
from benchmarks.common import answer
from zoo.training.feeds import Resident
from zoo.training.loop import Trainer
from zoo.training.optimizers import controlled

STEPS_PER_EXECUTION = {"mlp": (1, 11, 22, 44, 45), "cnn": (1, 10, 47, 94)}
BATCH = {"mlp": 32, "cnn": 64}
EPOCHS = {"mlp": 20, "cnn": 2}
WORK = sys.argv[1]


def data() -> tuple[np.ndarray, np.ndarray]:
    if WORK == "cnn":
        random = np.random.default_rng(0)
        pictures = random.random((6016, 28, 28, 1), np.float32)
        return pictures, random.integers(10, size=6016).astype(np.int32)
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.data))[:1437]
    return (digits.data[order] / 16).astype(np.float32), digits.target[order].astype(np.int32)


def network() -> keras.Model:
    if WORK == "mlp":
        return zoo.create("mlp", input_shape=(64,), classes=10, units=(128, 128))
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(10),
        ]
    )


def model(optimizer: type = keras.optimizers.Adam, **options: Any) -> keras.Model:
    keras.utils.set_random_seed(0)
    made = network()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    metrics = [keras.metrics.SparseCategoricalAccuracy("accuracy")]
    made.compile(optimizer=optimizer(1e-3), loss=loss, metrics=metrics, **options)
    return made


def each(ends: list[float]) -> float:
    """Return the median milliseconds between epochs' ends, which leaves the first epoch out."""
    return 1000 * statistics.median(b - a for a, b in pairwise(ends))


def ours(x: np.ndarray, y: np.ndarray) -> Callable[[], float]:
    trainer = Trainer(model(controlled("adam")), Resident(x, target=y), batch_size=BATCH[WORK])

    def measure() -> float:
        ends: list[float] = []
        trainer.on_row = lambda row: ends.append(time.perf_counter())
        trainer.position.stopped = False
        trainer.fit(epochs=trainer.position.epoch + EPOCHS[WORK] + 1)
        return each(ends)

    return measure


class Clock(keras.callbacks.Callback):
    """Notes when epochs end."""

    def __init__(self):
        super().__init__()
        self.ends: list[float] = []

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(time.perf_counter())


def fit(made: keras.Model, *inputs: Any, **options: Any) -> float:
    clock = Clock()
    made.fit(*inputs, epochs=EPOCHS[WORK] + 1, verbose=0, callbacks=[clock], **options)
    return each(clock.ends)


def main() -> None:
    x, y = data()
    batches = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=0).batch(BATCH[WORK])
    batches = batches.prefetch(tf.data.AUTOTUNE)
    contenders = {
        "zoo": ours(x, y),
        "`fit` on arrays": partial(fit, model(), x, y, batch_size=BATCH[WORK]),
    }
    for steps in STEPS_PER_EXECUTION[WORK]:
        name = f"`fit` on tf.data, steps_per_execution={steps}"
        contenders[name] = partial(fit, model(steps_per_execution=steps), batches, shuffle=False)
    for contender in contenders.values():  # compiles
        contender()
    answer(contenders)


if __name__ == "__main__":
    main()
