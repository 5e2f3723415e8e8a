"""DenseNet-BC: layers that see all maps before them, and add a few of their own.

Huang, Liu, van der Maaten and Weinberger, Densely Connected Convolutional Networks, 2016,
arXiv:1608.06993: the form with bottlenecks (B) and compression (C), table 1 for pictures of 224
pixels, section 4.2 for those of 32.
"""

import keras

from zoo import layers
from zoo.layers import images

EPSILON = 1.001e-5  # as keras.applications has it


def convolution(a, filters, size, dropout, penalty):
    """Return a convolution with dropout of what was normalized before."""
    x = images.plain_convolution(a, filters, size, penalty=penalty)
    return keras.layers.Dropout(dropout)(x) if dropout else x


def layer(x, growth, activation, dropout, penalty):
    """Add `growth` maps to those there are, by way of four times as many."""
    a = images.normalization(x, activation, epsilon=EPSILON)
    h = convolution(a, 4 * growth, 1, dropout, penalty)
    a = images.normalization(h, activation, epsilon=EPSILON)
    h = convolution(a, growth, 3, dropout, penalty)
    return keras.layers.Concatenate()([x, h])  # (B, H, W, C + growth)


def transition(a, compression, dropout, penalty):
    x = convolution(a, int(a.shape[-1] * compression), 1, dropout, penalty)
    return keras.layers.AveragePooling2D(2)(x)  # (B, H / 2, W / 2, compression * C)


def densenet(
    input_shape,
    classes,
    *,
    blocks=(6, 12, 24, 16),
    growth=32,
    compression=0.5,
    large=True,
    activation="relu",
    dropout=0.0,
    l2=0.0,
    classifier_activation=None,
    features_only=False,
):
    """Build a DenseNet-BC.

    Args:
        input_shape: height, width and channels of a picture of at least 2**(stages - 1) pixels a
            side, four times that if `large`; values in [0, 1].
        classes: size of the output: classes, or targets; 1 for a binary class.
        blocks: layers of two convolutions in each dense block; (6, 12, 24, 16) is DenseNet-121.
        growth: maps each layer adds; the paper's k.
        compression: share of the maps that is kept between blocks.
        large: begin with a 7x7 convolution and a pooling, which quarter the sides, as for 224
            pixels, not with a 3x3 convolution, as for 32.
        activation: non-linearity before each convolution.
        dropout: share of values dropped after each convolution but the first while training.
        l2: penalty on squared weights.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
        features_only: return the normalized maps after each block, instead of the classes: at
            strides 1, 2, 4 ...; if `large`, at 4, 8, 16 ..., and that before the pooling, at 2.
    """
    penalty = layers.regularizer(0.0, l2)
    g = layers.activation(activation)
    inputs = images.picture_input(input_shape, smallest=2 ** (len(blocks) + (1 if large else -1)))
    features = []
    size, strides = (7, 2) if large else (3, 1)
    x = images.plain_convolution(inputs, 2 * growth, size, strides, penalty=penalty)
    if large:
        x = images.normalization(x, g, epsilon=EPSILON)
        features.append(x)  # (B, H / 2, W / 2, 2 * growth)
        x = images.max_pooling(x)
    for i, depth in enumerate(blocks):
        if i:
            x = transition(features[-1], compression, dropout, penalty)
        for _ in range(depth):
            x = layer(x, growth, g, dropout, penalty)
        x = images.normalization(x, g, epsilon=EPSILON)
        features.append(x)  # (B, H / 2**i, W / 2**i, .), a quarter of that if large
    if features_only:
        return keras.Model(inputs, features, name="densenet")
    x = keras.layers.GlobalAveragePooling2D()(x)  # (B, .)
    outputs = layers.logits(x, classes, penalty, classifier_activation)
    return keras.Model(inputs, outputs, name="densenet")
