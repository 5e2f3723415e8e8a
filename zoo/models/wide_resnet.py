"""Wide ResNet: few residual blocks with many filters, normalized before each convolution.

Zagoruyko and Komodakis, Wide Residual Networks, 2016, arXiv:1605.07146, table 1: blocks B(3, 3),
with dropout between the convolutions; He, Zhang, Ren and Sun, Identity Mappings in Deep Residual
Networks, 2016, arXiv:1603.05027, for normalization and non-linearity ahead of the convolution.
"""

import keras

from zoo import layers
from zoo.layers import images


def block(x, a, filters, strides, activation, dropout, penalty):
    """Add two convolutions of `a`, which is `x` normalized, to `x`."""
    h = images.convolution(a, filters, 3, strides, activation=activation, penalty=penalty)
    h = keras.layers.Dropout(dropout)(h) if dropout else h
    h = images.plain_convolution(h, filters, penalty=penalty)
    if h.shape != x.shape:
        x = images.plain_convolution(a, filters, 1, strides, penalty=penalty)
    return h + x  # (B, H / strides, W / strides, filters)


def wide_resnet(
    input_shape,
    classes,
    *,
    depth=28,
    width=10,
    filters=16,
    activation="relu",
    dropout=0.0,
    l2=0.0,
    classifier_activation=None,
    features_only=False,
):
    """Build a wide ResNet.

    Args:
        input_shape: height, width and channels of a picture, made for 32 pixels a side; values in
            [0, 1].
        classes: size of the output: classes, or targets; 1 for a binary class.
        depth: layers with weights, 6n + 4: n blocks of two convolutions in each of three stages.
        width: how many times as many filters as a ResNet has; the paper's k.
        filters: of the first convolution; the stages have `width` times as many, and twice and four
            times that.
        activation: non-linearity before each convolution.
        dropout: share of values dropped between the convolutions of a block while training.
        l2: penalty on squared weights.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
        features_only: return the normalized maps after each stage, at strides 1, 2 and 4, instead
            of the classes.
    """
    if depth < 10 or depth % 6 != 4:
        raise ValueError(
            f"Expected `depth` to be 6n + 4: 10, 16, 22, 28, 40 ... Received: depth={depth}"
        )
    penalty = layers.regularizer(0.0, l2)
    g = layers.activation(activation)
    inputs = images.picture_input(input_shape)
    x = images.plain_convolution(inputs, filters, penalty=penalty)  # (B, H, W, filters)
    a = images.normalization(x, g)
    features = []
    for i in range(3):
        for j in range(depth // 6):
            strides = 2 if i and not j else 1
            x = block(x, a, filters * width * 2**i, strides, g, dropout, penalty)
            a = images.normalization(x, g)
        features.append(a)  # (B, H / 2**i, W / 2**i, filters * width * 2**i)
    if features_only:
        return keras.Model(inputs, features, name="wide_resnet")
    x = keras.layers.GlobalAveragePooling2D()(a)  # (B, filters * width * 4)
    outputs = layers.logits(x, classes, penalty, classifier_activation)
    return keras.Model(inputs, outputs, name="wide_resnet")
