"""The contenders of `transformers.py` on Keras: zoo's models."""

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
from zoo.generation import engines, sampling
from zoo.preprocessing.text import CorpusPreprocessor
from zoo.preprocessing.tokenizers import Bytes

STEPS, PASSES, TOKENS = 10, 10, 200
RANDOM = np.random.default_rng(0)
HOW = {
    "temperature": tf.constant(1.0),
    "top_k": tf.constant(0),
    "top_p": tf.constant(1.0),
    "repetition_penalty": tf.constant(1.0),
    "seed": tf.constant(0),
}


def tokens(vocabulary: int, *shape: int) -> tf.Tensor:
    return tf.constant(RANDOM.integers(3, vocabulary, size=shape), tf.int32)


def training(model: keras.Model, x: tf.Tensor, y: tf.Tensor) -> Callable[[], float]:
    """Return a function that trains on and returns milliseconds a step."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(1e-3), loss, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    model.train_step((x, y))
    step = tf.function(lambda: model.train_step((x, y)), autograph=False, jit_compile=True)

    @tf.function(autograph=False)
    def train(count: tf.Tensor) -> Any:
        def body(i: tf.Tensor) -> tf.Tensor:
            step()
            return i + 1

        return tf.while_loop(lambda i: i < count, body, (0,))

    def measure() -> float:
        train(tf.constant(2))
        began = time.perf_counter()
        train(tf.constant(STEPS))
        return 1000 * (time.perf_counter() - began) / STEPS

    return measure


def inference(model: keras.Model, x: tf.Tensor) -> Callable[[], float]:
    """Return a function that returns milliseconds a batch."""
    call = tf.function(lambda x: model(x, training=False), autograph=False, jit_compile=True)

    def measure() -> float:
        call(x)
        began = time.perf_counter()
        for _ in range(PASSES):
            call(x).numpy()
        return 1000 * (time.perf_counter() - began) / PASSES

    return measure


def gpt() -> dict[str, Callable[[], float]]:
    model = zoo.create("gpt-nano", vocabulary_size=65, sequence_length=64)
    return {"gpt, training, zoo": training(model, tokens(65, 12, 64), tokens(65, 12, 64))}


def vit() -> dict[str, Callable[[], float]]:
    model = zoo.create("vit-tiny-16", input_shape=(224, 224, 3), classes=1000, dropout=0.0)
    x = tf.constant(RANDOM.random((16, 224, 224, 3)), tf.float32)
    return {"vit, training, zoo": training(model, x, tokens(1000, 16))}


def bert() -> dict[str, Callable[[], float]]:
    size = {"vocabulary_size": 30522, "sequence_length": 512, "pooling": "first", "dropout": 0.0}
    model = zoo.create("bert-tiny", classes=2, **size)
    x, y = tokens(30522, 32, 128), tf.constant(RANDOM.integers(2, size=32), tf.int32)
    return {
        "bert, training, zoo": training(model, x, y),
        "bert, inference, zoo": inference(model, x),
    }


def writing() -> dict[str, Callable[[], float]]:
    width = 256
    model = zoo.create("gpt-nano", vocabulary_size=Bytes.size, sequence_length=width)
    preprocessor = CorpusPreprocessor("text", Bytes().to_json(), width)
    cached = sampling.Stream(model, preprocessor)
    engines.create = engines.Windowed
    window = sampling.Stream(model, preprocessor)

    def write(stream: sampling.Stream, shown: int | None = None) -> float:
        began = time.perf_counter()
        for count, _ in enumerate(stream(["x" * 15], TOKENS, (), HOW), start=1):
            if count == shown:
                break
        return 1000 * (time.perf_counter() - began)

    return {
        "writing, zoo": lambda: write(cached),
        "writing, window": lambda: write(window),
        "first, zoo": lambda: write(cached, shown=1),
    }


def main() -> None:
    keras.utils.set_random_seed(0)
    contenders = {"gpt": gpt, "vit": vit, "bert": bert, "writing": writing}[sys.argv[1]]()
    for measure in contenders.values():  # warms up
        measure()
    answer(contenders)


if __name__ == "__main__":
    main()
