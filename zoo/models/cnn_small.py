"""A small convolutional network for small pictures: the VGG pattern with batch normalization.

Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, 2014,
arXiv:1409.1556, for stages of 3x3 convolutions that double their filters where the picture is
halved; Ioffe and Szegedy, Batch Normalization, 2015, arXiv:1502.03167; Lin, Chen and Yan, Network
In Network, 2013, arXiv:1312.4400, for the mean over the picture in place of dense layers.
"""

import keras

from zoo import layers
from zoo.layers import images


def stage(x, filters, depth, activation, penalty):
    for _ in range(depth):
        x = keras.layers.Conv2D(
            filters, 3, padding="same", use_bias=False, kernel_regularizer=penalty
        )(x)
        x = keras.layers.Activation(activation)(layers.batch_normalization(momentum=0.9)(x))
    return x  # (B, H, W, filters)


def cnn_small(
    input_shape,
    classes,
    *,
    filters=32,
    stages=3,
    depth=2,
    activation="relu",
    dropout=0.5,
    l2=0.0,
    classifier_activation=None,
    features_only=False,
):
    """Build a small convolutional network.

    Args:
        input_shape: height, width and channels of a picture of at least 2**(stages - 1) pixels a
            side; values in [0, 1].
        classes: size of the output: classes, or targets; 1 for a binary class.
        filters: of the first stage; each further one has twice as many, at half the size.
        stages: how often the picture is looked at, one time less halved.
        depth: convolutions a stage.
        activation: non-linearity after each convolution.
        dropout: share of values dropped before the output while training; further ahead it would
            widen what batch normalization takes for the usual spread.
        l2: penalty on squared weights.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
        features_only: return the maps after each stage, the finest first, instead of the classes.
    """
    penalty = layers.regularizer(0.0, l2)
    g = layers.activation(activation)
    x = inputs = images.picture_input(input_shape, smallest=2 ** (stages - 1))
    features = []
    for i in range(stages):
        x = keras.layers.MaxPooling2D(2)(x) if i else x  # (B, H / 2**i, W / 2**i, .)
        x = stage(x, filters * 2**i, depth, g, penalty)
        features.append(x)
    if features_only:
        return keras.Model(inputs, features, name="cnn_small")
    x = keras.layers.GlobalAveragePooling2D()(x)  # (B, filters * 2**(stages - 1))
    x = keras.layers.Dropout(dropout)(x) if dropout else x
    outputs = layers.logits(x, classes, penalty, classifier_activation)
    return keras.Model(inputs, outputs, name="cnn_small")
