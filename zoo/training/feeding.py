"""From the splits of a data set to the feeds that training takes batches from."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from zoo import config
from zoo.datasets.base import Dataset
from zoo.datasets.masks import Masks
from zoo.datasets.pictures import Pictures
from zoo.errors import InputError
from zoo.preprocessing.images import ImagePreprocessor
from zoo.tasks.image_to_image import wanted
from zoo.training.feeds import Resident, Streamed, Windowed


def make_feeds(
    chosen: config.Config, dataset: Dataset, task: Any, preprocessor: Any
) -> dict[str, Any]:
    """Encode the training and validation splits, once, or say how to, where they are large.

    Raises:
        InputError: a picture cannot be decoded, be it one that is for the test after training.
    """

    def prepare_batch(encoded: Any, target: Any) -> tuple[Any, ...]:
        return task.example(preprocessor.tensors(encoded), target)

    feeds: dict[str, Any] = {"validation": None}
    if preprocessor.kind == "series":
        class_weights(chosen, task, None)  # which are refused: there are no classes
        return {**feeds, **windowed(dataset, task, preprocessor)}
    for name in ("train", "validation"):
        split = getattr(dataset, name)
        if not len(split):
            continue
        streamed = preprocessor.kind in ("image", "corpus") and not preprocessor.fits(split)
        target = _target_reader(split, task) if streamed else None
        target = task.targets(split) if target is None else target
        weight = class_weights(chosen, task, target) if name == "train" else None
        make = stream if streamed else keep
        feeds[name] = make(split, preprocessor, prepare_batch, target, weight)
        if name == "train" and preprocessor.kind == "corpus":
            preprocessor.refuse_short(split)
    if preprocessor.kind == "image":
        preprocessor.refuse_damaged(dataset.test)
        if isinstance(dataset.test.target, Pictures):
            task.prepared.refuse_damaged(wanted(dataset.test))
    return feeds


def keep(split: Any, preprocessor: Any, prepare: Any, target: Any, weight: Any) -> Resident:
    """Return a split in memory, encoded."""
    encoded = preprocessor.encode_split(split)
    more: dict[str, Any] = {}
    if hasattr(preprocessor, "take"):
        more = {"take": preprocessor.take, "size": preprocessor.rows(encoded)}
    elif hasattr(preprocessor, "lengths"):
        more = {"lengths": preprocessor.lengths(encoded)}
    return Resident(encoded, prepare, target, weight, **more)


def windowed(dataset: Dataset, task: Any, preprocessor: Any) -> dict[str, Windowed]:
    """Return the windows of training and validation, cut from series that are encoded once."""
    series = tf.constant(preprocessor.encode_table(dataset.train.table.values))
    length = preprocessor.history + preprocessor.horizon

    def prepare(windows: tf.Tensor) -> tuple[Any, ...]:
        inputs = preprocessor.tensors(preprocessor.cut(windows))
        return task.example(inputs, task.following(windows[:, preprocessor.history :]))

    splits = {"train": dataset.train, "validation": dataset.validation}
    return {
        name: Windowed(series, split.starts, length, prepare)
        for name, split in splits.items()
        if len(split)
    }


def stream(split: Any, preprocessor: Any, prepare: Any, target: Any, weight: Any) -> Streamed:
    """Return a split of pictures, or of a long text, that are read in every epoch."""
    if preprocessor.kind == "corpus":
        read, size = preprocessor.reader(split)
        return Streamed(size, read, prepare)
    read = preprocessor.reader(split)
    explain = functools.partial(_explain, split, preprocessor)
    return Streamed(len(split), read, prepare, target, weight, explain)


def carry(feed: Any, rows: int) -> None:
    """Let each of a batch's rows of running text go on in the next batch."""
    if isinstance(feed, Streamed) or len(feed) < rows:
        raise InputError(
            f"--carry-state was given with batches of {rows} windows of {len(feed):,}. Expected "
            "fewer, of a text that fits into memory. Try a smaller --batch-size."
        )
    feed.stream(rows)


def _explain(split: Any, preprocessor: Any, rows: Sequence[int]) -> None:
    """Raise an InputError for the first picture or mask of some rows that cannot be read."""
    preprocessor.explain(split, rows)
    if isinstance(split.target, Masks):
        split.target[split.rows[rows]]
    if isinstance(split.target, Pictures):
        target = wanted(split)
        ImagePreprocessor("target", split.target.shape[1:]).explain(target, rows)


def _target_reader(split: Any, task: Any) -> Callable[[tf.Tensor], tf.Tensor] | None:
    """Return what reads the target of a row, where they are in files."""
    if isinstance(split.target, Masks):
        return mask_reader(split)
    return task.prepared.reader(wanted(split)) if isinstance(split.target, Pictures) else None


def mask_reader(split: Any) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return a function in graph from a row of a split to its mask, uint8 `(height, width)`."""

    def read(row: np.ndarray) -> np.ndarray:
        return split.target[split.rows[row]][0]

    def mask(row: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(read, [row], tf.uint8), split.target.shape[1:])

    return mask


def class_weights(chosen: config.Config, task: Any, target: Any) -> np.ndarray | None:
    """Return a weight a row where classes are to be weighed."""
    if chosen.regularization.class_weight is None:
        return None
    if not hasattr(task, "class_weights"):
        raise InputError(
            f"--class-weight received '{chosen.regularization.class_weight}' for {task.name}. "
            "Expected classification."
        )
    return task.class_weights(target)
