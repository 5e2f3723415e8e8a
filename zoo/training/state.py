"""Where a training run stands, and every variable it changes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np

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


def seeds(model: keras.Model) -> list[keras.Variable]:
    """Return the states of random generators: a model's variables that nothing else explains."""
    known = {id(variable) for variable in model.weights} | _metrics(model)
    return [variable for variable in model.variables if id(variable) not in known]


def finite(model: keras.Model, found: list[keras.Variable], values: list[np.ndarray]) -> bool:
    """Return whether all values are finite, those of metrics apart."""
    skipped = _metrics(model)
    pairs = zip(found, values, strict=True)
    return all(np.isfinite(value).all() for var, value in pairs if id(var) not in skipped)


def _metrics(model: keras.Model) -> set[int]:
    return {id(variable) for metric in model.metrics for variable in metric.variables}
