"""What tells a Transformer where a token is."""

import keras
import numpy as np
from keras import ops

from zoo import layers
from zoo.layers import caching


@layers.register
class PositionEmbedding(keras.layers.Layer):
    """Add a learned vector for each position: `(B, T, C)`, T up to `sequence_length`."""

    def __init__(self, sequence_length, stddev=0.02, **kwargs):
        super().__init__(**kwargs)
        self.sequence_length = sequence_length
        self.stddev = stddev

    def build(self, input_shape):
        self.positions = self.add_weight(
            (self.sequence_length, input_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=self.stddev),
            name="positions",
        )

    def call(self, x):
        if x.shape[1] is not None and x.shape[1] > self.sequence_length:
            raise ValueError(
                f"Expected at most {self.sequence_length} tokens. Received: {x.shape[1]}"
            )
        reading = caching.current()
        if reading is None:
            return x + self.positions[: ops.shape(x)[1]]
        return x + ops.take(self.positions, ops.maximum(reading.position, 0), axis=0)

    def get_config(self):
        return {
            **super().get_config(),
            "sequence_length": self.sequence_length,
            "stddev": self.stddev,
        }


@layers.register
class SinusoidalPositions(keras.layers.Layer):
    """Add to `(B, T, C)` waves of position, of lengths from 2 pi to 20,000 pi.

    Vaswani and others, 2017: sines in the first half of C, cosines in the second.
    """

    def call(self, x):
        reading = caching.current()
        if reading is None:
            place = ops.cast(ops.arange(ops.shape(x)[1]), "float32")[None]
        else:
            place = ops.cast(ops.maximum(reading.position, 0), "float32")
        half = x.shape[-1] // 2
        rates = 10_000.0 ** (-np.arange(half, dtype="float32") / half)
        angles = place[..., None] * rates  # (1 or B, T, C / 2)
        waves = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)
        return x + ops.cast(waves, x.dtype)
