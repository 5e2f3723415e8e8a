"""The multilayer perceptron: dense layers, each followed by a non-linearity.

Rumelhart, Hinton and Williams, Learning representations by back-propagating errors, 1986.
Batch normalization is Ioffe and Szegedy's, 2015, arXiv:1502.03167; dropout Srivastava's and
others', 2014.
"""

import keras

from zoo import layers


def dense_block(x, units, activation, dropout=0.0, penalty=None, batch_normalization=False):
    x = keras.layers.Dense(units, use_bias=not batch_normalization, kernel_regularizer=penalty)(x)
    if batch_normalization:
        x = layers.batch_normalization()(x)
    x = keras.layers.Activation(layers.activation(activation))(x)
    return keras.layers.Dropout(dropout)(x) if dropout else x


def mlp(
    input_shape,
    classes,
    *,
    units=(128, 128),
    activation="relu",
    dropout=0.0,
    l1=0.0,
    l2=0.0,
    batch_normalization=False,
    classifier_activation=None,
):
    """Build a multilayer perceptron.

    Args:
        input_shape: shape of one example; anything but a vector is flattened.
        classes: size of the output: classes, or targets; 1 for a binary class.
        units: width of each hidden layer.
        activation: non-linearity after each hidden layer.
        dropout: share of hidden units dropped while training.
        l1: penalty on absolute weights, which sets some of them to zero.
        l2: penalty on squared weights.
        batch_normalization: normalize each hidden layer over the batch before its non-linearity.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
    """
    penalty = layers.regularizer(l1, l2)
    inputs, x = layers.vector_input(input_shape)  # (B, d)
    for width in layers.check_units(units):
        x = dense_block(x, width, activation, dropout, penalty, batch_normalization)  # (B, width)
    outputs = layers.logits(x, classes, penalty, classifier_activation)
    return keras.Model(inputs, outputs, name="mlp")
