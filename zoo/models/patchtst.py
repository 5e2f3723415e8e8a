"""PatchTST: a Transformer that reads each series alone, as overlapping patches of its past.

Nie, Nguyen, Sinthong and Kalagnanam, A Time Series is Worth 64 Words, 2022, arXiv:2211.14730. Sizes
are the paper's for its smallest sets. Batch normalization follows each sum, as there; that of each
window's level and spread has no learned factors. The paper's code also hands attention's scores
from block to block, which is left out.
"""

import keras
import numpy as np
from keras import ops

from zoo import layers
from zoo.layers import series
from zoo.layers.attention import FeedForward, SelfAttention, Sublayer
from zoo.layers.dropout import Dropout
from zoo.layers.positions import PositionEmbedding


@layers.register
class Patches(keras.layers.Layer):
    """Overlapping parts of each of `(B, T, history)`, every series an example: `(B T, N, size)`.

    The last patch reaches `stride` steps past the end at most, where the last value is repeated.
    """

    def __init__(self, size, stride, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.size, self.stride = size, stride

    def build(self, shape):
        history = shape[-1]
        if not 1 <= self.size <= history or self.stride < 1:
            raise ValueError(
                f"Expected a `patch` of 1 to {history} steps, the history, and a positive "
                f"`stride`. Received: patch={self.size}, stride={self.stride}"
            )
        self.count = (history - self.size) // self.stride + 2
        steps = np.arange(self.count)[:, None] * self.stride + np.arange(self.size)
        self.steps = np.minimum(steps, history - 1)  # (N, size)

    def call(self, x):
        return ops.reshape(ops.take(x, self.steps, axis=2), (-1, self.count, self.size))

    def compute_output_shape(self, shape):
        return (None, (shape[-1] - self.size) // self.stride + 2, self.size)

    def get_config(self):
        return {**super().get_config(), "size": self.size, "stride": self.stride}


@layers.register
class EachSeries(keras.layers.Layer):
    """Bring the tokens of each series `(B T, N, C)` together again: `(B, T, N C)`."""

    def __init__(self, count, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def call(self, x):
        return ops.reshape(x, (-1, self.count, x.shape[1] * x.shape[2]))

    def compute_output_shape(self, shape):
        return (None, self.count, shape[1] * shape[2])

    def get_config(self):
        return {**super().get_config(), "count": self.count}


def patchtst(
    input_shape,
    horizon,
    targets=None,
    quantiles=1,
    *,
    patch=16,
    stride=8,
    blocks=3,
    heads=4,
    width=16,
    hidden=128,
    activation="gelu",
    dropout=0.3,
):
    """Build PatchTST; each target is forecast from its own past alone, other columns are not seen.

    Args:
        input_shape: `(history, columns)`, the targets first.
        horizon: steps to forecast.
        targets: how many columns are forecast; all by default.
        quantiles: numbers a step and target.
        patch: steps of a patch.
        stride: steps from one patch to the next.
        blocks: number of blocks.
        heads: attention heads in each block; divides `width`.
        width: size of a patch's vector.
        hidden: width of the dense network in each block.
        activation: non-linearity of the dense networks.
        dropout: share dropped while training of vectors, of inner units, and of what a block adds.
    """
    inputs, past, _ = series.series_inputs(input_shape, horizon, targets)
    count = series.targets_of(input_shape, targets)
    x, mean, spread = series.TakeOff("mean")(series.Columns(0, count)(past))  # (B, T, history)
    x = keras.layers.Dense(width)(Patches(patch, stride)(x))  # (B T, N, width)
    x = Dropout(dropout)(PositionEmbedding(x.shape[1])(x))
    for i in range(blocks):
        bodies = {
            "attention": SelfAttention(heads),
            "network": FeedForward(hidden, activation, dropout=dropout),
        }
        for name, body in bodies.items():
            norm = layers.batch_normalization(momentum=0.9)
            x = Sublayer(body, norm, dropout, after=True, name=f"{name}_{i}")(x)
    x = EachSeries(count)(x)  # (B, T, N width)
    x = keras.layers.Dense(horizon * quantiles, dtype="float32")(x)
    x = series.PutBack()(x, mean, spread)
    return keras.Model(inputs, series.answer(x, horizon, quantiles), name="patchtst")
