"""The contenders of `networks.py` on TensorFlow: zoo's networks and loop, keras.applications."""

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
from zoo.exporters.folding import folded
from zoo.training.feeds import Resident
from zoo.training.loop import Trainer
from zoo.training.optimizers import controlled

BATCHES = {"resnet50": 16, "mobilenet-v2": 32}
APPLICATIONS = {"resnet50": "ResNet50", "mobilenet-v2": "MobileNetV2"}
STEPS, PASSES = 2, 4


def data(network: str, steps: int = STEPS) -> tuple[np.ndarray, np.ndarray]:
    random, count = np.random.default_rng(0), BATCHES[network] * steps
    x = random.random((count, 224, 224, 3)).astype("float32")
    return x, random.integers(1000, size=count).astype("int32")


def made(build: Callable[[], keras.Model], precision: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    model = build()
    keras.config.set_dtype_policy("float32")
    return model


def ours(network: str, precision: str) -> keras.Model:
    return made(lambda: zoo.create(network, input_shape=(224, 224, 3), classes=1000), precision)


def theirs(network: str, precision: str) -> keras.Model:
    build = getattr(keras.applications, APPLICATIONS[network])
    return made(lambda: build(weights=None, classifier_activation=None), precision)


def compiled(model: keras.Model, optimizer: Any) -> keras.Model:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer(0.01, momentum=0.9), loss, jit_compile=False)
    return model


def trainer(network: str, precision: str, steps: int = STEPS) -> Trainer:
    x, y = data(network, steps)
    model = compiled(ours(network, precision), controlled("sgd"))
    return Trainer(model, Resident(x, target=y), batch_size=BATCHES[network])


def rate(work: Callable[[], Any], count: int) -> float:
    """Return pictures a second."""
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def trains(network: str, precision: str) -> dict[str, Callable[[], float]]:
    own, count = trainer(network, precision), STEPS * BATCHES[network]
    model = compiled(theirs(network, precision), keras.optimizers.SGD)
    x, y = data(network)

    def epoch() -> None:
        own.position.stopped = False
        own.fit(epochs=own.position.epoch + 1)

    def fit() -> None:
        model.fit(x, y, batch_size=BATCHES[network], verbose=0, shuffle=False)

    return {
        f"{network}, training, {precision}, zoo": lambda: rate(epoch, count),
        f"{network}, training, {precision}, keras.applications": lambda: rate(fit, count),
    }


def answers(network: str, precision: str) -> dict[str, Callable[[], float]]:
    """Return inference: one compiled function each, over a few batches."""
    if precision != "float32":  # exports are float32
        return {}
    found = {}
    for who, model in (
        ("zoo", folded(ours(network, precision))),
        ("keras.applications", theirs(network, precision)),
    ):
        function = tf.function(lambda x, model=model: model(x, training=False), autograph=False)
        x = tf.constant(data(network, 1)[0])

        def passes(function: Any = function, x: Any = x) -> None:
            for _ in range(PASSES):
                function(x).numpy()

        name = f"{network}, inference, {precision}, {who}"
        count = PASSES * BATCHES[network]
        found[name] = lambda passes=passes, count=count: rate(passes, count)
    return found


def first_step(network: str, who: str) -> float:
    """Return seconds from the making of a model to the end of its first step."""
    began = time.perf_counter()
    if who == "zoo":
        trainer(network, "float32", 1).fit(steps=1)
    else:
        x, y = data(network, 1)
        model = compiled(theirs(network, "float32"), keras.optimizers.SGD)
        model.fit(x, y, batch_size=BATCHES[network], verbose=0)
    return time.perf_counter() - began


def main() -> None:
    contenders = {**trains(*sys.argv[1:3]), **answers(*sys.argv[1:3])}
    for measure in contenders.values():  # compiles
        measure()
    answer(contenders)


if __name__ == "__main__":
    main()
