"""What convolutional networks for telephones share: inverted residuals of cheap convolutions.

Sandler, Howard, Zhu, Zhmoginov and Chen, MobileNetV2: Inverted Residuals and Linear Bottlenecks,
2018, arXiv:1801.04381. Padding is TensorFlow's "same", as in the published networks: where a side
is even, a stride of two begins at the second pixel.
"""

import keras

from zoo import layers
from zoo.layers import residual

KERNELS = keras.initializers.VarianceScaling(2.0, "fan_out")  # right for one channel a filter, too


def divisible(filters, by=8):
    """Return the nearest multiple of `by`, or the next where that would lose over a tenth."""
    nearest = max(by, int(filters + by / 2) // by * by)
    return nearest if nearest >= 0.9 * filters else nearest + by


def normalization(x, activation, momentum):
    x = layers.batch_normalization(momentum=momentum, epsilon=1e-3)(x)
    return keras.layers.Activation(activation)(x) if activation else x


def convolution(x, filters, size=1, strides=1, *, activation="relu6", momentum=0.99, penalty=None):
    """Return a convolution without bias, batch normalization, and an activation or None.

    Args:
        x: `(B, H, W, C)`.
        filters, size, strides: of the convolution.
        activation: by its Keras name, or None.
        momentum: of the batch normalization.
        penalty: regularizer of the kernel, or None.
    """
    x = keras.layers.Conv2D(
        filters,
        size,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer=KERNELS.clone(),
        kernel_regularizer=penalty,
    )(x)
    return normalization(x, activation, momentum)  # (B, ceil(H / strides), ., filters)


def inverted_residual(
    x, filters, size=3, strides=1, *, expansion=6, momentum=0.99, penalty=None, rate=0.0
):
    """Return a block that widens, looks around in each channel, and narrows without activation.

    Its input is added where the shapes agree.

    Args:
        x: `(B, H, W, C)`.
        filters: at the end.
        size, strides: of the convolution of each channel.
        expansion: width between, as a multiple of C.
        momentum: of the batch normalization.
        penalty: regularizer of the kernels, or None.
        rate: of stochastic depth.
    """
    shared = {"momentum": momentum, "penalty": penalty}
    h = convolution(x, expansion * x.shape[-1], **shared) if expansion > 1 else x
    policy = keras.config.dtype_policy()
    h = keras.layers.DepthwiseConv2D(
        size,
        strides,
        padding="same",
        use_bias=False,
        depthwise_initializer=KERNELS.clone(),
        depthwise_regularizer=penalty,
        # On CPUs the gradient of a strided one takes 10 to 70 times float32's time in bfloat16.
        dtype=policy.variable_dtype if strides > 1 else policy,
    )(h)
    h = normalization(h, "relu6", momentum)
    h = convolution(h, filters, activation=None, **shared)
    return x + residual.stochastic_depth(h, rate) if h.shape == x.shape else h
