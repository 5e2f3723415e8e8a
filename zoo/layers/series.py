"""What forecasters share: their input, and their answer, one number a step and target or several.

A forecaster reads `past`, `(B, history, columns)`, of which the first `targets` columns are
forecast. Where the last `known` columns are known ahead of their time it reads a dictionary of
`past` and `future`, `(B, horizon, known)`.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers import register

EPSILON = 1e-2  # of a standard deviation: a window that stands still is not blown up


def series_inputs(input_shape: Any, horizon: int, targets: int | None, known: int = 0) -> Any:
    """Return a forecaster's input, its past and its future, None where nothing is known of that.

    Raises:
        ValueError: shapes and counts do not fit together.
    """
    targets = targets_of(input_shape, targets)
    if len(input_shape) != 2 or horizon < 1 or not 0 <= known <= input_shape[1] - targets:
        raise ValueError(
            "Expected an `input_shape` of (history, columns), a horizon, and no more targets and "
            f"known columns than columns. Received: input_shape={input_shape}, horizon={horizon}, "
            f"targets={targets}, known={known}"
        )
    past = keras.Input(tuple(input_shape), name="past")
    if not known:
        return past, past, None
    future = keras.Input((horizon, known), name="future")
    return {"past": past, "future": future}, past, future


def targets_of(input_shape: Any, targets: int | None) -> int:
    """Return how many columns are forecast: all where nothing was said."""
    return input_shape[-1] if targets is None else targets


def answer(x: Any, horizon: int, quantiles: int) -> Any:
    """Return a forecast, `(B, horizon, targets)`, with a last axis for more quantiles than one.

    Args:
        x: `(B, targets, horizon * quantiles)`.
        horizon: steps.
        quantiles: numbers a step and target.
    """
    if quantiles == 1:
        return keras.layers.Permute((2, 1), dtype="float32")(x)
    x = keras.layers.Reshape((x.shape[1], horizon, quantiles), dtype="float32")(x)
    return keras.layers.Permute((2, 1, 3), dtype="float32")(x)


def linear(x: Any, outputs: int, individual: bool, penalty: Any) -> Any:
    """Return a linear map of each target's `(B, targets, n)`, one for all or one each."""
    if not individual:
        layer = keras.layers.Dense(outputs, kernel_regularizer=penalty, dtype="float32")
        return layer(x)
    layer = keras.layers.EinsumDense(
        "btn,tno->bto", (x.shape[1], outputs), bias_axes="to", kernel_regularizer=penalty,
        dtype="float32",
    )  # fmt: skip
    return layer(x)


@register
class Columns(keras.layers.Layer):
    """Some columns of `(B, history, columns)`, each one's steps along the last axis.

    Args:
        first, last: the first one, and the one after the last.
    """

    def __init__(self, first, last, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.first, self.last = first, last

    def call(self, x):
        return ops.transpose(x[:, :, self.first : self.last], (0, 2, 1))  # (B, n, history)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.last - self.first, input_shape[1])

    def get_config(self):
        return {**super().get_config(), "first": self.first, "last": self.last}


@register
class TakeOff(keras.layers.Layer):
    """Each window `(B, targets, history)` without its level, and what was taken off.

    That is the last value, or mean and standard deviation, as in Kim and others, Reversible
    Instance Normalization, 2022, but without learned factors. It keeps a model right where the
    level of a series moves. Returns the window, and level and spread `(B, targets, 1)`.

    Args:
        what: "last" or "mean".
    """

    def __init__(self, what, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.what = what

    def call(self, x):
        if self.what == "last":
            level = x[:, :, -1:]
            return x - level, level, ops.ones_like(level)
        level = ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(x - level), axis=-1, keepdims=True)
        spread = ops.sqrt(variance + EPSILON**2)
        return (x - level) / spread, level, spread

    def compute_output_shape(self, input_shape):
        one = (*input_shape[:-1], 1)
        return input_shape, one, one

    def get_config(self):
        return {**super().get_config(), "what": self.what}


@register
class PutBack(keras.layers.Layer):
    """What `TakeOff` took off a window, put back on what follows it, `(B, targets, n)`."""

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})

    def call(self, x, level, spread):
        return x * spread + level

    def compute_output_shape(self, x_shape, level_shape, spread_shape):
        return x_shape
