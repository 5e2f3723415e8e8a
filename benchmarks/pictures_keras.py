"""The contenders of `pictures.py` on TensorFlow: bare decoding, zoo, Keras's own loader."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from benchmarks.common import answer
from zoo import augmentation, datasets
from zoo.preprocessing import ImagePreprocessor
from zoo.training.feeding import stream
from zoo.training.loop import Trainer

FOLDER, BATCH = os.environ["PHOTOS"], 32
CHANGES: dict[str, float | None] = {"flip": None, "shift": None}


def rate(read: Callable[[], Any], count: int) -> float:
    """Return how many a second are read."""
    began = time.perf_counter()
    read()
    return count / (time.perf_counter() - began)


def bare() -> Callable[[], float]:
    paths = [str(path) for path in Path(FOLDER).glob("*/*.jpg")]
    files = tf.data.Dataset.from_tensor_slices(paths)
    decoded = files.map(
        lambda path: tf.io.decode_jpeg(tf.io.read_file(path), channels=3),
        num_parallel_calls=tf.data.AUTOTUNE,
    )

    def read() -> None:
        decoded.reduce(0, lambda count, picture: count + 1)

    return lambda: rate(read, len(paths))


def ours() -> Callable[[], float]:
    train = datasets.load(FOLDER, validation_fraction=0.0, test_fraction=0.0).train
    preprocessor = ImagePreprocessor("image", (224, 224, 3))
    feed = stream(
        train,
        preprocessor,
        lambda encoded, target: (preprocessor.tensors(encoded), target),
        train.targets(),
        None,
    )
    inputs = keras.Input((224, 224, 3))
    few = keras.layers.Flatten()(inputs[:, ::56, ::56])  # (B, 48)
    model = keras.Model(inputs, keras.layers.Dense(2)(few))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    augment = augmentation.create(CHANGES, "image", 0, "classification")
    trainer = Trainer(model, feed, batch_size=BATCH, augment=augment)

    def epoch() -> None:
        trainer.position.stopped = False
        trainer.fit(epochs=trainer.position.epoch + 1)

    return lambda: rate(epoch, len(feed))


def keras_loader() -> Callable[[], float]:
    data = keras.utils.image_dataset_from_directory(
        FOLDER, image_size=(224, 224), batch_size=BATCH, verbose=False
    )
    changes = keras.Sequential(
        [keras.layers.RandomFlip("horizontal"), keras.layers.RandomTranslation(0.1, 0.1)]
    )
    count = len(data.file_paths)
    data = data.map(
        lambda x, y: (changes(tf.cast(x, tf.float32) / 255.0, training=True), y),
        num_parallel_calls=tf.data.AUTOTUNE,
    ).prefetch(tf.data.AUTOTUNE)

    def read() -> None:
        for _ in data:
            pass

    return lambda: rate(read, count)


def main() -> None:
    contenders = {
        "bare decoding": bare(),
        "zoo": ours(),
        "`image_dataset_from_directory`": keras_loader(),
    }
    for measure in contenders.values():  # warms up
        measure()
    answer(contenders)


if __name__ == "__main__":
    main()
