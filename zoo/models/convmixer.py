"""ConvMixer: patches, mixed in turn by convolutions of each channel and by 1x1 convolutions.

Trockman and Kolter, Patches Are All You Need?, 2022, arXiv:2201.09792.
"""

import keras

from zoo import layers
from zoo.layers import images


def convmixer(
    input_shape,
    classes,
    *,
    filters=256,
    depth=8,
    size=5,
    patch=2,
    activation="gelu",
    classifier_activation=None,
    features_only=False,
):
    """Build a ConvMixer.

    Args:
        input_shape: height, width and channels of a picture of at least `patch` pixels a side;
            values in [0, 1].
        classes: size of the output: classes, or targets; 1 for a binary class.
        filters: width of every layer.
        depth: pairs of convolutions, of each channel and of size 1x1.
        size: of the kernels of each channel, in patches a side, odd.
        patch: pixels a side of a patch; an incomplete one at the edge is not seen.
        activation: non-linearity after each convolution.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
        features_only: return the last map, at the one stride `patch`, instead of the classes.
    """
    g = layers.activation(activation)

    def activated(x):
        x = keras.layers.Activation(g)(x)
        return layers.batch_normalization(momentum=0.9, epsilon=1e-5)(x)

    inputs = images.picture_input(input_shape, smallest=patch)
    x = activated(keras.layers.Conv2D(filters, patch, patch)(inputs))  # (B, H / patch, ., filters)
    for _ in range(depth):
        x = x + activated(keras.layers.DepthwiseConv2D(size, padding="same")(x))
        x = activated(keras.layers.Conv2D(filters, 1)(x))
    if features_only:
        return keras.Model(inputs, [x], name="convmixer")
    x = keras.layers.GlobalAveragePooling2D()(x)  # (B, filters)
    outputs = layers.logits(x, classes, None, classifier_activation)
    return keras.Model(inputs, outputs, name="convmixer")
