"""What models of pictures share: their input, and convolutions with batch normalization."""

import keras

from zoo import layers


def picture_input(input_shape, smallest=1):
    """Return an input of pictures `(B, height, width, channels)`.

    Args:
        input_shape: height, width and channels.
        smallest: pixels a side that the architecture needs.
    """
    if len(input_shape) != 3 or min(input_shape[:2]) < smallest or input_shape[2] < 1:
        raise ValueError(
            f"Expected `input_shape` to be (height, width, channels) of at least {smallest} pixels "
            f"a side. Received: input_shape={tuple(input_shape)}"
        )
    return keras.Input(input_shape)


def convolution(
    x, filters, size=3, strides=1, *, activation=None, penalty=None, momentum=0.9, epsilon=1e-5
):
    """Return a convolution without bias, batch normalization, and an activation where one is named.

    Padding is the same on all sides, `size // 2` as the papers count it, so that a stride begins
    at the first pixel; Keras's "same" begins at the second where a side is even.

    Args:
        x: `(B, H, W, C)`.
        filters: how many.
        size: of the kernel, pixels a side.
        strides: pixels from one output to the next.
        activation: a name or function, or None.
        penalty: regularizer of the kernel, or None.
        momentum, epsilon: of the batch normalization, in Keras's terms.
    """
    same = strides == 1
    if not same and size > 1:
        x = keras.layers.ZeroPadding2D(size // 2)(x)
    x = keras.layers.Conv2D(
        filters,
        size,
        strides,
        padding="same" if same else "valid",
        use_bias=False,
        kernel_initializer="he_normal",
        kernel_regularizer=penalty,
    )(x)
    x = layers.batch_normalization(momentum=momentum, epsilon=epsilon)(x)
    return x if activation is None else keras.layers.Activation(activation)(x)
