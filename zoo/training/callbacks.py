"""Keras's and users' own callbacks, called as `fit` calls them, and their state."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from zoo.errors import InputError

STEP_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
# What Keras gives a callback anew each time training begins.
NOT_KEPT = ("params", "_params", "model", "_model", "validation_data")
ARRAYS, FUNCTION = "callbacks/", "keras.ops"
SETS_RATE = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)


class Callbacks:
    """A run's callbacks.

    Args:
        callbacks: Keras callbacks.
        model: a compiled model.

    Raises:
        InputError: one of them sets a learning rate that already follows a schedule.
    """

    def __init__(self, callbacks: Sequence[keras.callbacks.Callback], model: keras.Model):
        self._refuse_two_masters(callbacks, model)
        self.list = keras.callbacks.CallbackList(list(callbacks), model=model)
        self.each_step = any(_watches_steps(callback) for callback in callbacks)
        self._restored: list[dict[str, Any]] = []

    def _refuse_two_masters(
        self, callbacks: Sequence[keras.callbacks.Callback], model: keras.Model
    ) -> None:
        optimizer = getattr(model, "optimizer", None)
        rate = getattr(optimizer, "_learning_rate", None)
        if not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            return
        for callback in callbacks:
            if isinstance(callback, SETS_RATE):
                raise InputError(
                    f"{type(callback).__name__} was given together with a learning rate "
                    "schedule. Expected one of them to set the learning rate. Try "
                    "schedule='constant' and warmup=0."
                )

    def begin(self, epochs: int | None, steps: int) -> None:
        """Start training; `on_train_begin` resets callbacks, so their state comes back after it."""
        self.list.set_params({"epochs": epochs, "steps": steps, "verbose": 0})
        self.list.on_train_begin()
        for callback, values in zip(self.list.callbacks, self._restored, strict=False):
            vars(callback).update(values)
        self._restored = []

    def state(self) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
        """Return the callbacks' own attributes: what JSON can hold of each, and arrays by name.

        Functions of `keras.ops` are kept by name, lists of arrays one by one; what is neither is
        left out.
        """
        states, arrays = [], {}
        for i, callback in enumerate(self.list.callbacks):
            kept = {n: _simple(v) for n, v in vars(callback).items() if n not in NOT_KEPT}
            states.append({n: v for n, v in kept.items() if _survives(v)})
            for name, value in kept.items():
                for j, array in enumerate(value if _are_arrays(value) else ()):
                    arrays[f"{ARRAYS}{i}/{name}/{j:05d}"] = array
        return states, arrays

    def restore(self, states: list[dict[str, Any]], arrays: dict[str, np.ndarray]) -> None:
        """Keep what `state` returned for when training begins."""
        self._restored = [{n: _function(v) for n, v in values.items()} for values in states]
        for key in sorted(arrays):
            number, name, _ = key.removeprefix(ARRAYS).split("/")
            self._restored[int(number)].setdefault(name, []).append(arrays[key])


def _simple(value: Any) -> Any:
    name = getattr(value, "__name__", "")
    if name and getattr(keras.ops, name, None) is value:
        return {FUNCTION: name}
    return value.item() if isinstance(value, np.generic) else value


def _function(value: Any) -> Any:
    """Return the function of `keras.ops` that a value stands for, or the value."""
    if isinstance(value, dict) and list(value) == [FUNCTION]:
        return getattr(keras.ops, value[FUNCTION])
    return value


def _are_arrays(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, np.ndarray) for item in value)


def _survives(value: Any) -> bool:
    """Whether a value comes back from JSON as it was."""
    if isinstance(value, float):
        return True  # NaN and infinity too
    try:
        return json.loads(json.dumps(value)) == value
    except (TypeError, ValueError):
        return False


def _watches_steps(callback: keras.callbacks.Callback) -> bool:
    """Whether a hook of each step is overridden: in a class, or in place as LambdaCallback does."""
    plain = keras.callbacks.Callback
    return any(
        getattr(getattr(callback, name), "__func__", None) is not getattr(plain, name)
        for name in STEP_HOOKS
    )
