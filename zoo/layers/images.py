"""What models of pictures share: their input, convolutions with normalization, poolings."""

import keras
import numpy as np
from keras import ops

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


def plain_convolution(x, filters, size=3, strides=1, *, padding=None, use_bias=False, penalty=None):
    """Return a convolution and nothing else, `(B, ceil(H / strides), ceil(W / strides), filters)`.

    Padding is the same on all sides, so that a stride begins at the first pixel; Keras's "same"
    begins at the second where a side is even.

    Args:
        x: `(B, H, W, C)`.
        filters: how many.
        size: of the kernel, pixels a side, odd.
        strides: pixels from one output to the next.
        padding: zeros on each side, `size // 2` unless told, as the papers count it.
        use_bias: whether to add a number for each filter.
        penalty: regularizer of the kernel, or None.
    """
    padding = size // 2 if padding is None else padding
    same = strides == 1 and padding == size // 2
    if padding and not same:
        x = keras.layers.ZeroPadding2D(padding)(x)
    return keras.layers.Conv2D(
        filters,
        size,
        strides,
        padding="same" if same else "valid",
        use_bias=use_bias,
        kernel_initializer="he_normal",
        kernel_regularizer=penalty,
    )(x)


def normalization(x, activation=None, *, momentum=0.9, epsilon=1e-5):
    """Return batch normalization, and an activation where one is named.

    Args:
        x: `(B, H, W, C)`.
        activation: a name or function, or None.
        momentum, epsilon: of the batch normalization, in Keras's terms.
    """
    x = layers.batch_normalization(momentum=momentum, epsilon=epsilon)(x)
    return x if activation is None else keras.layers.Activation(activation)(x)


def convolution(
    x, filters, size=3, strides=1, *, activation=None, penalty=None, momentum=0.9, epsilon=1e-5
):
    """Return a `plain_convolution`, its `normalization`, and an activation where one is named.

    Args:
        x: `(B, H, W, C)`.
        filters, size, strides, penalty: of the convolution.
        activation: a name or function, or None.
        momentum, epsilon: of the batch normalization, in Keras's terms.
    """
    x = plain_convolution(x, filters, size, strides, penalty=penalty)
    return normalization(x, activation, momentum=momentum, epsilon=epsilon)


def max_pooling(x):
    """Halve a map that is nowhere negative: the largest of 3x3, `(B, ceil(H / 2), ceil(W / 2), C)`.

    Zeros all around, as `plain_convolution` has them, are never larger than what is pooled.
    """
    return keras.layers.MaxPooling2D(3, 2)(keras.layers.ZeroPadding2D(1)(x))


def shares(size, grid):
    """Return `(grid, size)`: the share each pixel of a side has in each cell of a grid.

    Cell i is the mean of the pixels it touches, from `i * size / grid` to `(i + 1) * size / grid`;
    where there are fewer pixels than cells, a pixel is in several.
    """
    found = np.zeros((grid, size), "float32")
    for i in range(grid):
        first, last = i * size // grid, -(-(i + 1) * size // grid)
        found[i, first:last] = 1 / (last - first)
    return found


@layers.register
class GridPooling(keras.layers.Layer):
    """Average maps of any size to a grid, `(B, H, W, C)` to `(B, grid, grid, C)`.

    What PyTorch calls adaptive average pooling. Keras's layer of that name cannot be traced where
    the grid is larger than the map.
    """

    def __init__(self, grid, **kwargs):
        super().__init__(**kwargs)
        self.grid = grid

    def call(self, x):
        rows, columns = (ops.cast(shares(n, self.grid), x.dtype) for n in x.shape[1:3])
        x = ops.einsum("gh,bhwc->bgwc", rows, x)  # (B, grid, W, C)
        return ops.einsum("gw,bhwc->bhgc", columns, x)  # (B, grid, grid, C)

    def get_config(self):
        return {**super().get_config(), "grid": self.grid}


def dense_layers(x, grid, units, activation, dropout, penalty):
    """Return `(B, units)`: two dense layers with dropout over a map, as AlexNet and VGG end.

    A map of another size than `(grid, grid)` is averaged to it, or repeated where it is smaller, so
    that the parameters do not depend on the picture's size.

    Args:
        x: `(B, H, W, C)`.
        grid: pixels a side that the first layer sees.
        units: width of both layers.
        activation: after each, a name or function.
        dropout: share of units dropped after each while training.
        penalty: regularizer of the kernels, or None.
    """
    if x.shape[1:3] != (grid, grid):
        x = GridPooling(grid)(x)
    x = keras.layers.Flatten()(x)  # (B, grid * grid * C)
    for _ in range(2):
        x = keras.layers.Dense(units, activation=activation, kernel_regularizer=penalty)(x)
        x = keras.layers.Dropout(dropout)(x) if dropout else x
    return x
