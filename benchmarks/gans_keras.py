"""The contenders of `gans.py` on Keras: zoo's models in zoo's loop and in `fit`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

import zoo
from benchmarks.common import answer
from zoo.datasets.base import Column, Spec
from zoo.preprocessing.images import ImagePreprocessor
from zoo.tasks.image_synthesis import ImageSynthesis
from zoo.training.feeds import Resident
from zoo.training.loop import Trainer

STEPS, BATCH, MADE = 10, 64, 10_000
SHAPE = (64, 64, 3)


def training(name: str) -> dict[str, Callable[[], float]]:
    """Return the time of a step in zoo's loop and in `fit`, of the same model."""
    options = {"critic_steps": 1} if name == "wgan-gp" else {"label_smoothing": 0.0}
    pictures = np.random.default_rng(0).random((STEPS * BATCH, *SHAPE)).astype("float32")

    def model() -> keras.Model:
        keras.utils.set_random_seed(0)
        built = zoo.create(name, input_shape=SHAPE, filters=64, **options)
        built.compile(keras.optimizers.Adam(2e-4, beta_1=0.5))
        return built

    fitted = model()
    feed = Resident(pictures, lambda x, _: (x,))
    trainer = Trainer(model(), feed, batch_size=BATCH)

    def ours() -> float:
        trainer.fit(steps=trainer.position.step + STEPS)
        trainer.position.stopped = False
        began = time.perf_counter()
        trainer.fit(steps=trainer.position.step + STEPS)
        trainer.position.stopped = False
        return 1000 * (time.perf_counter() - began) / STEPS

    def theirs() -> float:
        fitted.fit(pictures, batch_size=BATCH, verbose=0)
        began = time.perf_counter()
        fitted.fit(pictures, batch_size=BATCH, verbose=0)
        return 1000 * (time.perf_counter() - began) / STEPS

    return {f"{name}, zoo": ours, f"{name}, fit": theirs}


def pictures() -> dict[str, Callable[[], float]]:
    """Return the time of many pictures in one call, and in Python's loop over `predict`."""
    model = zoo.create("dcgan", input_shape=(28, 28, 1))
    spec = Spec("image", (Column("image", "image", (28, 28, 1)),), task="image-synthesis")
    task = ImageSynthesis(spec)
    serve, inputs = task.signatures(model, ImagePreprocessor("image", (28, 28, 1)))[
        "serving_default"
    ]
    make = tf.function(serve, input_signature=[*inputs.values()], autograph=False)

    def ours() -> float:
        make(tf.constant(10), tf.constant(0))
        began = time.perf_counter()
        make(tf.constant(MADE), tf.constant(0))["image"].numpy()
        return 1000 * (time.perf_counter() - began)

    def theirs() -> float:
        latents = np.random.default_rng(0).normal(size=(MADE, 100)).astype("float32")
        model.generator.predict(latents[:32], verbose=0)
        began = time.perf_counter()
        parts = [
            model.generator.predict(latents[i : i + 32], verbose=0) for i in range(0, MADE, 32)
        ]
        np.round(np.concatenate(parts) * 255).astype(np.uint8)
        return 1000 * (time.perf_counter() - began)

    return {"pictures, zoo": ours, "pictures, predict": theirs}


if __name__ == "__main__":
    part = sys.argv[1]
    answer(pictures() if part == "pictures" else training(part))
