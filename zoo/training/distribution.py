"""Several devices or processes as one: which strategy, and decisions all of them share."""

from __future__ import annotations

import json
import os

import tensorflow as tf

from zoo.errors import InputError


def strategy_for_device(device: str) -> tf.distribute.Strategy | None:
    """Return the strategy of a TF_CONFIG cluster, or of several GPUs, else None."""
    if os.environ.get("TF_CONFIG"):
        _check_cluster(os.environ["TF_CONFIG"])
        return tf.distribute.MultiWorkerMirroredStrategy()
    gpus = tf.config.list_logical_devices("GPU")
    if len(gpus) > 1 and device != "cpu":
        return tf.distribute.MirroredStrategy([gpu.name for gpu in gpus])
    return None


def _check_cluster(text: str) -> None:
    try:
        cluster = json.loads(text)
        known = set(cluster["cluster"]) <= {"chief", "worker"} and cluster["task"]["index"] >= 0
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
        if self._alone or self._strategy is None:
            return value
        mine = float(value) if is_chief() else 0.0
        return round(self._sum(mine))

    def any(self, value: bool) -> bool:
        """Return whether it is true for any worker."""
        if self._alone or self._strategy is None:
            return value
        return self._sum(float(value)) > 0.5

    def _sum(self, value: float) -> float:
        strategy = self._strategy
        assert strategy is not None
        local = len(strategy.extended.worker_devices)
        per_replica = strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(
                value if context.replica_id_in_sync_group % local == 0 else 0.0, tf.float64
            )
        )
        return float(strategy.reduce(tf.distribute.ReduceOp.SUM, per_replica, axis=None))

