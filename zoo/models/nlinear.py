"""NLinear: one linear map from past to future, the last value taken off before and put back after.

Zeng, Chen, Zhang and Xu, Are Transformers Effective for Time Series Forecasting?, 2022,
arXiv:2205.13504.
"""

import keras

from zoo import layers
from zoo.layers import series


def nlinear(input_shape, horizon, targets=None, quantiles=1, *, individual=False, l1=0.0, l2=0.0):
    """Build NLinear; each target is forecast from its own past alone, other columns are not seen.

    Args:
        input_shape: `(history, columns)`, the targets first.
        horizon: steps to forecast.
        targets: how many columns are forecast; all by default.
        quantiles: numbers a step and target.
        individual: whether each target has a map of its own.
        l1: penalty on absolute weights, which sets some of them to zero.
        l2: penalty on squared weights.
    """
    penalty = layers.regularizer(l1, l2)
    inputs, past, _ = series.series_inputs(input_shape, horizon, targets)
    x = series.Columns(0, series.targets_of(input_shape, targets))(past)  # (B, T, history)
    x, last, one = series.TakeOff("last")(x)
    x = series.linear(x, horizon * quantiles, individual, penalty)
    x = series.PutBack()(x, last, one)
    return keras.Model(inputs, series.answer(x, horizon, quantiles), name="nlinear")
