"""The whole state of a training run as named arrays and plain values, and back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import keras

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


def callback_state(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """Return a callback's own attributes that JSON can hold: counters, bests, names."""
    return {
        name: value
        for name, value in vars(callback).items()
        if isinstance(value, (bool, int, float, str, type(None))) and not name.startswith("_")
    }
