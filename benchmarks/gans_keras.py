"""The contenders of `gans.py` on Keras: zoo's models in zoo's loop and in `fit`, and by turns."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

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


class Watch(keras.callbacks.Callback):
    """Seconds of a step, from the end of an epoch's first to that of its last.

    Between epochs `fit` takes its pipeline of data down, idle for nine seconds now and then.
    """

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if batch == 0:
            self.began = time.perf_counter()
        self.seconds = (time.perf_counter() - self.began) / max(batch, 1)


class Turns(keras.Model):
    """The same networks and losses with the usual `train_step`: one network learns, then the other.

    Each makes pictures of its own to learn from, as in most published Keras code.
    """

    def __init__(self, model: keras.Model):
        super().__init__()
        self.networks = model.generator, model.discriminator
        self.latent_dim, self.wasserstein = model.latent_dim, bool(model.gradient_penalty)

    def compile(self, optimizers: list[keras.optimizers.Optimizer]) -> None:
        super().compile()
        self.optimizers = optimizers

    def train_step(self, real: tf.Tensor) -> dict[str, tf.Tensor]:
        generator, discriminator = self.networks
        entropy = keras.losses.BinaryCrossentropy(from_logits=True)
        fake = generator(tf.random.normal((tf.shape(real)[0], self.latent_dim)), training=True)
        with tf.GradientTape() as tape:
            on_real, on_fake = (
                discriminator(real, training=True),
                discriminator(fake, training=True),
            )
            if self.wasserstein:
                loss = tf.reduce_mean(on_fake) - tf.reduce_mean(on_real)
                loss += 10.0 * self.penalty(real, fake)
            else:
                loss = entropy(tf.ones_like(on_real), on_real)
                loss += entropy(tf.zeros_like(on_fake), on_fake)
        learned = discriminator.trainable_variables
        self.optimizers[1].apply(tape.gradient(loss, learned), learned)
        with tf.GradientTape() as tape:
            latents = tf.random.normal((tf.shape(real)[0], self.latent_dim))
            logits = discriminator(generator(latents, training=True), training=True)
            made = -tf.reduce_mean(logits) if self.wasserstein else entropy(
                tf.ones_like(logits), logits
            )  # fmt: skip
        learned = generator.trainable_variables
        self.optimizers[0].apply(tape.gradient(made, learned), learned)
        return {"generator_loss": made, "discriminator_loss": loss}

    def penalty(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        between = fake + tf.random.uniform((tf.shape(real)[0], 1, 1, 1)) * (real - fake)
        with tf.GradientTape() as tape:
            tape.watch(between)
            total = tf.reduce_sum(self.networks[1](between, training=True))
        slopes = tf.reshape(tape.gradient(total, between), (tf.shape(real)[0], -1))
        return tf.reduce_mean(tf.square(tf.norm(slopes, axis=1) - 1.0))


def training(name: str) -> dict[str, Callable[[], float]]:
    """Return the time of a step in zoo's loop, and in `fit` of the same model and of `Turns`."""
    options = {"critic_steps": 1} if name == "wgan-gp" else {"label_smoothing": 0.0}
    pictures = np.random.default_rng(0).random((STEPS * BATCH, *SHAPE)).astype("float32")

    def adam() -> keras.optimizers.Optimizer:
        return keras.optimizers.Adam(2e-4, beta_1=0.5)

    def model() -> keras.Model:
        keras.utils.set_random_seed(0)
        built = zoo.create(name, input_shape=SHAPE, filters=64, **options)
        built.compile(adam())
        return built

    turning = Turns(model())
    turning.compile([adam(), adam()])
    feed = Resident(pictures, lambda x, _: (x,))
    trainer = Trainer(model(), feed, batch_size=BATCH)

    def ours() -> float:
        trainer.fit(steps=trainer.position.step + STEPS)
        trainer.position.stopped = False
        began = time.perf_counter()
        trainer.fit(steps=trainer.position.step + STEPS)
        trainer.position.stopped = False
        return 1000 * (time.perf_counter() - began) / STEPS

    def theirs(fitted: keras.Model) -> float:
        watch = Watch()
        fitted.fit(pictures, batch_size=BATCH, epochs=2, verbose=0, callbacks=[watch])
        return 1000 * watch.seconds

    return {
        f"{name}, zoo": ours,
        f"{name}, fit": partial(theirs, model()),
        f"{name}, fit by turns": partial(theirs, turning),
    }


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
