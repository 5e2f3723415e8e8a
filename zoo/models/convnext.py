"""ConvNeXt: a convolutional network made over after the Swin Transformer.

Liu, Mao, Wu, Feichtenhofer, Darrell and Xie, A ConvNet for the 2020s, 2022, arXiv:2201.03545.
"""

import keras

from zoo import layers
from zoo.layers import images, residual

EXPANSION = 4  # of the channels inside a block


def normal():
    return keras.initializers.TruncatedNormal(stddev=0.02)


def normalization(x):
    return keras.layers.LayerNormalization(epsilon=1e-6)(x)


def patches(x, filters, size):
    """Look at squares that do not overlap, `(B, H // size, W // size, filters)`."""
    return keras.layers.Conv2D(filters, size, size, kernel_initializer=normal())(x)


def block(x, rate, scale):
    filters = x.shape[-1]
    h = keras.layers.DepthwiseConv2D(7, padding="same", depthwise_initializer=normal())(x)
    h = normalization(h)
    h = keras.layers.Dense(EXPANSION * filters, kernel_initializer=normal())(h)
    h = keras.layers.Activation(layers.gelu)(h)
    h = keras.layers.Dense(filters, kernel_initializer=normal())(h)
    h = residual.LayerScale(scale)(h) if scale else h
    return x + residual.stochastic_depth(h, rate)  # (B, H, W, filters)


def convnext(
    input_shape,
    classes,
    *,
    depths=(3, 3, 9, 3),
    filters=(96, 192, 384, 768),
    patch=4,
    layer_scale=1e-6,
    stochastic_depth=0.0,
    classifier_activation=None,
    features_only=False,
):
    """Build a ConvNeXt.

    Args:
        input_shape: height, width and channels of a picture, made for 224 pixels a side; at least
            `patch`, doubled for each further stage; values in [0, 1].
        classes: size of the output: classes, or targets; 1 for a binary class.
        depths: blocks of each stage.
        filters: of each stage; each further one is at half the size.
        patch: pixels a side of the squares the first stage begins with; less for small pictures.
        layer_scale: what each branch is multiplied by before it learns; 0 for none.
        stochastic_depth: share of examples that skip the last block while training; earlier blocks
            are skipped less.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
        features_only: return the map after each stage, at strides 4, 8, 16 and 32, instead of the
            classes.
    """
    if len(depths) != len(filters):
        raise ValueError(
            "Expected `depths` and `filters` to have a number for each stage. "
            f"Received: depths={depths}, filters={filters}"
        )
    inputs = images.picture_input(input_shape, smallest=patch * 2 ** (len(depths) - 1))
    x = normalization(patches(inputs, filters[0], patch))  # (B, H / 4, W / 4, 96)
    features, rates = [], iter(residual.rising(stochastic_depth, sum(depths)))
    for i, depth in enumerate(depths):
        x = patches(normalization(x), filters[i], 2) if i else x
        for _ in range(depth):
            x = block(x, next(rates), layer_scale)
        features.append(x)  # (B, H / 2**(i + 2), W / 2**(i + 2), filters[i])
    if features_only:
        return keras.Model(inputs, features, name="convnext")
    x = normalization(keras.layers.GlobalAveragePooling2D()(x))  # (B, 768)
    outputs = layers.logits(x, classes, None, classifier_activation)
    return keras.Model(inputs, outputs, name="convnext")
