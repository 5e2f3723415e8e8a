"""A linear model: one affine function of the input and no hidden layer.

With cross-entropy it is logistic (softmax) regression, with squared error linear regression.
However wide, it separates classes by straight lines only: compare it with `mlp` on spirals.
"""

import keras

from zoo import layers


def linear(input_shape, classes, *, l1=0.0, l2=0.0, classifier_activation=None):
    """Build a linear model.

    Args:
        input_shape: shape of one example; anything but a vector is flattened.
        classes: size of the output: classes, or targets; 1 for a binary class.
        l1: penalty on absolute weights, which sets some of them to zero.
        l2: penalty on squared weights.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
    """
    inputs, x = layers.vector_input(input_shape)  # (B, d)
    outputs = layers.logits(x, classes, layers.regularizer(l1, l2), classifier_activation)
    return keras.Model(inputs, outputs, name="linear")
