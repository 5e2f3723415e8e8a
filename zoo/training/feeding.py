"""From the splits of a data set to the feeds that training takes batches from."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from zoo import config
from zoo.datasets.base import Dataset
from zoo.errors import InputError
from zoo.training.feeds import Resident, Streamed


def make_feeds(
    chosen: config.Config, dataset: Dataset, task: Any, preprocessor: Any
) -> dict[str, Any]:
    """Encode the training and validation splits, once, or say how to, where they are large."""

    def prepare_batch(encoded: Any, target: Any) -> tuple[Any, ...]:
        return task.example(preprocessor.tensors(encoded), target)

    feeds: dict[str, Any] = {"validation": None}
    for name in ("train", "validation"):
        split = getattr(dataset, name)
        if not len(split):
            continue
        target = task.targets(split)
        weight = class_weights(chosen, task, target) if name == "train" else None
        feeds[name] = make_feed(split, preprocessor, prepare_batch, target, weight)
    return feeds


def make_feed(split: Any, preprocessor: Any, prepare: Any, target: Any, weight: Any) -> Any:
    """Return a split in memory, encoded, or, of pictures too large for that, streamed."""
    if preprocessor.kind != "image" or preprocessor.fits(split):
        return Resident(preprocessor.encode_split(split), prepare, target, weight)
    read = preprocessor.reader(split)
    explain = functools.partial(preprocessor.explain, split)
    return Streamed(len(split), read, prepare, target, weight, explain)


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
