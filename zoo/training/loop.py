"""The training loop: epochs, validation, early stopping, checkpoints, signals, callbacks.

Not `Model.fit`, whose overhead is several times the work of a small step and which cannot start
within an epoch. With the same order the results are the same to the bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from zoo import weights
from zoo.errors import DivergenceError, InputError, Interrupted
from zoo.training import guard, optimizers, state
from zoo.training.checkpoints import Checkpoints
from zoo.training.distribution import Agreement
from zoo.training.order import epoch_order
from zoo.training.signals import Signals
from zoo.training.steps import Steps
from zoo.training.stopping import EarlyStopping

CALL_SECONDS = 0.1
EVALUATION_BATCH = 256
Row = dict[str, Any]


class Trainer:
    """Trains a compiled model on a feed.

    Args:
        model: a compiled Keras model.
        feed: training examples, see `zoo.training.feeds`.
        batch_size: examples a batch.
        seed: of the order of examples.
        accumulate: batches a step.
        jit: compile the step with XLA.
        augment: `(batch, step, replica) -> batch`.
        strategy: a `tf.distribute.Strategy` under whose scope the model was made.
        validation: a feed measured after each epoch.
        patience: epochs without a lower validation loss before stopping, 0 for never; the best
            epoch's weights are then restored at the end.
        callbacks: Keras callbacks.
        checkpoints: where to save, or None.
        every: `(steps, None)` or `(None, seconds)` between checkpoints.
    """

    def __init__(
        self,
        model: keras.Model,
        feed: Any,
        *,
        batch_size: int = 32,
        seed: int = 0,
        accumulate: int = 1,
        jit: bool = False,
        augment: Callable[[Any, tf.Tensor, Any], Any] | None = None,
        strategy: tf.distribute.Strategy | None = None,
        validation: Any = None,
        patience: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        checkpoints: Checkpoints | None = None,
        every: tuple[int | None, float | None] = (None, 30.0),
    ):
        self.model, self.feed, self.seed = model, feed, seed
        self.validation, self.checkpoints, self.every = validation, checkpoints, every
        self.log: list[Row] = []
        self.position = state.Position()
        self.stopping = EarlyStopping(patience) if patience and validation is not None else None
        self.on_row: Callable[[Row], None] = lambda row: None
        self.on_call: Callable[[Row], None] = lambda logs: None
        self.steps = Steps(model, batch_size, accumulate, jit, augment, strategy)
        self.strategy = strategy
        self.steps_per_epoch = count_steps(len(feed), self.steps.examples, strategy)
        self._agreement = Agreement(strategy)
        self._callbacks = keras.callbacks.CallbackList(list(callbacks), model=model)
        self._callback_states: list[Row] = []
        self._each_step = any(_watches_steps(callback) for callback in callbacks)
        self._per_call = 1
        self._prepare()

    def _prepare(self) -> None:
        """Create every variable there will ever be, then trace once."""
        for optimizer in optimizers.of(self.model):
            if not optimizer.built:
                optimizer.build(self.model.trainable_variables)
        existing = state.variables(self.model)
        values = weights.snapshot(existing)
        self._test_once()
        weights.assign(existing, values)
        self.model.reset_metrics()
        self.variables = state.variables(self.model)
        self._run = self.steps.training(self.feed)
        if self.strategy is None:
            guard.check(self._run.get_concrete_function(), [v.value for v in self.variables])
        if self.validation is not None:
            self._evaluate = self.steps.evaluation(
                self.validation, max(self.steps.batch_size, EVALUATION_BATCH)
            )

    def _test_once(self) -> None:
        """Metrics given by name create their variables in their first update."""
        batch = self.feed.batch(tf.range(min(len(self.feed), 2)))
        if self.strategy is None:
            self.model.test_step(batch)
        else:
            self.strategy.run(self.model.test_step, args=(batch,))

    def fit(
        self, epochs: int | None = None, steps: int | None = None, seconds: float | None = None
    ) -> list[Row]:
        """Train for some epochs, steps or seconds, counted from the run's very beginning.

        Returns:
            One row an epoch: `epoch`, `step`, `seconds`, `learning_rate`, metrics, `val_` metrics.

        Raises:
            Interrupted: SIGINT or SIGTERM came; a checkpoint was written.
            DivergenceError: a loss was not finite; the model is as at the last checkpoint.
        """
        limit = epochs * self.steps_per_epoch if epochs is not None else steps or math.inf
        deadline = math.inf if seconds is None else seconds
        self._started = time.monotonic() - self.position.seconds
        self._saved_at = time.monotonic()
        with Signals() as signals:
            self._callbacks.on_train_begin()
            self._restore_callbacks()
            if self.checkpoints is not None and self.position.step == 0:
                self.save()
            while not self.position.stopped:
                self._epoch(signals, limit, deadline)
            self._callbacks.on_train_end()
        self._keep_best()
        return self.log

    def _epoch(self, signals: Signals, limit: float, deadline: float) -> None:
        """Train what is left of the current epoch, then close it."""
        position = self.position
        last = int(min(self.steps_per_epoch, limit - position.step + position.batch))
        if position.batch == 0:
            self._callbacks.on_epoch_begin(position.epoch)
            self.model.reset_metrics()
        order = epoch_order(len(self.feed), self.seed, position.epoch)
        logs = None
        late = False
        while position.batch < last and not late:
            logs = self._call(order, last)
            late = self._agreement.any(self.seconds() >= deadline)
            self._interrupt(signals)
            self._save_if_due()
        row = self._close(logs if logs is not None else self._read({}))
        position.stopped |= late or position.step >= limit or self.model.stop_training
        self.on_row(row)
        self._interrupt(signals)
        self._save_if_due()

    def _call(self, order: tf.Tensor, last: int) -> Row:
        """Run some steps in one compiled call; how many never changes the numbers."""
        position, start = self.position, self.position.batch
        wanted = 1 if self._each_step else min(self._per_call, self._until_checkpoint())
        stop = min(last, start + self._agreement.number(wanted))
        if self._each_step:
            self._callbacks.on_train_batch_begin(start)
        began = time.monotonic()
        done, finite, logs = self._run(order, start, stop, position.step)
        finite = bool(finite)
        position.batch = int(done)
        position.step += position.batch - start
        if not finite:
            self._diverged()
        each = (time.monotonic() - began) / max(position.batch - start, 1)
        self._per_call = math.ceil(CALL_SECONDS / each)
        logs = self._read(logs)
        if self._each_step:
            self._callbacks.on_train_batch_end(position.batch - 1, _metrics(logs))
        self.on_call(logs)
        return logs

    def _close(self, logs: Row) -> Row:
        """Validate, log the epoch and move on to the next."""
        position = self.position
        values = {k: v for k, v in logs.items() if k != "learning_rate"}
        if self.validation is not None:
            with self._averaged():
                values |= {f"val_{k}": v for k, v in self.evaluate().items()}
                self._judge(values.get("val_loss"))
        self._callbacks.on_epoch_end(position.epoch, values)
        position.epoch, position.batch = position.epoch + 1, 0
        position.seconds = self.seconds()
        row = {
            "epoch": position.epoch,
            "step": position.step,
            "seconds": round(position.seconds, 3),
            "learning_rate": logs.get("learning_rate"),
            **values,
        }
        self.log.append(row)
        return row

    def _judge(self, value: float | None) -> None:
        if self.stopping is None or value is None:
            return
        better = value < self.stopping.best
        values = weights.snapshot(self.model.weights) if better else []
        stop = self.stopping.update(self.position.epoch + 1, value, values)
        self.position.stopped |= stop

    def evaluate(self) -> Row:
        """Measure the model on the validation feed."""
        self.model.reset_metrics()
        logs = self._read(self._evaluate())
        return _metrics(logs)

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Use the moving averages of the weights, where there are any, and put the weights back."""
        averaging = [o for o in optimizers.of(self.model) if o.use_ema]
        variables = self.model.trainable_variables
        values = weights.snapshot(variables) if averaging else []
        for optimizer in averaging:
            optimizer.finalize_variable_values(optimizers.weights(optimizer, self.model))
        try:
            yield
        finally:
            if averaging:
                weights.assign(variables, values)

    def _keep_best(self) -> None:
        """Leave the model with the weights to be used: the best epoch's, or the averages."""
        if self.stopping is not None and self.stopping.weights:
            weights.assign(self.model.weights, self.stopping.weights)
            return
        for optimizer in optimizers.of(self.model):
            if optimizer.use_ema:
                optimizer.finalize_variable_values(optimizers.weights(optimizer, self.model))

    def _read(self, logs: Row) -> Row:
        if not logs:
            logs = self.model.get_metrics_result()
            logs["learning_rate"] = optimizers.of(self.model)[0].learning_rate
        return {name: float(value) for name, value in logs.items()}

    def seconds(self) -> float:
        """Return training time so far, before an interruption included."""
        return time.monotonic() - self._started

    def _interrupt(self, signals: Signals) -> None:
        if not self._agreement.any(signals.received is not None):
            return
        self.save()
        kept = "" if self.checkpoints is None else " A checkpoint was written"
        raise Interrupted(
            f"Interrupted in epoch {self.position.epoch + 1} after step {self.position.step}.{kept}",
            signals.received or 15,
        )

    def _diverged(self) -> None:
        step = self.position.step
        if self.checkpoints is not None:
            self.restore()
        raise DivergenceError(
            f"The loss became NaN or infinite at step {step}. Expected a finite loss. The state "
            f"after step {self.position.step if self.checkpoints else 0} was kept. "
            "Try a smaller --learning-rate, --clip-norm 1, or look at the data with "
            "`zoo data show`."
        )

    def _until_checkpoint(self) -> float:
        steps, _ = self.every
        return math.inf if steps is None else steps - self.position.step % steps

    def _save_if_due(self) -> None:
        steps, seconds = self.every
        if self.checkpoints is None:
            return
        if steps is not None:
            due = self.position.step % steps == 0
        else:
            due = time.monotonic() - self._saved_at >= (seconds or math.inf)
        if due or self.position.stopped:
            self.save()

    def save(self) -> None:
        """Write a checkpoint of everything."""
        if self.checkpoints is None:
            return
        self.position.seconds = self.seconds()
        tensors = weights.named(self.variables)
        best = self.stopping.weights if self.stopping is not None else []
        tensors |= {f"best/{i:05d}": value for i, value in enumerate(best)}
        callbacks = [state.callback_state(callback) for callback in self._callbacks.callbacks]
        values = {
            "position": self.position.to_json(),
            "log": self.log,
            "callbacks": callbacks,
            "stopping": None if self.stopping is None else self.stopping.state(),
        }
        self.checkpoints.save(self.position.step, tensors, values)
        self._saved_at = time.monotonic()

    def restore(self) -> list[str]:
        """Continue from the newest intact checkpoint; return the names of damaged ones.

        Raises:
            InputError: there is none, or it is another model's.
        """
        if self.checkpoints is None:
            raise InputError("This trainer has no checkpoints to restore from.")
        tensors, saved, damaged = self.checkpoints.load()
        best = [tensors.pop(name) for name in sorted(tensors) if name.startswith("best/")]
        weights.load_named(self.variables, tensors, str(self.checkpoints.folder))
        self.position = state.Position(**saved["position"])
        self.log = saved["log"]
        self._callback_states = saved["callbacks"]
        if self.stopping is not None and saved["stopping"] is not None:
            self.stopping.restore(saved["stopping"], best)
        return damaged

    def _restore_callbacks(self) -> None:
        """`on_train_begin` resets callbacks, so their state comes back after it."""
        for callback, values in zip(
            self._callbacks.callbacks, self._callback_states, strict=False
        ):
            vars(callback).update(values)


def count_steps(size: int, examples: int, strategy: tf.distribute.Strategy | None) -> int:
    """Return steps an epoch: the last, smaller one counts, except under a strategy.

    Raises:
        InputError: a strategy's replicas cannot share the batches.
    """
    if strategy is None:
        return math.ceil(size / examples)
    replicas = strategy.num_replicas_in_sync
    if examples % replicas or size < examples:
        raise InputError(
            f"{replicas} replicas received batches of {examples} of {size} examples. Expected a "
            f"multiple of {replicas} that is not larger than the data. Try another --batch-size."
        )
    return size // examples


def _watches_steps(callback: keras.callbacks.Callback) -> bool:
    names = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
    plain = keras.callbacks.Callback
    return any(getattr(type(callback), name) is not getattr(plain, name) for name in names)


def _metrics(logs: Row) -> Row:
    return {name: value for name, value in logs.items() if name != "learning_rate"}

