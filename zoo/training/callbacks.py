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

    def state(self) -> list[dict[str, Any]]:
        """Return what JSON can hold of every callback's own attributes."""
        return [_state(callback) for callback in self.list.callbacks]

    def restore(self, states: list[dict[str, Any]]) -> None:
        """Keep what `state` returned for when training begins."""
        self._restored = states


def _state(callback: keras.callbacks.Callback) -> dict[str, Any]:
    values = {name: _simple(value) for name, value in vars(callback).items()}
    return {n: v for n, v in values.items() if n not in NOT_KEPT and _survives(v)}


def _simple(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


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
