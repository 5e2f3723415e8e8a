"""The whole state of a training run as named arrays and plain values, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np

from zoo.errors import InputError
from zoo.training import optimizers


@dataclass
class Position:
    """Where a run stands.

    Attributes:
        epoch: epochs closed; the one under way has this number, counted from 0.
        batch: optimizer steps done in it.
        step: optimizer steps done in all.
        seconds: training time so far.
        stopped: training is over: the length asked for was reached, or early stopping ended it.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    stopped: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the position as a plain dictionary."""
        return asdict(self)


def variables(model: keras.Model) -> list[keras.Variable]:
    """Return every variable training changes: weights, seeds, metrics and optimizers', in order."""
    found = list(model.variables)
    for metric in model.metrics:
        found += metric.variables
    for optimizer in optimizers.of(model):
        found += optimizer.variables
    return list({id(variable): variable for variable in found}.values())


def snapshot(items: Sequence[keras.Variable]) -> list[np.ndarray]:
    """Return the values of variables."""
    return [np.asarray(variable.numpy()) for variable in items]


def assign(items: Sequence[keras.Variable], values: Sequence[np.ndarray]) -> None:
    """Give variables back what `snapshot` returned."""
    for variable, value in zip(items, values, strict=True):
        variable.assign(value)


def named(items: Sequence[keras.Variable]) -> dict[str, np.ndarray]:
    """Return values under names made of position and path; the path alone is not unique."""
    values = snapshot(items)
    pairs = zip(items, values, strict=True)
    return {f"{i:05d}/{variable.path}": value for i, (variable, value) in enumerate(pairs)}


def load_named(
    items: Sequence[keras.Variable], tensors: dict[str, np.ndarray], source: str
) -> None:
    """Assign values saved by `named`, matched by position, shape and dtype.

    Raises:
        InputError: they are another model's.
    """
    values = [tensors[name] for name in sorted(tensors)]
    if len(values) != len(items):
        raise InputError(
            f"'{source}' holds {len(values)} arrays. Expected {len(items)}, as this model has."
        )
    for variable, name, value in zip(items, sorted(tensors), values, strict=True):
        if tuple(variable.shape) != value.shape or str(variable.dtype) != str(value.dtype):
            raise InputError(
                f"'{source}' holds {name} of shape {value.shape}, {value.dtype}. "
                f"Expected {tuple(variable.shape)}, {variable.dtype}, as this model has."
            )
    assign(items, values)


def callback_state(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """Return a callback's own attributes that JSON can hold: counters, bests, names."""
    return {
        name: value
        for name, value in vars(callback).items()
        if isinstance(value, (bool, int, float, str, type(None))) and not name.startswith("_")
    }
