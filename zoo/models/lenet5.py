"""LeNet-5, the convolutional network that read handwritten digits.

LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998.
The form everybody counts at 61,706 parameters on 32x32x1 with 10 classes: C3 connected to all maps
of S2 (the paper's table connects some), pooling without coefficients, a dense output instead of
distances to drawn digits.
"""

import keras

from zoo import layers


def to_32(x, height, width):
    """Bring pictures to the 32x32 the network was designed for."""
    if 28 <= height <= 32 and 28 <= width <= 32:
        rows, columns = 32 - height, 32 - width
        padding = ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2))
        return x if not (rows or columns) else keras.layers.ZeroPadding2D(padding)(x)
    return keras.layers.Resizing(32, 32)(x)


def lenet5(
    input_shape, classes, *, activation="relu", dropout=0.0, l2=0.0, classifier_activation=None
):
    """Build LeNet-5.

    It sees 32x32 pixels: pictures of 28 to 32 pixels are padded with zeros, as the paper pads its
    28x28 digits; any other size, such as 8x8, is enlarged or reduced by bilinear interpolation. So
    the parameters do not depend on the picture's size.

    Args:
        input_shape: height, width and channels of a picture; values in [0, 1].
        classes: size of the output: classes, or targets; 1 for a binary class.
        activation: non-linearity after each layer; the paper's is tanh, relu reads digits better.
        dropout: share of units dropped in the two dense layers while training.
        l2: penalty on squared weights.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
    """
    if len(input_shape) != 3:
        raise ValueError(
            "Expected `input_shape` to be (height, width, channels). "
            f"Received: input_shape={input_shape}"
        )
    penalty = layers.regularizer(0.0, l2)
    g = layers.activation(activation)
    inputs = keras.Input(input_shape)
    x = to_32(inputs, *input_shape[:2])  # (B, 32, 32, C)
    x = keras.layers.Conv2D(6, 5, activation=g, kernel_regularizer=penalty, name="c1")(x)
    x = keras.layers.AveragePooling2D(2, name="s2")(x)  # (B, 14, 14, 6)
    x = keras.layers.Conv2D(16, 5, activation=g, kernel_regularizer=penalty, name="c3")(x)
    x = keras.layers.AveragePooling2D(2, name="s4")(x)  # (B, 5, 5, 16)
    x = keras.layers.Flatten()(x)
    for name, units in (("c5", 120), ("f6", 84)):
        x = keras.layers.Dense(units, activation=g, kernel_regularizer=penalty, name=name)(x)
        x = keras.layers.Dropout(dropout)(x) if dropout else x  # (B, units)
    outputs = layers.logits(x, classes, penalty, classifier_activation)
    return keras.Model(inputs, outputs, name="lenet5")
