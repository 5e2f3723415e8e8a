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


@layers.register
class RelativePositions(keras.layers.Layer):
    """Scores `(1, heads, T, S)` of how far keys at `(S,)` are from queries at `(T,)`.

    Raffel and others, Exploring the Limits of Transfer Learning with a Unified Text-to-Text
    Transformer, 2019, arXiv:1910.10683. Distances share a learned number for each head by buckets:
    half of them have a distance of their own, the others more and more up to `longest`, beyond
    which all are the same.

    Args:
        heads: heads of the attention that they are added to.
        both: whether keys may come after queries, in buckets of their own.
        buckets: how many there are.
        longest: the distance from which on all are in the last bucket.
    """

    def __init__(self, heads, both, buckets=32, longest=128, **kwargs):
        super().__init__(**kwargs)
        self.heads, self.both, self.buckets, self.longest = heads, both, buckets, longest
        self.each = buckets // 2 if both else buckets

    def build(self, *shapes):
        drawn = keras.initializers.RandomNormal(stddev=self.heads**-0.5)
        shape = (self.buckets, self.heads)
        self.embeddings = self.add_weight(shape, initializer=drawn, name="embeddings")

    def table(self):
        """Return the bucket of each distance up to the longest, int32 `(longest + 1,)`."""
        alone = self.each // 2
        distance = np.arange(self.longest + 1)
        share = np.log(np.maximum(distance, 1) / alone) / np.log(self.longest / alone)
        further = alone + (share * (self.each - alone) + 1e-6).astype("int32")  # 2.0 may be 1.999
        return np.where(distance < alone, distance, np.minimum(further, self.each - 1))

    def call(self, queries, keys):
        ahead = keys[None] - queries[:, None]  # (T, S)
        distance = ops.abs(ahead) if self.both else ops.maximum(-ahead, 0)
        table = ops.convert_to_tensor(self.table(), "int32")
        bucket = ops.take(table, ops.minimum(distance, self.longest))
        bucket = bucket + self.each * ops.cast(ahead > 0, "int32") if self.both else bucket
        scores = ops.take(self.embeddings, bucket, axis=0)  # (T, S, heads)
        return ops.transpose(scores, (2, 0, 1))[None]

    def get_config(self):
        names = ("heads", "both", "buckets", "longest")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
