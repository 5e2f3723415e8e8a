"""How the learning rate moves over a run."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class InverseSquareRoot(keras.optimizers.schedules.LearningRateSchedule):
    """Falls with the inverse square root of the step, from `rate` at step `steps` on."""

    def __init__(self, rate: float, steps: int):
        super().__init__()
        self.rate = rate
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32") + 1.0
        return self.rate * ops.rsqrt(ops.maximum(step / self.steps, 1.0))

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` takes."""
        return {"rate": self.rate, "steps": self.steps}


@keras.saving.register_keras_serializable(package="zoo")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly for `steps` steps, then follows `schedule`, or stays where that is a number.

    Goyal et al., Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, 2017,
    arXiv:1706.02677.
    """

    def __init__(self, schedule: Any, steps: int):
        super().__init__()
        self.schedule = schedule
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        constant = not callable(self.schedule)
        rate = ops.cast(self.schedule, "float32") if constant else self.schedule(step)
        return rate * ops.minimum(1.0, (step + 1.0) / self.steps)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` takes."""
        schedule = self.schedule
        if callable(schedule):
            schedule = keras.saving.serialize_keras_object(schedule)
        return {"schedule": schedule, "steps": self.steps}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> WarmUp:
        """Rebuild from `get_config`."""
        schedule = config["schedule"]
        if isinstance(schedule, dict):
            schedule = keras.saving.deserialize_keras_object(schedule)
        return cls(schedule, config["steps"])


def create(name: str, rate: float, steps: int | None, warmup: float) -> Any:
    """Return a learning rate or a schedule over `steps` steps.

    Args:
        name: "constant"; "inverse_sqrt", with the inverse square root of the steps since the rise
            (Vaswani et al., Attention Is All You Need, 2017, arXiv:1706.03762); "cosine", to zero
            (Loshchilov and Hutter, SGDR, 2016, arXiv:1608.03983); "step", a tenth at half and again
            at three quarters (He et al., Deep Residual Learning, 2015, arXiv:1512.03385);
            "exponential", to a hundredth.
        rate: the highest learning rate.
        steps: length of the run; None only with "constant" and no warm-up.
        warmup: share of the run over which the rate rises.
    """
    schedules = keras.optimizers.schedules
    total = steps or 0
    rising = round(warmup * total)
    if name == "cosine":
        schedule: Any = schedules.CosineDecay(rate, steps)
    elif name == "step":
        schedule = schedules.PiecewiseConstantDecay(
            [total // 2, total * 3 // 4], [rate, rate * 0.1, rate * 0.01]
        )
    elif name == "exponential":
        schedule = schedules.ExponentialDecay(rate, steps, 0.01)
    elif name == "inverse_sqrt":
        schedule = InverseSquareRoot(rate, max(rising, 1))
    else:
        schedule = rate
    return WarmUp(schedule, rising) if rising else schedule
