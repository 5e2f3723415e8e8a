"""What training would see: a few examples and what augmentation makes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from zoo import augmentation, options, preprocessing, reports, tasks
from zoo.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zoo.datasets.base import Dataset

EXAMPLES, VERSIONS = 6, 7


def draw(data: Dataset, changes: str, seed: int = 0) -> Figure:
    """Draw training examples, each beside versions of it in as many steps.

    Raises:
        InputError: the data are no pictures, or the changes do not fit them.
    """
    spec = data.spec
    if spec.kind != "image":
        raise InputError(
            f"--augment received data of kind '{spec.kind}'. Expected pictures, which can be drawn."
        )
    augment = augmentation.create(options.augmentations(changes), spec.kind, seed, spec.task)
    if augment is None:
        raise InputError("--augment received nothing. Expected changes such as flip,shift:0.1.")
    task: Any = tasks.TASKS[spec.task].fit(spec, data.train)
    if augment.mixes:
        task.mixed = True
    batch = _few(data, task)
    seen = [batch, *(augment(batch, step, 0) for step in range(VERSIONS))]
    pictures = np.stack([inputs for inputs, *_ in seen], axis=1)
    targets = [np.asarray(target) for _, *rest in seen for target in rest]
    return reports.draw("augmented", pictures, **_described(task, targets))


def _few(data: Dataset, task: Any) -> tuple[Any, ...]:
    """Return a batch of examples from all over the training split."""
    train: Any = data.train
    rows = np.unique(np.linspace(0, len(train) - 1, EXAMPLES).astype(int))
    few = replace(train, rows=train.rows[rows])
    preprocessor: Any = preprocessing.fit(data, task.name, embeddings=False)
    target = task.targets(few)
    inputs = preprocessor.tensors(tf.constant(preprocessor.encode_split(few)))
    return task.example(inputs, None if target is None else tf.constant(target))


def _described(task: Any, targets: list[np.ndarray]) -> dict[str, Any]:
    """Return what is to be drawn of the targets, a list of versions of them."""
    if task.name in ("classification", "multi-label"):
        said = [[_said(task.classes, one) for one in _shares(task, each)] for each in targets]
        return {"captions": list(zip(*said, strict=True))}
    drawn = {"segmentation": "masks", "detection": "boxes"}.get(task.name)
    return {drawn: np.stack(targets, axis=1)} if drawn else {}


def _shares(task: Any, target: np.ndarray) -> np.ndarray:
    """Return targets of classification as shares of its classes `(B, classes)`."""
    if target.ndim == 1:
        return np.eye(len(task.classes))[target]
    return np.hstack([1 - target, target]) if target.shape[1] == 1 else target


def _said(classes: tuple[str, ...], shares: np.ndarray) -> str:
    """Name the classes of an example, with their shares where they are mixed."""
    order = [i for i in np.argsort(-shares) if shares[i] >= 0.005]
    return ", ".join(
        classes[i] if shares[i] > 0.995 else f"{classes[i]} {shares[i]:.0%}" for i in order
    )
