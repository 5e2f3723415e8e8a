"""ResNet: blocks of convolutions that learn what to add to their input.

He, Zhang, Ren and Sun, Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385, table
1. Where a bottleneck halves the picture it does so in its 3x3 convolution, as torchvision and timm
have it and Goyal and others, 2017, arXiv:1706.02677, describe it; the paper's first convolution
of the block would skip three of four pixels.
"""

import keras

from zoo import layers
from zoo.layers import images

EXPANSION = 4  # of the filters at the end of a bottleneck


def basic(x, filters, strides, activation, penalty):
    x = images.convolution(x, filters, 3, strides, activation=activation, penalty=penalty)
    return images.convolution(x, filters, penalty=penalty)  # (B, H / strides, W / strides, filters)


def bottleneck(x, filters, strides, activation, penalty):
    x = images.convolution(x, filters, 1, activation=activation, penalty=penalty)
    x = images.convolution(x, filters, 3, strides, activation=activation, penalty=penalty)
    return images.convolution(x, EXPANSION * filters, 1, penalty=penalty)


def residual(x, branch, filters, strides, activation, penalty):
    """Add a branch to its input, which a 1x1 convolution brings to its shape where they differ."""
    h = branch(x, filters, strides, activation, penalty)
    if h.shape != x.shape:
        x = images.convolution(x, h.shape[-1], 1, strides, penalty=penalty)
    return keras.layers.Activation(activation)(h + x)


def resnet(
    input_shape,
    classes,
    *,
    blocks=(3, 4, 6, 3),
    bottlenecks=True,
    filters=64,
    activation="relu",
    l2=0.0,
    classifier_activation=None,
    features_only=False,
):
    """Build a ResNet.

    Args:
        input_shape: height, width and channels of a picture, made for 224 pixels a side; values in
            [0, 1].
        classes: size of the output: classes, or targets; 1 for a binary class.
        blocks: residual blocks of each stage; (3, 4, 6, 3) is ResNet-50, or ResNet-34 without
            bottlenecks.
        bottlenecks: make a block of three convolutions, 1x1, 3x3, and 1x1 with four times the
            filters, not of two 3x3.
        filters: of the first stage; each further one has twice as many, at half the size.
        activation: non-linearity after each convolution and sum.
        l2: penalty on squared weights.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
        features_only: return the maps after the first convolution and each stage, at strides 2, 4,
            8, 16 and 32, instead of the classes.
    """
    penalty = layers.regularizer(0.0, l2)
    g = layers.activation(activation)
    inputs = images.picture_input(input_shape)
    x = images.convolution(inputs, filters, 7, 2, activation=g, penalty=penalty)
    features = [x]  # (B, H / 2, W / 2, filters)
    x = images.max_pooling(x)
    branch = bottleneck if bottlenecks else basic
    for i, depth in enumerate(blocks):
        for j in range(depth):
            strides = 2 if i and not j else 1
            x = residual(x, branch, filters * 2**i, strides, g, penalty)
        features.append(x)  # (B, H / 2**(i + 2), W / 2**(i + 2), filters * 2**i, or four times it)
    if features_only:
        return keras.Model(inputs, features, name="resnet")
    x = keras.layers.GlobalAveragePooling2D()(x)  # (B, .)
    outputs = layers.logits(x, classes, penalty, classifier_activation)
    return keras.Model(inputs, outputs, name="resnet")
