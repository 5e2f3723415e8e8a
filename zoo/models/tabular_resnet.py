"""ResNet for tables: residual blocks of batch normalization and two dense layers.

Gorishniy, Rubachev, Khrulkov and Babenko, Revisiting Deep Learning Models for Tabular Data, 2021,
arXiv:2106.11959, section 3.2:

    ResNet(x) = Prediction(Block(... Block(Linear(x))))
    Block(x) = x + Dropout(Linear(Dropout(ReLU(Linear(BatchNorm(x))))))
    Prediction(x) = Linear(ReLU(BatchNorm(x)))
"""

import keras

from zoo import layers
from zoo.layers import tables


def block(x, hidden, activation, dropout, residual_dropout, penalty):
    width = x.shape[-1]
    h = layers.batch_normalization()(x)
    h = keras.layers.Dense(hidden, kernel_regularizer=penalty)(h)  # (B, hidden)
    h = keras.layers.Activation(activation)(h)
    h = keras.layers.Dropout(dropout)(h) if dropout else h
    h = keras.layers.Dense(width, kernel_regularizer=penalty)(h)  # (B, width)
    h = keras.layers.Dropout(residual_dropout)(h) if residual_dropout else h
    return x + h


def tabular_resnet(
    input_shape,
    classes,
    cardinalities=(),
    *,
    blocks=2,
    width=128,
    hidden_factor=2.0,
    embedding_width=8,
    activation="relu",
    dropout=0.15,
    residual_dropout=0.0,
    l1=0.0,
    l2=0.0,
    classifier_activation=None,
):
    """Build a residual network for tables.

    Args:
        input_shape: shape of one example's numbers; anything but a vector is flattened.
        classes: size of the output: classes, or targets; 1 for a binary class.
        cardinalities: codes of each category column; with any, the input is a dictionary of
            `numbers` and `categories`.
        blocks: number of residual blocks.
        width: size of the vector the blocks add to.
        hidden_factor: width inside a block, as a multiple of `width`.
        embedding_width: numbers a category becomes.
        activation: non-linearity inside the blocks and before the output.
        dropout: share of units dropped inside a block while training.
        residual_dropout: share of a block's outputs dropped while training.
        l1: penalty on absolute weights, which sets some of them to zero.
        l2: penalty on squared weights.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
    """
    penalty = layers.regularizer(l1, l2)
    g = layers.activation(activation)
    inputs, numbers, codes = tables.table_inputs(input_shape, cardinalities)
    x = tables.table_vector(numbers, codes, cardinalities, embedding_width)  # (B, d)
    x = keras.layers.Dense(width, kernel_regularizer=penalty)(x)  # (B, width)
    for _ in range(blocks):
        x = block(x, round(width * hidden_factor), g, dropout, residual_dropout, penalty)
    x = keras.layers.Activation(g)(layers.batch_normalization()(x))
    outputs = layers.logits(x, classes, penalty, classifier_activation)
    return keras.Model(inputs, outputs, name="tabular_resnet")
