"""MobileNetV2: a network for telephones, of inverted residuals.

Sandler, Howard, Zhu, Zhmoginov and Chen, MobileNetV2: Inverted Residuals and Linear Bottlenecks,
2018, arXiv:1801.04381, table 2; padding and batch normalization as in keras.applications.
"""

import keras

from zoo import layers
from zoo.layers import images, mobile

# Expansion, filters, blocks, stride of the first block.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
LAST = 1280  # filters before the classes; a narrower network keeps them


def mobilenet_v2(
    input_shape,
    classes,
    *,
    alpha=1.0,
    momentum=0.999,
    dropout=0.0,
    l2=0.0,
    classifier_activation=None,
    features_only=False,
):
    """Build a MobileNetV2.

    Args:
        input_shape: height, width and channels of a picture, made for 224 pixels a side; values in
            [0, 1].
        classes: size of the output: classes, or targets; 1 for a binary class.
        alpha: width, as a multiple of the paper's.
        momentum: of the batch normalization; lower it where there are few steps.
        dropout: share of values dropped before the output while training.
        l2: penalty on squared weights.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
        features_only: return the last map at each of the strides 2, 4, 8, 16 and 32 instead of the
            classes.
    """
    shared = {"momentum": momentum, "penalty": layers.regularizer(0.0, l2)}
    inputs = images.picture_input(input_shape)
    x = mobile.convolution(inputs, mobile.divisible(32 * alpha), 3, 2, **shared)
    features = []
    for expansion, filters, blocks, strides in STAGES:
        if strides == 2:
            features.append(x)
        for i in range(blocks):
            width, step = mobile.divisible(int(filters * alpha)), 1 if i else strides
            x = mobile.inverted_residual(x, width, 3, step, expansion=expansion, **shared)
    if features_only:  # 16, 24, 32, 96 and 320 channels
        return keras.Model(inputs, [*features, x], name="mobilenet_v2")
    x = mobile.convolution(x, mobile.divisible(LAST * max(alpha, 1.0)), **shared)
    x = keras.layers.GlobalAveragePooling2D()(x)  # (B, 1280)
    x = keras.layers.Dropout(dropout)(x) if dropout else x
    outputs = layers.logits(x, classes, shared["penalty"], classifier_activation)
    return keras.Model(inputs, outputs, name="mobilenet_v2")
