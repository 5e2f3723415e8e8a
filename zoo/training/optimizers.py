"""Keras's optimizers, with clipping and accumulation that mean the same on any number of devices.

Keras clips before gradients are summed over devices and counts micro-batches as steps in schedules
and averages; both happen in the public `apply`, which is overridden here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from zoo.config import Optimization
from zoo.training import schedules
from zoo.weights import assign, snapshot

CLASSES = {
    "sgd": keras.optimizers.SGD,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "adagrad": keras.optimizers.Adagrad,
    "lion": keras.optimizers.Lion,
}
SCHEDULE = keras.optimizers.schedules.LearningRateSchedule
# Decaying a bias or a normalization's scale shrinks what is not a weight.
NOT_DECAYED = ["bias", "gamma", "beta"]


class Part(NamedTuple):
    """One batch of several that make a step: its share of the examples, and whether it is last."""

    share: tf.Tensor
    last: bool


# Replicas build the step in threads that take turns, so this must not be one value for all.
_part: ContextVar[Part | None] = ContextVar("part", default=None)


@contextmanager
def part_of_step(share: tf.Tensor, last: bool) -> Iterator[None]:
    """Let optimizers gather gradients, and update the weights only with the last batch."""
    token = _part.set(Part(share, last))
    try:
        yield
    finally:
        _part.reset(token)


# The number of steps, read once while a step is built.
_count: ContextVar[tf.Tensor | None] = ContextVar("count", default=None)


@contextmanager
def count_read_once(optimizer: Any) -> Iterator[None]:
    """Let what follows from the number of steps alone be computed once, not once a weight.

    Keras reads the counter for every weight, which keeps TensorFlow from seeing that Adam's bias
    correction is the same for all: a sixth of the time of a small model's step.
    """
    single = not tf.distribute.has_strategy()
    token = _count.set(tf.identity(optimizer.iterations.value) if single else None)
    try:
        yield
    finally:
        _count.reset(token)


# The variables and gradients of each `apply`, while somebody looks at them.
_seen: ContextVar[list[tuple[tuple, list]] | None] = ContextVar("seen", default=None)


@contextmanager
def gradients_seen() -> Iterator[list[tuple[tuple, list]]]:
    """Give a list to which every `apply` adds its variables and their gradients."""
    seen: list[tuple[tuple, list]] = []
    token = _seen.set(seen)
    try:
        yield seen
    finally:
        _seen.reset(token)


class Controlled:
    """Mixed into a Keras optimizer: gathers gradients over batches, clips them as a whole."""

    def __init__(
        self, *args: Any, clip_norm: float | None = None, accumulate: int = 1, **kwargs: Any
    ):
        super().__init__(*args, **kwargs)
        self.clip_norm = clip_norm
        self.accumulate = accumulate
        self.shares: dict[int, float] = {}  # of the learning rate, by number of the variable
        if self.weight_decay:  # type: ignore[attr-defined]
            self.exclude_from_weight_decay(var_names=NOT_DECAYED)  # type: ignore[attr-defined]

    @property
    def iterations(self) -> Any:
        """The number of steps done: the counter, or its value while a step is built."""
        count = _count.get()
        return super().iterations if count is None else count  # type: ignore[misc]

    def build(self, variables: list) -> None:
        """Create slots, and a sum a variable where gradients are gathered."""
        super().build(variables)  # type: ignore[misc]
        self.built_on = tuple(variables)
        self.sums = []
        if self.accumulate > 1:
            self.sums = self.add_optimizer_variables(variables, "gathered")  # type: ignore[attr-defined]

    def apply(self, grads: list, trainable_variables: Any = None) -> None:
        """Gather, or clip and update."""
        seen = _seen.get()
        if seen is not None:
            seen.append((self.built_on, list(grads)))
        part = _part.get()
        if part is not None:
            grads = [_scaled(grad, part.share) for grad in grads]
        if part is not None and not part.last:
            for total, grad in zip(self.sums, grads, strict=True):
                if grad is not None:
                    total.assign_add(grad)
            return
        if part is not None:
            pairs = zip(self.sums, grads, strict=True)
            grads = [None if grad is None else total.value + grad for total, grad in pairs]
        if self.clip_norm is not None:
            grads = self._clip(list(grads))
        with count_read_once(self):
            super().apply(grads, trainable_variables)  # type: ignore[misc]
        if part is not None:
            for total in self.sums:
                total.assign(tf.zeros_like(total.value))

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable, at its share of the learning rate."""
        share = self.shares.get(self._get_variable_index(variable), 1.0)  # type: ignore[attr-defined]
        rate = learning_rate if share == 1.0 else learning_rate * share
        super().update_step(gradient, variable, rate)  # type: ignore[misc]

    def _clip(self, grads: list) -> list:
        """Clip the gradient summed over replicas; Keras will sum again, so each takes its part."""
        context = tf.distribute.get_replica_context()
        replicas = 1 if context is None else context.num_replicas_in_sync
        if replicas > 1:
            dense = [None if g is None else tf.convert_to_tensor(g) for g in grads]
            known = context.all_reduce(
                tf.distribute.ReduceOp.SUM, [g for g in dense if g is not None]
            )
            summed = iter(known)
            grads = [None if g is None else next(summed) for g in dense]
        clipped, _ = tf.clip_by_global_norm(grads, self.clip_norm)
        return [None if g is None else g / replicas for g in clipped] if replicas > 1 else clipped

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` takes."""
        config = super().get_config()  # type: ignore[misc]
        return {**config, "clip_norm": self.clip_norm, "accumulate": self.accumulate}


def _scaled(grad: Any, share: tf.Tensor) -> Any:
    return None if grad is None else tf.convert_to_tensor(grad) * tf.cast(share, grad.dtype)


@cache
def controlled(name: str) -> type:
    """Return the controlled form of a Keras optimizer."""
    base = CLASSES[name]
    return type(base.__name__, (Controlled, base), {})


def create(chosen: Optimization, steps: int | None) -> keras.optimizers.Optimizer:
    """Return the optimizer that resolved options describe, for a run of `steps` steps."""
    name = chosen.optimizer or "adamw"
    arguments: dict[str, Any] = {
        "learning_rate": schedules.create(
            chosen.schedule or "constant", chosen.learning_rate or 1e-3, steps, chosen.warmup or 0.0
        ),
        "clip_norm": chosen.clip_norm,
        "accumulate": chosen.accumulate,
    }
    if chosen.weight_decay is not None:
        arguments["weight_decay"] = chosen.weight_decay
    if chosen.momentum is not None:
        first = "beta_1" if name in ("adam", "adamw", "lion") else "momentum"
        arguments[first] = chosen.momentum
    if chosen.nesterov:
        arguments["nesterov"] = True
    if chosen.ema is not None:
        arguments |= {"use_ema": True, "ema_momentum": chosen.ema}
    return controlled(name)(**arguments)


def of(model: keras.Model) -> list[Any]:
    """Return a compiled model's optimizers, `model.optimizer` first."""
    held = [getattr(model, "optimizer", None), *vars(model).values()]
    found = [value for value in held if isinstance(value, keras.optimizers.Optimizer)]
    return list({id(optimizer): optimizer for optimizer in found}.values())


def rate(model: keras.Model) -> float:
    """Return the learning rate of the next step."""
    return float(keras.ops.convert_to_numpy(of(model)[0].learning_rate))


def set_rate(model: keras.Model, value: float) -> None:
    """Set a learning rate that is restored with the other variables; a schedule stays."""
    for optimizer in of(model):
        if not isinstance(optimizer._learning_rate, SCHEDULE):
            optimizer.learning_rate = value


def weights(optimizer: Any, model: keras.Model) -> list[Any]:
    """Return the weights an optimizer updates: its own part of an adversarial model, or all."""
    return list(getattr(optimizer, "built_on", model.trainable_variables))


def take_averages(model: keras.Model) -> None:
    """Give the weights the values of their moving averages, where there are any."""
    for optimizer in of(model):
        if optimizer.use_ema:
            optimizer.finalize_variable_values(weights(optimizer, model))


@contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Use the moving averages for a while, then put the weights back."""
    used = any(optimizer.use_ema for optimizer in of(model))
    variables = model.trainable_variables if used else []
    values = snapshot(variables)
    take_averages(model)
    try:
        yield
    finally:
        assign(variables, values)
