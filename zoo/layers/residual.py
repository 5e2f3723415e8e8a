"""What residual branches end with: a scale of their own, and the chance to be left out."""

import keras

from zoo import layers


def stochastic_depth(x, rate):
    """Return a residual branch that, while training, is zero for a share of the examples.

    Huang and others, Deep Networks with Stochastic Depth, 2016, arXiv:1603.09382. The others are
    divided by the share that stays, so that nothing is to be done once the model is trained.

    Args:
        x: `(B, ...)`.
        rate: share of examples, from 0 to below 1.
    """
    noise = (None,) + (1,) * (len(x.shape) - 1)  # one number an example
    return keras.layers.Dropout(rate, noise_shape=noise)(x) if rate else x


def rising(rate, blocks):
    """Return a rate for each block, from zero at the first to `rate` at the last."""
    return [rate * i / max(blocks - 1, 1) for i in range(blocks)]


@layers.register
class LayerScale(keras.layers.Layer):
    """Multiply each channel by a number that is learned and starts small.

    Touvron and others, Going deeper with Image Transformers, 2021, arXiv:2103.17239.
    """

    def __init__(self, initial=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.initial = initial

    def build(self, input_shape):
        start = keras.initializers.Constant(self.initial)
        self.scale = self.add_weight((input_shape[-1],), initializer=start, name="scale")

    def call(self, x):
        return x * self.scale

    def get_config(self):
        return {**super().get_config(), "initial": self.initial}
