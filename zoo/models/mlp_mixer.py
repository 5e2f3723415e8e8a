"""MLP-Mixer: patches, mixed in turn by an MLP over places and an MLP over channels.

Tolstikhin, Houlsby, Kolesnikov, Beyer and others, MLP-Mixer: An all-MLP Architecture for Vision,
2021, arXiv:2105.01601.
"""

import keras

from zoo import layers
from zoo.layers import images, residual


def normalization(x):
    return keras.layers.LayerNormalization(epsilon=1e-6)(x)


def mlp(x, hidden):
    width = x.shape[-1]
    x = keras.layers.Activation(layers.gelu)(keras.layers.Dense(hidden)(x))
    return keras.layers.Dense(width)(x)


def block(x, tokens, channels, rate):
    h = keras.layers.Permute((2, 1))(normalization(x))  # (B, width, places)
    h = keras.layers.Permute((2, 1))(mlp(h, tokens))
    x = x + residual.stochastic_depth(h, rate)
    h = mlp(normalization(x), channels)
    return x + residual.stochastic_depth(h, rate)  # (B, places, width)


def places(input_shape, patch):
    """Return how many patches a picture has down and across."""
    height, width = input_shape[:2]
    if patch < 1 or height % patch or width % patch:
        raise ValueError(
            f"Expected `patch` to divide the picture's {height}x{width} pixels: an MLP-Mixer has "
            f"weights for each place of a picture. Received: patch={patch}"
        )
    return height // patch, width // patch


def mlp_mixer(
    input_shape,
    classes,
    *,
    width=128,
    depth=4,
    patch=4,
    tokens=64,
    channels=512,
    stochastic_depth=0.0,
    classifier_activation=None,
    features_only=False,
):
    """Build an MLP-Mixer; how many parameters it has depends on the size of the picture.

    Args:
        input_shape: height, width and channels of a picture whose sides `patch` divides; values in
            [0, 1].
        classes: size of the output: classes, or targets; 1 for a binary class.
        width: numbers a patch is described by.
        depth: blocks of two MLPs.
        patch: pixels a side of a patch.
        tokens: hidden units of the MLP over places.
        channels: hidden units of the MLP over channels.
        stochastic_depth: share of examples that skip the last block while training; earlier blocks
            are skipped less.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
        features_only: return the last map, at the one stride `patch`, instead of the classes.
    """
    inputs = images.picture_input(input_shape)
    rows, columns = places(input_shape, patch)
    x = keras.layers.Conv2D(width, patch, patch)(inputs)  # (B, rows, columns, width)
    x = keras.layers.Reshape((rows * columns, width))(x)
    for rate in residual.rising(stochastic_depth, depth):
        x = block(x, tokens, channels, rate)
    x = normalization(x)
    if features_only:
        x = keras.layers.Reshape((rows, columns, width))(x)
        return keras.Model(inputs, [x], name="mlp_mixer")
    x = keras.layers.GlobalAveragePooling1D()(x)  # (B, width)
    outputs = layers.logits(x, classes, None, classifier_activation)
    return keras.Model(inputs, outputs, name="mlp_mixer")
