"""N-BEATS: blocks that explain a part of the past, and leave the rest to those behind them.

Oreshkin, Carpov, Chapados and Bengio, N-BEATS: Neural basis expansion analysis for interpretable
time series forecasting, 2019, arXiv:1905.10437. A block is dense layers and two expansions: of the
past, which is subtracted from what the next block sees, and of the future, which is added up.
"""

import math

import keras
import numpy as np
from keras import ops

from zoo import layers
from zoo.layers import series

STACKS = ("generic", "trend", "seasonality")


@layers.register
class Expansion(keras.layers.Layer):
    """A sum of fixed curves, weighted by the input's last axis: powers of time, or waves.

    Args:
        kind: "trend" or "seasonality".
        terms: how many curves.
        history: steps of the past.
        horizon: steps of the future.
        future: whether the curves are drawn over the future, or over the past.
    """

    def __init__(self, kind, terms, history, horizon, future, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.kind, self.terms = kind, terms
        self.history, self.horizon, self.future = history, horizon, future
        steps = np.arange(horizon) / horizon if future else np.arange(-history, 0) / history
        self.curves = np.array(curves(kind, terms, steps), "float32")  # (terms, steps)

    def call(self, weights):
        return ops.matmul(weights, ops.cast(self.curves, weights.dtype))  # (..., steps)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.horizon if self.future else self.history)

    def get_config(self):
        names = ("kind", "terms", "history", "horizon", "future")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def curves(kind, terms, steps):
    """Return powers of time from the zeroth, or a constant and cosines and sines of whole waves."""
    if kind == "trend":
        return [steps**power for power in range(terms)]
    half = (terms + 1) // 2
    cosines = [np.cos(2 * np.pi * i * steps) for i in range(half)]
    return cosines + [np.sin(2 * np.pi * i * steps) for i in range(1, terms - half + 1)]


def expand(x, kind, terms, sizes, future, quantiles):
    """Return what a block says of the past `(B, T, history)`, or future `(B, T, horizon * Q)`."""
    steps = sizes[1] if future else sizes[0]
    if kind == "generic":
        return keras.layers.Dense(steps * quantiles, dtype="float32")(x)
    targets = x.shape[1]
    x = keras.layers.Dense(terms * quantiles, use_bias=False, dtype="float32")(x)
    x = keras.layers.Reshape((targets, quantiles, terms), dtype="float32")(x)
    x = Expansion(kind, terms, sizes[0], sizes[1], future)(x)  # (B, T, Q, steps)
    x = keras.layers.Permute((1, 3, 2), dtype="float32")(x)
    return keras.layers.Reshape((targets, steps * quantiles), dtype="float32")(x)


def n_beats(
    input_shape,
    horizon,
    targets=None,
    quantiles=1,
    *,
    stacks=("generic", "generic"),
    blocks=3,
    depth=4,
    width=256,
    degree=3,
    activation="relu",
    dropout=0.0,
    window_norm=True,
    l1=0.0,
    l2=0.0,
):
    """Build N-BEATS; each target is forecast from its own past alone, other columns are not seen.

    The interpretable model is `stacks=("trend", "seasonality")`.

    Args:
        input_shape: `(history, columns)`, the targets first.
        horizon: steps to forecast.
        targets: how many columns are forecast; all by default.
        quantiles: numbers a step and target.
        stacks: the kind of each: generic, trend or seasonality.
        blocks: in a stack; those of trend and seasonality share their dense layers.
        depth: dense layers of a block.
        width: of the dense layers.
        degree: highest power of time in a trend.
        activation: non-linearity of the dense layers.
        dropout: share of units dropped after each dense layer while training.
        window_norm: whether mean and deviation of each window are taken off and put back on, which
            the paper does not do.
        l1: penalty on absolute weights of the dense layers.
        l2: penalty on their squared weights.
    """
    unknown = [kind for kind in stacks if kind not in STACKS]
    if unknown or not stacks or min(blocks, depth, width) < 1 or degree < 0:
        raise ValueError(
            f"Expected stacks of {', '.join(STACKS)}, and at least one block, layer and unit. "
            f"Received: stacks={stacks}, blocks={blocks}, depth={depth}, width={width}"
        )
    penalty = layers.regularizer(l1, l2)
    inputs, past, _ = series.series_inputs(input_shape, horizon, targets)
    x = series.Columns(0, series.targets_of(input_shape, targets))(past)  # (B, T, history)
    if window_norm:
        x, mean, spread = series.TakeOff("mean")(x)
    sizes, forecasts = (input_shape[0], horizon), []
    left = len(stacks) * blocks
    for kind in stacks:
        dense: list = []
        terms = degree + 1 if kind == "trend" else 2 * max(math.ceil(horizon / 2) - 1, 1) + 1
        for _ in range(blocks):
            left -= 1
            if kind == "generic" or not dense:
                dense = [_dense(width, activation, penalty) for _ in range(depth)]
            h = x
            for layer in dense:
                h = keras.layers.Dropout(dropout)(layer(h)) if dropout else layer(h)
            forecasts.append(expand(h, kind, terms, sizes, True, quantiles))
            if left:  # nobody sees what the last one leaves
                backcast = expand(h, kind, terms, sizes, False, 1)
                x = keras.layers.Subtract(dtype="float32")([x, backcast])
    x = keras.layers.Add(dtype="float32")(forecasts) if forecasts[1:] else forecasts[0]
    if window_norm:
        x = series.PutBack()(x, mean, spread)
    return keras.Model(inputs, series.answer(x, horizon, quantiles), name="n_beats")


def _dense(width, activation, penalty):
    return keras.layers.Dense(
        width, activation=layers.activation(activation), kernel_regularizer=penalty
    )
