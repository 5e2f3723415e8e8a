"""What forecasters share: their input, and their answer, one number a step and target or several.

A forecaster reads `past`, `(B, history, columns)`, of which the first `targets` columns are
forecast. Where the last `known` columns are known ahead of their time it reads a dictionary of
`past` and `future`, `(B, horizon, known)`.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

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


def histories(past: Any, targets: int) -> Any:
    """Return each target's own past, `(B, targets, history)`."""
    return ops.transpose(past[:, :, :targets], (0, 2, 1))


def answer(x: Any, horizon: int, quantiles: int) -> Any:
    """Return a forecast, `(B, horizon, targets)`, with a last axis for more quantiles than one.

    Args:
        x: `(B, targets, horizon * quantiles)`.
        horizon: steps.
        quantiles: numbers a step and target.
    """
    targets = x.shape[1]
    if quantiles == 1:
        return ops.transpose(x, (0, 2, 1))
    x = ops.reshape(x, (-1, targets, horizon, quantiles))
    return ops.transpose(x, (0, 2, 1, 3))


def level_and_spread(x: Any) -> tuple[Any, Any]:
    """Return mean and standard deviation of each window `(B, ..., history)`, `(B, ..., 1)` each.

    To take them off and put them back on keeps a model right where the level of a series moves:
    Kim and others, Reversible Instance Normalization, 2022, there with learned factors.
    """
    mean = ops.mean(x, axis=-1, keepdims=True)
    variance = ops.mean(ops.square(x - mean), axis=-1, keepdims=True)
    return mean, ops.sqrt(variance + EPSILON**2)


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
