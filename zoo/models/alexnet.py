"""AlexNet, the network that won ImageNet in 2012, in the form that runs on one device.

Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014, arXiv:1404.5997,
and before it Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional
Neural Networks, 2012: here without the two columns and the normalization of local responses, with
64 filters in the first convolution and 256 in the fourth, as torchvision has it.
"""

import keras

from zoo import layers
from zoo.layers import images


def alexnet(
    input_shape,
    classes,
    *,
    filters=(64, 192, 384, 256, 256),
    units=4096,
    activation="relu",
    dropout=0.5,
    l2=0.0,
    classifier_activation=None,
    features_only=False,
):
    """Build AlexNet.

    Pictures of another size than 224 pixels end in a map that is not 6x6; it is averaged to that.

    Args:
        input_shape: height, width and channels of a picture of at least 63 pixels a side; values in
            [0, 1].
        classes: size of the output: classes, or targets; 1 for a binary class.
        filters: of the five convolutions.
        units: width of the two dense layers.
        activation: non-linearity after each layer.
        dropout: share of units dropped after each dense layer while training.
        l2: penalty on squared weights.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
        features_only: return the maps before each pooling and after the last, at strides 4, 8, 16
            and 32, instead of the classes.
    """
    if len(filters) != 5:
        raise ValueError(
            "Expected `filters` to be five numbers, one a convolution. "
            f"Received: filters={tuple(filters)}"
        )
    penalty = layers.regularizer(0.0, l2)
    g = layers.activation(activation)
    inputs = images.picture_input(input_shape, smallest=63)
    x = images.plain_convolution(
        inputs, filters[0], 11, 4, padding=2, use_bias=True, penalty=penalty
    )
    x = keras.layers.Activation(g)(x)
    features = [x]  # (B, 55, 55, 64) of 224 pixels
    for size, widths in ((5, filters[1:2]), (3, filters[2:])):
        x = keras.layers.MaxPooling2D(3, 2)(x)
        for width in widths:
            x = images.plain_convolution(x, width, size, use_bias=True, penalty=penalty)
            x = keras.layers.Activation(g)(x)
        features.append(x)  # (B, 27, 27, 192), (B, 13, 13, 256)
    x = keras.layers.MaxPooling2D(3, 2)(x)
    features.append(x)  # (B, 6, 6, 256)
    if features_only:
        return keras.Model(inputs, features, name="alexnet")
    x = images.dense_layers(x, 6, units, g, dropout, penalty)  # (B, units)
    outputs = layers.logits(x, classes, penalty, classifier_activation)
    return keras.Model(inputs, outputs, name="alexnet")
