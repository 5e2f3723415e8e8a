"""An LSTM that reads the past and answers all steps at once.

Hochreiter and Schmidhuber, Long Short-Term Memory, 1997; the two dense layers behind it, one that
makes a context of every step, one that makes each step's answer of its context and of what is known
of it, are those of Wen, Torkkola, Narayanaswamy and Madeka, A Multi-Horizon Quantile Recurrent
Forecaster, 2017, arXiv:1711.11053. Each window's level and spread are taken off before and put back
on after, without which a recurrent network is lost where the level moves.
"""

import keras

from zoo import layers
from zoo.layers import series


def lstm_forecaster(
    input_shape,
    horizon,
    targets=None,
    known=0,
    quantiles=1,
    *,
    units=(64,),
    context=8,
    activation="relu",
    dropout=0.1,
    l1=0.0,
    l2=0.0,
):
    """Build a recurrent forecaster of several targets, which sees all columns.

    Args:
        input_shape: `(history, columns)`, the targets first, those known ahead last.
        horizon: steps to forecast.
        targets: how many columns are forecast; all by default.
        known: how many columns are known ahead; with any, the input is a dictionary of `past` and
            `future`, `(horizon, known)`.
        quantiles: numbers a step and target.
        units: width of each recurrent layer.
        context: numbers that each step is told of the past.
        activation: non-linearity of the contexts.
        dropout: share of the last layer's outputs and of the contexts dropped while training.
        l1: penalty on absolute weights of inputs and output.
        l2: penalty on their squared weights.
    """
    units = layers.check_units(units)
    penalty = layers.regularizer(l1, l2)
    inputs, past, future = series.series_inputs(input_shape, horizon, targets, known)
    count = series.targets_of(input_shape, targets)
    x, mean, spread = series.TakeOff("mean")(series.Columns(0, count)(past))  # (B, T, history)
    if count < input_shape[1]:
        others = series.Columns(count, input_shape[1])(past)
        x = keras.layers.Concatenate(axis=1, dtype="float32")([x, others])
    x = keras.layers.Permute((2, 1), dtype="float32")(x)  # (B, history, columns)
    for depth, width in enumerate(units, start=1):
        deeper = depth < len(units)
        x = keras.layers.LSTM(width, return_sequences=deeper, kernel_regularizer=penalty)(x)
    x = keras.layers.Dropout(dropout)(x) if dropout else x
    g = layers.activation(activation)
    x = keras.layers.Dense(horizon * context, g, kernel_regularizer=penalty)(x)
    x = keras.layers.Dropout(dropout)(x) if dropout else x
    x = keras.layers.Reshape((horizon, context))(x)
    if future is not None:
        x = keras.layers.Concatenate()([x, future])
        x = keras.layers.Dense(context, g, kernel_regularizer=penalty)(x)
    x = keras.layers.Dense(count * quantiles, kernel_regularizer=penalty, dtype="float32")(x)
    x = keras.layers.Reshape((horizon, count, quantiles), dtype="float32")(x)
    x = keras.layers.Permute((2, 1, 3), dtype="float32")(x)
    x = keras.layers.Reshape((count, horizon * quantiles), dtype="float32")(x)
    x = series.PutBack()(x, mean, spread)
    outputs = series.answer(x, horizon, quantiles)
    return keras.Model(inputs, outputs, name="lstm_forecaster")
