"""iTransformer: each series, its whole past, is one token, and attention joins the series.

Liu, Hu, Zhang, Wu, Wang, Ma and Long, iTransformer: Inverted Transformers Are Effective for Time
Series Forecasting, 2023, arXiv:2310.06625. Columns that are not forecast are tokens as they are; so
is what is known ahead of a column, with a map of its own, which the paper does not have.
"""

import keras

from zoo.layers import series
from zoo.layers.attention import FeedForward, SelfAttention, Sublayer
from zoo.layers.dropout import Dropout


def itransformer(
    input_shape,
    horizon,
    targets=None,
    known=0,
    quantiles=1,
    *,
    blocks=2,
    heads=8,
    width=256,
    hidden=256,
    activation="gelu",
    dropout=0.1,
):
    """Build iTransformer, a forecaster of several targets, which sees all columns.

    Args:
        input_shape: `(history, columns)`, the targets first, those known ahead last.
        horizon: steps to forecast.
        targets: how many columns are forecast; all by default.
        known: how many columns are known ahead; with any, the input is a dictionary of `past` and
            `future`, `(horizon, known)`.
        quantiles: numbers a step and target.
        blocks: number of blocks.
        heads: attention heads in each block; divides `width`.
        width: size of a column's vector.
        hidden: width of the dense network in each block.
        activation: non-linearity of the dense networks.
        dropout: share dropped while training of vectors, of attention's weights, of inner units,
            and of what a block adds.
    """
    inputs, past, future = series.series_inputs(input_shape, horizon, targets, known)
    columns, count = input_shape[1], series.targets_of(input_shape, targets)
    x, mean, spread = series.TakeOff("mean")(series.Columns(0, count)(past))  # (B, T, history)
    if count < columns:
        x = keras.layers.Concatenate(axis=1)([x, series.Columns(count, columns)(past)])
    x = keras.layers.Dense(width)(x)  # (B, columns, width)
    if future is not None:
        ahead = keras.layers.Dense(width)(series.Columns(0, known)(future))  # (B, known, width)
        x = keras.layers.Concatenate(axis=1)([x, ahead])
    x = Dropout(dropout)(x)
    for i in range(blocks):
        bodies = {
            "attention": SelfAttention(heads, dropout=dropout),
            "network": FeedForward(hidden, activation, dropout=dropout),
        }
        for name, body in bodies.items():
            norm = keras.layers.LayerNormalization(epsilon=1e-5)
            x = Sublayer(body, norm, dropout, after=True, name=f"{name}_{i}")(x)
    x = keras.layers.Dense(horizon * quantiles, dtype="float32")(x[:, :count])
    x = series.PutBack()(x, mean, spread)  # (B, T, horizon * quantiles)
    return keras.Model(inputs, series.answer(x, horizon, quantiles), name="itransformer")
