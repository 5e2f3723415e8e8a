"""EfficientNet-Lite: EfficientNet for telephones and for whole numbers.

Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019,
arXiv:1905.11946, in the form Google published in 2020: without squeeze-and-excitation, ReLU6 in
place of swish, and a stem and a head that keep their width whatever the scale.
"""

import math

import keras

from zoo import layers
from zoo.layers import images, mobile, residual

# Expansion, filters, blocks, kernel, stride of the first block.
STAGES = (
    (1, 16, 1, 3, 1),
    (6, 24, 2, 3, 2),
    (6, 40, 2, 5, 2),
    (6, 80, 3, 3, 2),
    (6, 112, 3, 5, 1),
    (6, 192, 4, 5, 2),
    (6, 320, 1, 3, 1),
)
STEM, HEAD = 32, 1280


def plan(width, depth):
    """Return kernel, stride, expansion and filters of every block; ends keep their depth."""
    blocks = []
    for i, (expansion, filters, repeats, size, strides) in enumerate(STAGES):
        ends = i in (0, len(STAGES) - 1)
        for j in range(repeats if ends else math.ceil(depth * repeats)):
            step = 1 if j else strides
            blocks.append((size, step, expansion, mobile.divisible(width * filters)))
    return blocks


def efficientnet_lite(
    input_shape,
    classes,
    *,
    width=1.0,
    depth=1.0,
    dropout=0.2,
    stochastic_depth=0.2,
    l2=0.0,
    classifier_activation=None,
    features_only=False,
):
    """Build an EfficientNet-Lite.

    Args:
        input_shape: height, width and channels of a picture, made for 224 pixels a side; values in
            [0, 1], brought to those of the published weights inside.
        classes: size of the output: classes, or targets; 1 for a binary class.
        width: filters, as a multiple of Lite0's.
        depth: blocks a stage, as a multiple of Lite0's.
        dropout: share of values dropped before the output while training.
        stochastic_depth: share of examples that skip the last block while training; earlier blocks
            are skipped less.
        l2: penalty on squared weights.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
        features_only: return the last map at each of the strides 2, 4, 8, 16 and 32 instead of the
            classes.
    """
    penalty = layers.regularizer(0.0, l2)
    inputs = images.picture_input(input_shape)
    x = keras.layers.Rescaling(255 / 128, -127 / 128)(inputs)  # (pixel - 127) / 128
    x = mobile.convolution(x, STEM, 3, 2, penalty=penalty)
    blocks, features = plan(width, depth), []
    rates = residual.rising(stochastic_depth, len(blocks))
    for (size, strides, expansion, filters), rate in zip(blocks, rates, strict=True):
        if strides == 2:
            features.append(x)
        x = mobile.inverted_residual(
            x, filters, size, strides, expansion=expansion, penalty=penalty, rate=rate
        )
    if features_only:  # 16, 24, 40, 112 and 320 channels
        return keras.Model(inputs, [*features, x], name="efficientnet_lite")
    x = mobile.convolution(x, HEAD, penalty=penalty)
    x = keras.layers.GlobalAveragePooling2D()(x)  # (B, 1280)
    x = keras.layers.Dropout(dropout)(x) if dropout else x
    outputs = layers.logits(x, classes, penalty, classifier_activation)
    return keras.Model(inputs, outputs, name="efficientnet_lite")
