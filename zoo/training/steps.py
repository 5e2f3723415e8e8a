"""The compiled part of training: many steps, or a whole evaluation, in one call."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.errors import InputError
from zoo.training import feeds, optimizers

Logs = dict[str, tf.Tensor]
MOST_NUMBERS = 1 << 23  # of the inputs measured together: 55 pictures of 224 x 224


class Steps:
    """Runs a compiled model's own `train_step` and `test_step` over a feed.

    Order, batch and augmentation stay outside the XLA-compiled step: their kernels are missing or
    slow there. Under a strategy every replica takes its slice of each batch.

    Args:
        model: a compiled model.
        batch_size: examples a batch, over all replicas.
        accumulate: batches a step.
        jit: compile the step with XLA.
        augment: `(batch, step, replica) -> batch`, or None.
        strategy: a `tf.distribute.Strategy`, or None.
    """

    def __init__(
        self,
        model: keras.Model,
        batch_size: int,
        accumulate: int = 1,
        jit: bool = False,
        augment: Callable[[Any, tf.Tensor, Any], Any] | None = None,
        strategy: tf.distribute.Strategy | None = None,
    ):
        self.model = model
        self.batch_size = batch_size
        self.accumulate = accumulate
        self.augment = augment
        self.strategy = strategy
        self.replicas = 1 if strategy is None else strategy.num_replicas_in_sync
        self.optimizers = optimizers.of(model)
        self._modes = {
            updates: tf.function(
                self._train, jit_compile=True, reduce_retracing=True, autograph=False
            )
            if jit
            else self._train
            for updates in (False, True)
        }

    @property
    def examples(self) -> int:
        """Examples a step."""
        return self.batch_size * self.accumulate

    def training(self, feed: Any) -> Any:
        """Return a compiled `(source, start, stop, step) -> (done, finite, logs)` over a feed.

        `source` is what the feed gave, `start` and `stop` are steps of an epoch, `step` is the
        run's number of the first one. It ends early, after the step in question, when a loss is
        not finite.
        """

        def run(source: Any, start: tf.Tensor, stop: tf.Tensor, step: tf.Tensor) -> tuple:
            offset = step - start
            tf.cond(tf.equal(start, 0), self._reset_metrics, lambda: tf.constant(False))

            def body(i: tf.Tensor, finite: tf.Tensor) -> tuple:
                held, indices = feed.step(source, i, self.examples)
                return i + 1, self._distributed(held, indices, i + offset)

            done, finite = tf.while_loop(
                lambda i, finite: tf.logical_and(i < stop, finite),
                body,
                (start, tf.constant(True)),
                parallel_iterations=1,
            )
            return done, finite, self._logs()

        return tf.function(
            run,
            autograph=False,  # a step is written in graph already, as Keras's own is
            input_signature=[feed.spec, *(tf.TensorSpec((), tf.int32) for _ in range(3))],
        ).get_concrete_function()

    def _reset_metrics(self) -> tf.Tensor:
        """Forget what was measured; under a strategy that is done outside the graph."""
        if self.strategy is None:
            self.model.reset_metrics()
        return tf.constant(True)

    def _distributed(self, feed: Any, indices: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        if self.strategy is None:
            return self._step(feed, indices, step, 0)

        def replica(indices: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            which = context.replica_id_in_sync_group
            part = _share(indices, which, context.num_replicas_in_sync, self.batch_size)
            finite = self._step(feed, part, step, which)
            count = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.cast(finite, tf.float32))
            return tf.equal(count, float(context.num_replicas_in_sync))

        finite = self.strategy.run(replica, args=(indices, step))
        return self.strategy.experimental_local_results(finite)[0]

    def _step(self, feed: Any, indices: tf.Tensor, step: tf.Tensor, replica: Any) -> tf.Tensor:
        """Do one optimizer step on the examples at `indices`; return whether losses are finite."""
        if self.accumulate == 1:
            return self._batch(feed, indices, step, replica)
        size = self.batch_size // self.replicas
        total = tf.shape(indices)[0]
        batches = tf.maximum(tf.cast(tf.math.ceil(total / size), tf.int32), 1)

        def batch(j: Any, last: bool) -> tf.Tensor:
            rows = indices[j * size : (j + 1) * size]
            share = tf.shape(rows)[0] / total  # float64
            number = step * self.accumulate + j
            return self._batch(feed, rows, number, replica, optimizers.Part(share, last))

        if self.strategy is not None:  # replicas cannot meet inside a loop; all steps are full
            parts = [batch(j, j + 1 == self.accumulate) for j in range(self.accumulate)]
            return tf.reduce_all(parts)
        _, finite = tf.while_loop(
            lambda j, _: j < batches - 1,
            lambda j, finite: (j + 1, tf.logical_and(finite, batch(j, False))),
            (0, tf.constant(True)),
            parallel_iterations=1,
        )
        return tf.logical_and(finite, batch(batches - 1, True))

    def _batch(
        self,
        feed: Any,
        indices: tf.Tensor,
        step: tf.Tensor,
        replica: Any,
        part: optimizers.Part | None = None,
    ) -> tf.Tensor:
        batch = self.batch(feed, indices, step, replica)
        with nullcontext() if part is None else optimizers.part_of_step(*part):
            return self._modes[part is None or part.last](batch)

    def batch(self, feed: Any, indices: tf.Tensor, number: Any, replica: Any = 0) -> Any:
        """Return the examples at `indices` as batch `number` of the run: augmented."""
        batch = feed.batch(indices)
        return batch if self.augment is None else self.augment(batch, number, replica)

    def batches(self, feed: Any, order: tf.Tensor, start: int, number: int) -> list[Any]:
        """Return the batches of step `number` of the run, which is step `start` of its epoch."""
        indices = order[start * self.examples : (start + 1) * self.examples]
        parts = range(0, len(indices), self.batch_size)
        return [
            self.batch(feed, indices[i : i + self.batch_size], number * self.accumulate + j)
            for j, i in enumerate(parts)
        ]

    def _train(self, batch: Any) -> tf.Tensor:
        """Do Keras's or the model's own step; return whether its losses are finite."""
        logs = self.model.train_step(batch)
        losses = [value for name, value in logs.items() if name.endswith("loss")]
        return tf.reduce_all([tf.math.is_finite(value) for value in losses])

    def finite(self) -> Any:
        """Return a `() -> bool`, compiled once called: whether weights and optimizers are."""
        found = [*self.model.trainable_variables]
        for optimizer in self.optimizers:
            found += optimizer.variables

        def run() -> tf.Tensor:
            sums = [tf.reduce_sum(v.value) for v in found if "float" in str(v.dtype)]
            return tf.math.is_finite(tf.add_n([tf.cast(total, tf.float32) for total in sums]))

        return tf.function(run, input_signature=[], autograph=False)

    def evaluation(self, feed: Any, batch_size: int) -> Any:
        """Return a function `() -> logs`, compiled, that measures the model on a whole feed."""
        batch_size = _dividing(len(feed), self._fitting(feed, batch_size), self.replicas)
        order = _in_turn(feed)
        steps = math.ceil(len(feed) / batch_size)

        def batch(source: Any, i: tf.Tensor) -> None:
            held, indices = feed.step(source, i, batch_size)
            if self.strategy is None:
                self.model.test_step(held.batch(indices))
                return

            def replica(indices: tf.Tensor) -> None:
                context = tf.distribute.get_replica_context()
                which, count = context.replica_id_in_sync_group, context.num_replicas_in_sync
                part = _share(indices, which, count, tf.shape(indices)[0])
                self.model.test_step(held.batch(part))

            self.strategy.run(replica, args=(indices,))

        def run(source: Any) -> Logs:
            self._reset_metrics()

            def body(i: tf.Tensor) -> tuple[tf.Tensor]:
                batch(source, i)
                return (i + 1,)

            tf.while_loop(lambda i: i < steps, body, (0,), parallel_iterations=1)
            return self._logs()

        compiled = tf.function(run, input_signature=[feed.spec], autograph=False)
        measure = compiled.get_concrete_function()
        return lambda: feeds.call(measure, feed, order, (0, steps), batch_size)

    def _fitting(self, feed: Any, batch_size: int) -> int:
        """Return a batch size at which large pictures fit into memory, training's at least."""
        inputs = keras.tree.flatten(feed.batch(tf.range(1))[0])
        numbers = sum(math.prod(x.shape) for x in inputs)
        return min(batch_size, max(self.batch_size, MOST_NUMBERS // max(numbers, 1)))

    def _logs(self) -> Logs:
        """Return the metrics so far and the learning rate; under a strategy they are read later."""
        if self.strategy is not None:
            return {}
        rate = self.optimizers[0].learning_rate
        return {**self.model.get_metrics_result(), "learning_rate": tf.convert_to_tensor(rate)}


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


def _in_turn(feed: Any) -> tf.Tensor:
    """Return all examples, sequences in the order of their lengths."""
    lengths = getattr(feed, "lengths", None)
    if lengths is None:
        return tf.range(len(feed))
    return tf.constant(np.lexsort(lengths.reshape(len(feed), -1).T).astype(np.int32))


def _share(indices: tf.Tensor, which: Any, replicas: int, batch: Any) -> tf.Tensor:
    """Return a replica's equal part of each batch within `indices`.

    With several batches in a step the parts of each batch stay together, so that the k-th
    micro-batch over all replicas is the k-th batch of one device.
    """
    if isinstance(batch, int):
        rows = tf.reshape(indices, (-1, batch))
        size = batch // replicas
        return tf.reshape(rows[:, which * size : (which + 1) * size], (-1,))
    size = -(-batch // replicas)
    return indices[which * size : (which + 1) * size]


def _dividing(size: int, batch: int, replicas: int) -> int:
    """Return the largest batch size up to `batch` whose last batch gives every replica a row."""
    for candidate in range(batch, 0, -1):
        rest = size % candidate
        rows = rest or candidate
        if -(-rows // replicas) * (replicas - 1) < rows:
            return candidate
    return 1
