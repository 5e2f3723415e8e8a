"""Where numbers stopped being finite: the step, found by repeating it, and the first layer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from zoo.errors import DivergenceError
from zoo.training import optimizers
from zoo.training.order import order_of
from zoo.weights import assign, snapshot

PATIENCE = 0.1  # seconds between two looks, each of which costs as much as a small step


class Watch:
    """Looks at weights and optimizers now and then: a bad gradient shows there at the latest.

    Args:
        finite: tells whether they are.
        step: after which they are, as is known.
        strategy: a `tf.distribute.Strategy`, whose workers all have to see the same, or None.
    """

    def __init__(self, finite: Callable[[], Any], step: int, strategy: Any = None):
        self._finite, self.step = finite, step
        self._patience = PATIENCE if strategy is None else 0.0
        self._looked_at = time.monotonic()

    def finite(self, step: int) -> bool:
        """Return whether all is, as far as is known after a step."""
        if time.monotonic() - self._looked_at < self._patience:
            return True
        if not self._finite():
            return False
        self._looked_at, self.step = time.monotonic(), step
        return True


def error(trainer: Any, what: str) -> DivergenceError:
    """Put a trainer back into its last finite state and save it; return the error that says so."""
    step, found = trainer.position.step, ""
    checkpoints = trainer.checkpoints
    if checkpoints is not None and trainer.strategy is None:
        trainer.say(f"{what} is not finite: repeating the steps that led there to see where")
        step, found = _find(trainer, step)
        trainer.save()
    elif checkpoints is not None:  # replicas and workers would have to repeat together
        trainer.again()
        trainer.save()  # all of them take part, the chief writes
    if checkpoints is not None:
        found += f" The state after step {trainer.position.step} was kept."
    return DivergenceError(
        f"{what} became NaN or infinite at step {step}. Expected finite numbers.{found} "
        "Train anew with a smaller --learning-rate or --clip-norm 1, or look at the data with "
        "`zoo data show`."
    )


def _find(trainer: Any, bad: int) -> tuple[int, str]:
    """Go back before the step that ended all; return it, and a sentence on where it began."""
    trainer.on_row = trainer.on_call = lambda row: None
    step = last_finite(trainer, min(trainer.watch.step, bad - 1), bad)
    if step is None:
        return bad, " It did not happen again when the step was repeated."
    position, values = trainer.position, snapshot(trainer.variables)
    order = order_of(trainer.feed, trainer.steps.batch_size, trainer.seed, position.epoch)
    batches = trainer.steps.batches(trainer.feed, order, position.batch, position.step)
    places = (first_place(trainer.model.train_step, batch) for batch in batches)
    place = next(filter(None, places), None)
    assign(trainer.variables, values)
    return step, f" It began in {place}." if place else " Done eagerly, that step stays finite."


def last_finite(trainer: Any, before: int, bad: int) -> int | None:
    """Put a trainer back into its last finite state.

    Args:
        trainer: whose newest checkpoint is finite.
        before: a step after which all still was, as far as is known.
        bad: a step after which something was not.

    Returns:
        The first such step, whose beginning the trainer is left at; None where all stays finite
        this time, and the trainer is left before `bad`.
    """
    trainer.again()
    if not (trainer.repeat(before) and trainer.finite()):
        trainer.again()
    finite = True
    while finite and trainer.position.step < bad:
        finite = trainer.repeat(trainer.position.step + 1) and trainer.finite()
    step = trainer.position.step
    trainer.again()
    trainer.repeat(step - 1)
    return None if finite else step


def first_place(step: Callable[[Any], Any], batch: Any) -> str | None:
    """Do one training step eagerly; return in words where its first value is that is not finite.

    Args:
        step: takes a batch, returns logs, and lets optimizers of ours update the weights.
        batch: the examples, `(x, ...)`.
    """
    if not _finite(batch):
        return "the examples themselves"
    with _outputs_watched() as layers, optimizers.gradients_seen() as seen:
        logs = step(batch)
    if layers:
        return f"the output of layer '{layers[0]}'"
    if not _finite([value for name, value in logs.items() if name.endswith("loss")]):
        return "the loss itself, all layers' outputs being finite"
    for variables, gradients in seen:  # a gradient flows from the last layer to the first
        for variable, gradient in reversed(list(zip(variables, gradients, strict=True))):
            if not _finite(gradient):
                return f"the gradient of '{variable.path}'"
    return None


@contextmanager
def _outputs_watched() -> Iterator[list[str]]:
    """Give a list of the layers whose outputs are not finite, in the order they finish."""
    found: list[str] = []
    call = keras.layers.Layer.__call__

    def watched(layer: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = call(layer, *args, **kwargs)
        if not _finite(outputs):
            found.append(layer.path)
        return outputs

    keras.layers.Layer.__call__ = watched
    try:
        yield found
    finally:
        keras.layers.Layer.__call__ = call


def _finite(nest: Any) -> bool:
    tensors = [getattr(item, "values", item) for item in keras.tree.flatten(nest)]
    floats = [tf.convert_to_tensor(t) for t in tensors if t is not None]
    return all(bool(tf.reduce_all(tf.math.is_finite(t))) for t in floats if t.dtype.is_floating)
