"""DLinear: a moving average and what is left of it, each continued by one linear map.

Zeng, Chen, Zhang and Xu, Are Transformers Effective for Time Series Forecasting?, 2022,
arXiv:2205.13504.
"""

import keras
from keras import ops

from zoo import layers
from zoo.layers import series


@layers.register
class MovingAverage(keras.layers.Layer):
    """The mean of `width` steps around each of `(B, targets, history)`; the ends are repeated."""

    def __init__(self, width, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.width = width

    def call(self, x):
        before, after = (self.width - 1) // 2, self.width // 2
        first, last = x[:, :, :1], x[:, :, -1:]
        parts = [ops.repeat(first, before, axis=2), x, ops.repeat(last, after, axis=2)]
        padded = ops.transpose(ops.concatenate(parts, axis=2), (0, 2, 1))
        return ops.transpose(ops.average_pool(padded, self.width, 1, "valid"), (0, 2, 1))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "width": self.width}


def dlinear(
    input_shape,
    horizon,
    targets=None,
    quantiles=1,
    *,
    kernel=25,
    individual=False,
    l1=0.0,
    l2=0.0,
):
    """Build DLinear; each target is forecast from its own past alone, other columns are not seen.

    Args:
        input_shape: `(history, columns)`, the targets first.
        horizon: steps to forecast.
        targets: how many columns are forecast; all by default.
        quantiles: numbers a step and target.
        kernel: steps of the moving average.
        individual: whether each target has a map of its own.
        l1: penalty on absolute weights, which sets some of them to zero.
        l2: penalty on squared weights.
    """
    if kernel < 1:
        raise ValueError(f"Expected a positive `kernel`. Received: kernel={kernel}")
    penalty = layers.regularizer(l1, l2)
    inputs, past, _ = series.series_inputs(input_shape, horizon, targets)
    x = series.Columns(0, series.targets_of(input_shape, targets))(past)  # (B, T, history)
    trend = MovingAverage(kernel)(x)
    rest = keras.layers.Subtract(dtype="float32")([x, trend])
    parts = [
        series.linear(part, horizon * quantiles, individual, penalty) for part in (trend, rest)
    ]
    x = keras.layers.Add(dtype="float32")(parts)
    outputs = series.answer(x, horizon, quantiles)
    return keras.Model(inputs, outputs, name="dlinear")
