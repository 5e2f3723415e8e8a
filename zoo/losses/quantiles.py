"""The loss whose minimum is a quantile.

Koenker and Bassett, Regression Quantiles, 1978.
"""

import keras
from keras import ops

from zoo.layers import register


@register
class Pinball(keras.losses.Loss):
    """The mean of `max(q e, (q - 1) e)` over quantiles q, e being truth minus forecast.

    Args:
        quantiles: between 0 and 1, as many as the last axis of the outputs has.
    """

    def __init__(self, quantiles, name="pinball", **kwargs):
        super().__init__(name=name, **kwargs)
        self.quantiles = tuple(quantiles)

    def call(self, y_true, y_pred):
        q = ops.array(self.quantiles, dtype=y_pred.dtype)  # (Q,)
        error = ops.expand_dims(ops.cast(y_true, y_pred.dtype), -1) - y_pred  # (..., Q)
        return ops.mean(ops.maximum(q * error, (q - 1.0) * error), axis=-1)

    def get_config(self):
        return {**super().get_config(), "quantiles": self.quantiles}
