"""Positions that are learned, of tokens or of the patches of a picture."""

import keras
from keras import ops

from zoo import layers


@layers.register
class Positions(keras.layers.Layer):
    """Add a learned vector for each position: `(B, T, C)`, T up to `length`."""

    def __init__(self, length, stddev=0.02, **kwargs):
        super().__init__(**kwargs)
        self.length, self.stddev = length, stddev

    def build(self, shape):
        drawn = keras.initializers.RandomNormal(stddev=self.stddev)
        self.vectors = self.add_weight((self.length, shape[-1]), initializer=drawn, name="vectors")

    def call(self, x):
        if x.shape[1] is not None and x.shape[1] > self.length:
            raise ValueError(f"Expected at most {self.length} tokens. Received: {x.shape[1]}")
        return x + ops.cast(self.vectors[: ops.shape(x)[1]], x.dtype)

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "length": self.length, "stddev": self.stddev}
