"""Several devices or processes as one: which strategy, and decisions all of them share."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.errors import InputError


def strategy_for_device(device: str) -> tf.distribute.Strategy | None:
    """Return the strategy of a TF_CONFIG cluster, or of several GPUs, else None.

    A cluster's must be made before TensorFlow has computed anything.
    """
    if os.environ.get("TF_CONFIG"):
        return _of_cluster(os.environ["TF_CONFIG"])
    gpus = tf.config.list_logical_devices("GPU")
    if len(gpus) > 1 and device != "cpu":
        return tf.distribute.MirroredStrategy([gpu.name for gpu in gpus])
    return None


@cache
def _of_cluster(text: str) -> tf.distribute.Strategy:
    """Join the cluster, once a process."""
    _check_cluster(text)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise InputError(
            "TF_CONFIG names several workers, but this process has used TensorFlow already. "
            "Expected zoo.train to be called before anything else computes."
        ) from error


def _check_cluster(text: str) -> None:
    try:
        cluster = json.loads(text)
        task, workers = cluster["task"], cluster["cluster"]
        known = set(workers) <= {"chief", "worker"} and 0 <= task["index"] < len(
            workers[task["type"]]
        )
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise InputError(
            f"TF_CONFIG received {text[:200]!r}. Expected JSON with 'cluster' (of 'worker', or "
            "'chief' and 'worker') and 'task' (type and index)."
        )


def is_chief() -> bool:
    """Return whether this process is the one that writes."""
    if not os.environ.get("TF_CONFIG"):
        return True
    config = json.loads(os.environ["TF_CONFIG"])
    task = config["task"]
    has_chief = bool(config["cluster"].get("chief"))
    return task["type"] == "chief" or (not has_chief and task["index"] == 0)


class Agreement:
    """Lets the chief decide for all workers; they would wait for each other forever otherwise."""

    def __init__(self, strategy: tf.distribute.Strategy | None):
        self._strategy = strategy
        self._alone = not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)

    def number(self, value: int) -> int:
        """Return the chief's value."""
        return value if self._alone else round(self._sum([value if is_chief() else 0])[0])

    def text(self, value: str) -> str:
        """Return the chief's value."""
        if self._alone:
            return value
        code = value.encode() if is_chief() else b""
        length = self.number(len(code))
        return bytes(map(round, self._sum([*code] or [0] * length))).decode()

    def any(self, *values: bool) -> list[bool]:
        """Return of each value whether it is true for any worker."""
        return list(values) if self._alone else [total > 0.5 for total in self._sum(values)]

    def _sum(self, values: list | tuple) -> list[float]:
        """Return the sums over workers; a worker's first replica speaks for it."""
        strategy = self._strategy
        assert strategy is not None
        local = len(strategy.extended.worker_devices)
        mine = tf.constant([float(value) for value in values], tf.float64)
        per_replica = strategy.experimental_distribute_values_from_function(
            lambda context: mine * float(context.replica_id_in_sync_group % local == 0)
        )
        return strategy.reduce(tf.distribute.ReduceOp.SUM, per_replica, axis=None).numpy().tolist()


def run_eagerly(strategy: tf.distribute.Strategy, function: Any, args: tuple = ()) -> Any:
    """Run a function once on every replica, without the warning that this is slow."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        return strategy.run(function, args=args)
    finally:
        logger.setLevel(level)


def is_apart(variable: Any) -> bool:
    """Whether a variable, as a metric's, has a value of its own on every replica."""
    value = variable.value
    kept = getattr(value, "synchronization", None) == tf.VariableSynchronization.ON_READ
    return kept and hasattr(value, "values")


def values_apart(variable: Any, strategy: tf.distribute.Strategy) -> np.ndarray:
    """Return a variable's values of all replicas, `(replicas, *shape)`: their sum is not enough."""
    found = run_eagerly(strategy, lambda: tf.expand_dims(variable.value.read_value(), 0))
    return np.asarray(strategy.gather(found, axis=0))


def assign_apart(variable: Any, values: np.ndarray, strategy: tf.distribute.Strategy) -> None:
    """Give every replica its own value back."""

    def assign(values: tf.Tensor) -> None:
        which = tf.distribute.get_replica_context().replica_id_in_sync_group
        variable.value.assign(values[which])

    run_eagerly(strategy, assign, (tf.constant(values),))
