"""The small ResNets of 32x32 pictures: three stages, and shortcuts without parameters.

He, Zhang, Ren and Sun, Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385,
section 4.2, with the shortcuts it calls option A.
"""

import keras
from keras import ops

from zoo import layers
from zoo.layers import images


def shortcut(x, filters, strides):
    """Return every pixel or every second one, with zeros in place of the filters to come."""
    zeros = filters - x.shape[-1]
    x = x[:, ::strides, ::strides] if strides > 1 else x
    return ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, zeros))) if zeros else x


def block(x, filters, strides, activation, penalty):
    h = images.convolution(x, filters, 3, strides, activation=activation, penalty=penalty)
    h = images.convolution(h, filters, penalty=penalty)  # (B, H / strides, W / strides, filters)
    return keras.layers.Activation(activation)(h + shortcut(x, filters, strides))


def resnet_cifar(
    input_shape,
    classes,
    *,
    depth=20,
    filters=16,
    activation="relu",
    l2=0.0,
    classifier_activation=None,
    features_only=False,
):
    """Build a ResNet for small pictures.

    Args:
        input_shape: height, width and channels of a picture, made for 32 pixels a side; values in
            [0, 1].
        classes: size of the output: classes, or targets; 1 for a binary class.
        depth: layers with weights, 6n + 2: n blocks of two convolutions in each of three stages.
        filters: of the first stage; the others have two and four times as many.
        activation: non-linearity after each convolution and sum.
        l2: penalty on squared weights.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
        features_only: return the maps after each stage, at strides 1, 2 and 4, instead of the
            classes.
    """
    if depth < 8 or depth % 6 != 2:
        raise ValueError(
            f"Expected `depth` to be 6n + 2: 8, 14, 20, 32, 56 ... Received: depth={depth}"
        )
    penalty = layers.regularizer(0.0, l2)
    g = layers.activation(activation)
    inputs = images.picture_input(input_shape)
    x = images.convolution(inputs, filters, activation=g, penalty=penalty)  # (B, H, W, filters)
    features = []
    for i in range(3):
        for j in range(depth // 6):
            x = block(x, filters * 2**i, 2 if i and not j else 1, g, penalty)
        features.append(x)  # (B, H / 2**i, W / 2**i, filters * 2**i)
    if features_only:
        return keras.Model(inputs, features, name="resnet_cifar")
    x = keras.layers.GlobalAveragePooling2D()(x)  # (B, filters * 4)
    outputs = layers.logits(x, classes, penalty, classifier_activation)
    return keras.Model(inputs, outputs, name="resnet_cifar")
