"""FT-Transformer: every column of a table is a token, and attention joins them.

Gorishniy, Rubachev, Khrulkov and Babenko, Revisiting Deep Learning Models for Tabular Data, 2021,
arXiv:2106.11959, section 3.3. A number scales its column's vector, a category picks one of its
column's, and each column adds a bias. The output reads the token in front, [CLS], which is a column
without a value and so its bias alone. Normalization comes first in every block but the very first.
"""

import keras

from zoo import layers
from zoo.layers import tables
from zoo.layers.attention import FeedForward, SelfAttention, Sublayer
from zoo.layers.positions import PositionEmbedding


def column_tokens(numbers, codes, cardinalities, width):
    """Return a vector for [CLS], each number and each category, `(B, 1 + n + c, width)`."""
    parts, stddev = [], (3 * width) ** -0.5  # that of the paper's uniform distribution
    if numbers is not None:
        drawn = keras.initializers.RandomNormal(stddev=stddev)
        layer = keras.layers.EinsumDense(
            "bn,nc->bnc", (numbers.shape[1], width), kernel_initializer=drawn, name="number_vectors"
        )
        parts.append(layer(numbers))  # (B, n, width)
    if codes is not None:
        layer = tables.CategoryEmbedding(cardinalities, width, name="category_vectors")
        parts.append(keras.layers.Reshape((len(cardinalities), width))(layer(codes)))
    x = parts[0] if len(parts) == 1 else keras.layers.Concatenate(axis=1)(parts)
    x = keras.layers.ZeroPadding1D((1, 0))(x)
    return PositionEmbedding(x.shape[1], stddev, name="column_biases")(x)


def ft_transformer(
    input_shape,
    classes,
    cardinalities=(),
    *,
    blocks=3,
    heads=8,
    width=192,
    hidden_factor=1.3333333333333333,
    activation="relu",
    attention_dropout=0.2,
    dropout=0.1,
    residual_dropout=0.0,
    classifier_activation=None,
):
    """Build a Transformer for tables.

    Args:
        input_shape: shape of one example's numbers; anything but a vector is flattened.
        classes: size of the output: classes, or targets; 1 for a binary class.
        cardinalities: codes of each category column; with any, the input is a dictionary of
            `numbers` and `categories`.
        blocks: number of blocks.
        heads: attention heads in each block; divides `width`.
        width: size of a column's vector.
        hidden_factor: width of the gated network in each block, as a multiple of `width`.
        activation: non-linearity of the gates and before the output.
        attention_dropout: share of attention's weights dropped while training.
        dropout: share of the network's inner units dropped while training.
        residual_dropout: share of what a block adds dropped while training.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
    """
    inputs, numbers, codes = tables.table_inputs(input_shape, cardinalities)
    x = column_tokens(numbers, codes, cardinalities, width)  # (B, 1 + n + c, width)
    hidden = round(width * hidden_factor)
    for i in range(blocks):
        looking = 1 if i == blocks - 1 else None  # only the first token of the last is used
        attention = SelfAttention(heads, dropout=attention_dropout, looking=looking)
        norm = normalization() if i else keras.layers.Identity()
        x = Sublayer(attention, norm, residual_dropout, name=f"attention_{i}")(x)
        network = FeedForward(hidden, activation, gated=True, dropout=dropout)
        x = Sublayer(network, normalization(), residual_dropout, name=f"network_{i}")(x)
    x = keras.layers.Activation(layers.activation(activation))(normalization()(x[:, 0]))
    outputs = layers.logits(x, classes, None, classifier_activation)
    return keras.Model(inputs, outputs, name="ft_transformer")


def normalization():
    return keras.layers.LayerNormalization(epsilon=1e-5)
