"""VGG: stages of 3x3 convolutions, each on a picture of half the size, and three dense layers.

Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, 2014,
arXiv:1409.1556, table 1, configurations A, B, D and E. With batch normalization, which is younger
than the paper, it is the network that torchvision calls vgg16_bn.
"""

import keras

from zoo import layers
from zoo.layers import images


def convolution(x, filters, activation, batch_norm, penalty):
    x = images.plain_convolution(x, filters, use_bias=True, penalty=penalty)
    if batch_norm:
        return images.normalization(x, activation)
    return keras.layers.Activation(activation)(x)  # (B, H, W, filters)


def vgg(
    input_shape,
    classes,
    *,
    depths=(2, 2, 3, 3, 3),
    filters=(64, 128, 256, 512, 512),
    units=4096,
    batch_norm=False,
    activation="relu",
    dropout=0.5,
    l2=0.0,
    classifier_activation=None,
    features_only=False,
):
    """Build a VGG network.

    Pictures of another size than 224 pixels end in a map that is not 7x7; it is averaged to that.

    Args:
        input_shape: height, width and channels of a picture of at least 32 pixels a side; values in
            [0, 1].
        classes: size of the output: classes, or targets; 1 for a binary class.
        depths: convolutions of each stage; (2, 2, 3, 3, 3) is VGG-16.
        filters: of each stage.
        units: width of the two dense layers.
        batch_norm: normalize after each convolution, which the paper does not; without, a network
            this deep learns slowly from scratch.
        activation: non-linearity after each layer.
        dropout: share of units dropped after each dense layer while training.
        l2: penalty on squared weights.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
        features_only: return the maps before each pooling and after the last, at strides 1, 2, 4,
            8, 16 and 32, instead of the classes.
    """
    if len(depths) != len(filters):
        raise ValueError(
            "Expected as many `depths` as `filters`, one a stage. "
            f"Received: depths={tuple(depths)}, filters={tuple(filters)}"
        )
    penalty = layers.regularizer(0.0, l2)
    g = layers.activation(activation)
    x = inputs = images.picture_input(input_shape, smallest=2 ** len(depths))
    features = []
    for depth, width in zip(depths, filters, strict=True):
        for _ in range(depth):
            x = convolution(x, width, g, batch_norm, penalty)
        features.append(x)  # (B, H / 2**i, W / 2**i, width) of stage i
        x = keras.layers.MaxPooling2D(2)(x)
    if features_only:
        return keras.Model(inputs, [*features, x], name="vgg")
    x = images.dense_layers(x, 7, units, g, dropout, penalty)  # (B, units)
    outputs = layers.logits(x, classes, penalty, classifier_activation)
    return keras.Model(inputs, outputs, name="vgg")
