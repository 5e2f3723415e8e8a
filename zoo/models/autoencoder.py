"""An autoencoder: dense layers down to a narrow code and, mirrored, back to the input.

Hinton and Salakhutdinov, Reducing the Dimensionality of Data with Neural Networks, 2006. What it
cannot rebuild is unlike what it was trained on, so its error measures anomaly.
"""

import keras

from zoo import layers
from zoo.models.mlp import dense_block


def autoencoder(
    input_shape,
    *,
    units=(64, 32),
    activation="relu",
    dropout=0.0,
    l1=0.0,
    l2=0.0,
    batch_normalization=False,
):
    """Build an autoencoder; its output has the shape of its input.

    Args:
        input_shape: shape of one example; anything but a vector is flattened inside.
        units: width of each layer of the encoder, the code last; the decoder mirrors them.
        activation: non-linearity after each layer but the last.
        dropout: share of hidden units dropped while training.
        l1: penalty on absolute weights, which sets some of them to zero.
        l2: penalty on squared weights.
        batch_normalization: normalize each layer over the batch before its non-linearity.
    """
    units = layers.check_units(units)
    penalty = layers.regularizer(l1, l2)
    inputs, x = layers.vector_input(input_shape)  # (B, d)
    size = layers.check_size(input_shape)
    for width in (*units, *units[-2::-1]):
        x = dense_block(x, width, activation, dropout, penalty, batch_normalization)
    outputs = keras.layers.Dense(
        size, kernel_regularizer=penalty, dtype="float32", name="reconstruction"
    )(x)
    if len(input_shape) != 1:
        outputs = keras.layers.Reshape(input_shape, dtype="float32")(outputs)
    return keras.Model(inputs, outputs, name="autoencoder")
