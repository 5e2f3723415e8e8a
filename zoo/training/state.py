"""Where a training run stands, and every variable it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np

from zoo import weights
from zoo.errors import InputError
from zoo.training import distribution, optimizers
from zoo.training.callbacks import ARRAYS
from zoo.untrusted import check_keys

LARGEST_STEP = 1 << 53
REPLICAS = "replicas/"
Captured = tuple[dict[str, np.ndarray], dict[str, Any]]


@dataclass
class Position:
    """Where a run stands.

    Attributes:
        epoch: epochs closed; the one under way has this number, counted from 0.
        batch: optimizer steps done in it.
        step: optimizer steps done in all.
        seconds: training time so far.
        stopped: training is over: the length asked for was reached, or early stopping ended it.
            Together with `batch` above 0 that was within an epoch, which is closed without being
            saved: a longer run goes on in it.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    stopped: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        return self.stopped and not self.batch

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


def finite(
    model: keras.Model, found: list[keras.Variable], values: Sequence[np.ndarray] | None = None
) -> bool:
    """Return whether variables are finite, those of metrics apart.

    `values` are theirs, where they are known already, and what follows is not looked at.
    """
    skipped = _metrics(model)
    pairs = zip(found, weights.snapshot(found) if values is None else values, strict=False)
    return all(np.isfinite(value).all() for var, value in pairs if id(var) not in skipped)


def capture(trainer: Any) -> Captured:
    """Return everything that a trainer's next steps depend on: arrays, and what JSON can hold.

    The arrays of its variables come first, in their order.
    """
    tensors = weights.named(trainer.variables)
    for i, variable in enumerate(trainer.variables):
        if distribution.is_apart(variable):
            values = distribution.values_apart(variable, trainer.strategy)
            tensors[f"{REPLICAS}{i:05d}"] = values
    stopping = trainer.stopping
    best = [] if stopping is None else stopping.weights
    callbacks, arrays = trainer.callbacks.state()
    tensors |= {f"best/{i:05d}": value for i, value in enumerate(best)} | arrays
    return tensors, {
        "position": trainer.position.to_json(),
        "log": trainer.log,
        "callbacks": callbacks,
        "stopping": None if stopping is None else stopping.state(),
        "record": trainer.record,
    }


def check(saved: dict[str, Any], source: str) -> None:
    """Look at what a checkpoint says: its checksum tells that it is whole, not who wrote it.

    Raises:
        InputError: it is not what `capture` returned.
    """
    try:
        _check(saved)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"'{source}' is not a checkpoint of `zoo train`: {error}. Expected one that it wrote. "
            "Train again with `zoo train --config RUN/config.yaml --run NEW`."
        ) from error


def _check(saved: dict[str, Any]) -> None:
    number, nothing = (int, float), type(None)
    check_keys(saved, {"position": dict, "log": list, "callbacks": list, "record": dict})
    check_keys(saved, {"stopping": (dict, nothing)})
    check_keys(saved["record"], {"options": dict})
    for row in saved["log"]:
        check_keys(row, {"epoch": int, "step": int, "seconds": number})
        check_keys(row, {"learning_rate": (*number, nothing)})
    for values in saved["callbacks"]:
        check_keys(values, {})
    if saved["stopping"] is not None:
        check_keys(saved["stopping"], {"waited": int, "best": (*number, nothing)})
        check_keys(saved["stopping"], {"best_epoch": (int, nothing)})
    position = dict(saved["position"])
    check_keys(position, {"epoch": int, "batch": int, "step": int, "seconds": number})
    Position(**position)
    position.pop("stopped", None)
    if not all(0 <= value < LARGEST_STEP for value in position.values()):
        raise ValueError("its position is where no run can be")


def put_back(trainer: Any, tensors: dict[str, np.ndarray], saved: dict[str, Any]) -> None:
    """Let a trainer continue from what `capture` returned.

    Raises:
        InputError: it is another model's.
    """
    best = [tensors.pop(name) for name in sorted(tensors) if name.startswith("best/")]
    arrays = {name: tensors.pop(name) for name in [*tensors] if name.startswith(ARRAYS)}
    apart = {name: tensors.pop(name) for name in [*tensors] if name.startswith(REPLICAS)}
    weights.load_named(trainer.variables, tensors, "the checkpoint")
    try:
        _put_apart(trainer, apart)
        trainer.callbacks.restore(saved["callbacks"], arrays)
    except (ValueError, IndexError) as error:
        raise InputError(
            f"The checkpoint holds arrays without a place here: {error}. Expected those of this "
            "run."
        ) from error
    trainer.position = Position(**saved["position"])
    trainer.log = saved["log"]
    if trainer.stopping is not None and saved["stopping"] is not None:
        trainer.stopping.restore(saved["stopping"], best)


def _put_apart(trainer: Any, apart: dict[str, np.ndarray]) -> None:
    """Give replicas their own values back; with another number of them the sum has to do."""
    for name, values in apart.items():
        variable = trainer.variables[int(name.removeprefix(REPLICAS))]
        if len(values) == trainer.steps.replicas:
            distribution.assign_apart(variable, values, trainer.strategy)


def reopen(trainer: Any) -> bool:
    """Let training that was over go on; return whether early stopping had ended it."""
    trainer.position.stopped = False
    stopping = trainer.stopping
    ended = stopping is not None and stopping.waited >= stopping.patience
    if ended:
        stopping.waited = 0
    return ended


def _metrics(model: keras.Model) -> set[int]:
    return {id(variable) for metric in model.metrics for variable in metric.variables}
