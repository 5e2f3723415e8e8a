"""A dense network whose units take the largest of several affine functions of their input.

Goodfellow, Warde-Farley, Mirza, Courville and Bengio, Maxout Networks, 2013, arXiv:1302.4389: two
maxout layers and a softmax, dropout of 0.2 on the input and 0.5 on hidden units, and each column of
weights kept to a maximal norm. Widths, pieces and norm are those of the authors' network for
permutation invariant MNIST.
"""

import keras

from zoo import layers


def maxout_mlp(
    input_shape,
    classes,
    *,
    units=(240, 240),
    pieces=5,
    dropout=0.5,
    input_dropout=0.2,
    max_norm=1.9365,
    l1=0.0,
    l2=0.0,
    classifier_activation=None,
):
    """Build a maxout network.

    Args:
        input_shape: shape of one example; anything but a vector is flattened.
        classes: size of the output: classes, or targets; 1 for a binary class.
        units: width of each hidden layer.
        pieces: affine functions each unit takes the largest of.
        dropout: share of hidden units dropped while training.
        input_dropout: share of inputs dropped while training.
        max_norm: largest norm of the weights into one piece; 0 for no limit.
        l1: penalty on absolute weights, which sets some of them to zero.
        l2: penalty on squared weights.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
    """
    penalty = layers.regularizer(l1, l2)
    limit = keras.constraints.MaxNorm(max_norm, axis=0) if max_norm else None
    inputs, x = layers.vector_input(input_shape)  # (B, d)
    x = keras.layers.Dropout(input_dropout)(x) if input_dropout else x
    for width in layers.check_units(units):
        x = layers.Maxout(width, pieces, penalty, limit)(x)  # (B, width)
        x = keras.layers.Dropout(dropout)(x) if dropout else x
    outputs = keras.layers.Dense(
        classes,
        activation=classifier_activation,
        kernel_regularizer=penalty,
        kernel_constraint=limit,
        dtype="float32",
        name="logits",
    )(x)
    return keras.Model(inputs, outputs, name="maxout_mlp")
