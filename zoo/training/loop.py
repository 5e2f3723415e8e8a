"""The training loop: epochs, validation, early stopping, checkpoints, signals, callbacks.

Not `Model.fit`, whose overhead is several times the work of a small step and which cannot start
within an epoch. With the same order the results are the same to the bit.
"""

from __future__ import annotations

import copy
import math
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import keras
import tensorflow as tf

from zoo import weights
from zoo.errors import InputError, Interrupted
from zoo.training import carrying, divergence, feeds, guard, optimizers, state
from zoo.training.callbacks import Callbacks
from zoo.training.checkpoints import Checkpoints, Interval
from zoo.training.distribution import Agreement, run_eagerly
from zoo.training.order import order_of
from zoo.training.signals import Signals
from zoo.training.steps import Steps, count_steps
from zoo.training.stopping import EarlyStopping

CALL_SECONDS = 0.1
EVALUATION_BATCH = 256  # examples measured together at most, unless a step has more
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
        constants: columns of the log that are the same in every epoch.
        checkpoints, interval: where to save, or None, and when.
        record: what the run is, kept with every checkpoint.
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
        constants: Row | None = None,
        checkpoints: Checkpoints | None = None,
        interval: Interval | None = None,
        record: Row | None = None,
    ):
        self.model, self.feed, self.seed = model, feed, seed
        self.validation, self.checkpoints = validation, checkpoints
        self.interval, self.record = interval or Interval(), record or {}
        self.log: list[Row] = []
        self.constants = constants or {}
        self.position = state.Position()
        self.stopping = EarlyStopping(patience) if patience and validation is not None else None
        self.on_row: Callable[[Row], None] = lambda row: None
        self.on_call: Callable[[Row], None] = lambda logs: None
        self.say: Callable[[str], None] = lambda message: None
        self.advice = ""  # on how to continue, for whoever ends training
        self.steps = Steps(model, batch_size, accumulate, jit, augment, strategy)
        self.strategy = strategy
        self.steps_per_epoch = count_steps(len(feed), self.steps.examples, strategy)
        self.agreement = Agreement(strategy)
        self.callbacks = Callbacks(callbacks, model)
        self._per_call = 1
        self._first: state.Captured | None = None  # until there is a checkpoint
        with nullcontext() if strategy is None else strategy.scope():
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
        self._seeds = state.seeds(self.model)
        self._run, self._finite = self.steps.training(self.feed), self.steps.finite()
        if self.strategy is None:
            guard.check(self._run, [v.value for v in self.variables])
        if self.validation is not None:
            size = max(self.steps.batch_size, EVALUATION_BATCH)
            self._evaluate = self.steps.evaluation(self.validation, size)

    def _test_once(self) -> None:
        """Metrics given by name create their variables in their first update."""
        batch = self.feed.batch(tf.range(min(len(self.feed), 2)))
        if self.strategy is None:
            self.model.test_step(batch)
            return
        run_eagerly(self.strategy, self.model.test_step, (batch,))

    def fit(
        self, epochs: int | None = None, steps: int | None = None, seconds: float | None = None
    ) -> list[Row]:
        """Train for some epochs, steps or seconds, counted from the run's very beginning.

        Returns:
            One row an epoch: `epoch`, `step`, `seconds`, `learning_rate`, metrics, `val_` metrics.

        Raises:
            Interrupted: SIGINT or SIGTERM came; a checkpoint was written.
            DivergenceError: something was not finite; the model is as it last was when all was.
        """
        self._epochs, self._limit = epochs, math.inf if steps is None else steps
        deadline = math.inf if seconds is None else seconds
        self._started = time.monotonic() - self.position.seconds
        self.model.stop_training = False
        self.watch = divergence.Watch(self._finite, self.position.step, self.strategy)
        with Signals(self.advice) as signals:
            self.callbacks.begin(epochs, self.steps_per_epoch)
            if self.position.step == 0 and self.checkpoints is not None:
                self.keep_first()
            while not self.position.over:
                self._epoch(signals, deadline)
            self.callbacks.list.on_train_end()
        self.keep_best()
        return self.log

    def _epoch(self, signals: Signals, deadline: float) -> None:
        """Train what is left of the current epoch, then close it."""
        position, over = self.position, self.position.stopped
        order = self._begin_epoch()
        last = int(min(self.steps_per_epoch, self._limit - position.step + position.batch))
        logs = None
        while position.batch < last and not over:
            finite, logs = self._call(order, last)
            if not finite:
                raise divergence.error(self, "The loss")
            late = self.seconds() >= deadline
            over = self._pause(signals, late or self.model.stop_training, closed=False)
        whole = position.batch == self.steps_per_epoch
        if not whole and not position.stopped:
            position.stopped = True
            self.save()
        self.on_row(self._close(logs, order))
        position.stopped |= position.epoch >= (self._epochs or math.inf)
        position.stopped |= over or position.step >= self._limit
        self._pause(signals, self.model.stop_training, closed=True, keep=whole)

    def _begin_epoch(self) -> tf.Tensor:
        """Return the order of the current epoch, which may be under way already."""
        if self.position.batch == 0:
            self.callbacks.list.on_epoch_begin(self.position.epoch)
            self._reset_metrics()
            carrying.forget(self.model)
        return order_of(self.feed, self.steps.batch_size, self.seed, self.position.epoch)

    def _pause(self, signals: Signals, over: bool, closed: bool, keep: bool = True) -> bool:
        """Between two calls: save, or obey a signal. Return whether any worker wants to end."""
        due = self.interval.due(self.position.step, closed)
        over, interrupted, due = self.agreement.any(over, signals.received is not None, due)
        if over and not closed:
            return True  # the epoch is closed first
        self.position.stopped |= over
        if keep and (interrupted or due or self.position.stopped):
            self.save()
        if interrupted:
            saved = self.checkpoints is not None and self.checkpoints.writes
            kept = " A checkpoint was written." if saved else ""
            position = self.position
            raise Interrupted(
                f"Interrupted in epoch {position.epoch + 1} after step {position.step}.{kept}",
                signals.received or signal.SIGTERM,
            )
        return over

    def _call(self, order: tf.Tensor, last: int) -> tuple[bool, Row]:
        """Run some steps in one compiled call; how many never changes the numbers."""
        position, start = self.position, self.position.batch
        wanted = 1 if self.callbacks.each_step else self._per_call
        wanted = min(wanted, self.interval.until(position.step) or wanted)
        stop = min(last, start + self.agreement.number(wanted))
        if self.callbacks.each_step:
            self.callbacks.list.on_train_batch_begin(start)
        began = time.monotonic()
        done, finite, logs = self._steps(order, stop)
        position.batch = int(done)
        position.step += position.batch - start
        finite = bool(finite) and self.watch.finite(position.step)
        each = (time.monotonic() - began) / max(position.batch - start, 1)
        self._per_call = math.ceil(CALL_SECONDS / each)
        logs = self._read(logs)
        if self.callbacks.each_step and finite:
            self.callbacks.list.on_train_batch_end(position.batch - 1, _metrics(logs))
        self.on_call(logs)
        return finite, logs

    def keep_first(self) -> None:
        """Keep the state training begins with; starting anew gives it too, so no file is needed."""
        tensors, saved = state.capture(self)
        self._first = tensors, copy.deepcopy(saved)
        self.interval.expect(sum(value.nbytes for value in tensors.values()))

    def again(self) -> None:
        """Go back to the newest checkpoint, or the beginning, in the middle of training."""
        if self._first is None:
            self.restore()
        else:
            tensors, saved = self._first
            state.put_back(self, dict(tensors), copy.deepcopy(saved))
        self.callbacks.begin(self._epochs, self.steps_per_epoch)

    def repeat(self, step: int) -> bool:
        """Train on to a step that was done before; return whether all stayed finite."""
        position = self.position
        while position.step < step:
            order, logs = self._begin_epoch(), None
            last = min(self.steps_per_epoch, position.batch + step - position.step)
            while position.batch < last:
                finite, logs = self._call(order, last)
                if not finite:
                    return False
            if position.batch == self.steps_per_epoch:
                self._close(logs, order)
        return True

    def _steps(self, order: tf.Tensor, stop: int) -> tuple[tf.Tensor, tf.Tensor, Row]:
        """Run the steps of this epoch up to `stop`."""
        start = self.position.batch
        numbers = [tf.constant(number) for number in (start, stop, self.position.step)]
        examples = self.steps.examples
        return feeds.call(self._run, self.feed, order, (start, stop), examples, *numbers)

    def _reset_metrics(self) -> None:
        """Forget what was measured; without a strategy the compiled steps do so themselves."""
        if self.strategy is not None:
            self.model.reset_metrics()

    def _close(self, logs: Row | None, order: tf.Tensor) -> Row:
        """Validate, log the epoch and move on to the next."""
        position = self.position
        if logs is None:  # trained, but stopped before it was closed
            logs = self._read(self._steps(order, position.batch)[2])
        values = {k: v for k, v in logs.items() if k != "learning_rate"}
        if self.validation is not None:
            with optimizers.averaged(self.model):
                values |= {f"val_{k}": v for k, v in self.evaluate().items()}
                self._judge(values.get("val_loss"))
        self.callbacks.list.on_epoch_end(position.epoch, dict(values))
        position.epoch, position.batch = position.epoch + 1, 0
        position.seconds = self.seconds()
        row = {
            "epoch": position.epoch,
            "step": position.step,
            "seconds": round(position.seconds, 3),
            "learning_rate": logs.get("learning_rate"),
            **self.constants,
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
        """Measure the model on the validation feed; training does not notice."""
        drawn = weights.snapshot(self._seeds)
        self.callbacks.list.on_test_begin()
        self._reset_metrics()
        logs = _metrics(self._read(self._evaluate()))
        self.callbacks.list.on_test_end(dict(logs))
        weights.assign(self._seeds, drawn)
        return logs

    def keep_best(self) -> None:
        """Leave the model with the weights to be used: the best epoch's, or the averages."""
        if self.stopping is not None and self.stopping.weights:
            weights.assign(self.model.weights, self.stopping.weights)
            return
        optimizers.take_averages(self.model)

    def _read(self, logs: Row) -> Row:
        if not logs:
            logs = self.model.get_metrics_result()
            logs["learning_rate"] = optimizers.rate(self.model)
        return {name: float(value) for name, value in logs.items()}

    def seconds(self) -> float:
        """Return training time so far, before an interruption included."""
        return time.monotonic() - self._started

    def save(self) -> None:
        """Write a checkpoint of everything.

        Raises:
            DivergenceError: the weights are not finite; the last checkpoint stays.
        """
        if self.checkpoints is None:
            return
        began = time.monotonic()
        self.position.seconds = self.seconds()
        tensors, values = state.capture(self)
        if not state.finite(self.model, self.variables, list(tensors.values())):
            raise divergence.error(self, "A weight")
        self.checkpoints.save(self.position.step, tensors, values)
        self._first = None
        self.interval.saved(began)

    def finite(self) -> bool:
        """Return whether weights, statistics and optimizers are."""
        return state.finite(self.model, self.variables)

    def restore(self) -> None:
        """Continue from the newest intact checkpoint."""
        if self.checkpoints is None:
            raise InputError("This trainer has no checkpoints to restore from.")
        tensors, saved, _ = self.checkpoints.load()
        state.put_back(self, tensors, saved)


def _metrics(logs: Row) -> Row:
    return {name: value for name, value in logs.items() if name != "learning_rate"}
