"""Temporal convolutional network: dilated causal convolutions along a sequence.

Bai, Kolter and Koltun, An Empirical Evaluation of Generic Convolutional and Recurrent Networks for
Sequence Modeling, 2018, arXiv:1803.01271. Weight normalization is Salimans's and Kingma's, 2016,
arXiv:1602.07868. Kernels begin as He and others have them, larger than the authors' N(0, 0.01).
"""

import keras
from keras import ops

from zoo import layers
from zoo.layers.recurrent import LastStep, check_outputs, sequence_input


@layers.register
class CausalConvolution(keras.layers.Layer):
    """Convolve along steps without seeing later ones: `(B, T, C)` to `(B, T, filters)`.

    The kernel of each filter is a direction times a length of its own: g v / |v|. Step t sees the
    steps t, t - dilation, t - 2 dilation and so on; zeros stand before the first.
    """

    def __init__(self, filters, kernel_size, dilation=1, kernel_regularizer=None, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape):
        self.direction = self.add_weight(
            (self.kernel_size, input_shape[-1], self.filters),
            initializer="he_normal",
            regularizer=self.kernel_regularizer,
            name="direction",
        )
        start = ops.convert_to_numpy(self._length())  # so that the kernel begins as v
        self.length = self.add_weight(
            (self.filters,), initializer=lambda *_, **__: start, name="length"
        )
        self.bias = self.add_weight((self.filters,), initializer="zeros", name="bias")

    def _length(self):
        return ops.sqrt(ops.sum(ops.square(self.direction), axis=(0, 1)))  # (filters,)

    def call(self, x):
        kernel = self.direction * (self.length / self._length())
        kernel = ops.cast(kernel, self.compute_dtype)
        before = (self.kernel_size - 1) * self.dilation
        x = ops.pad(x, ((0, 0), (before, 0), (0, 0)))
        x = ops.conv(x, kernel, dilation_rate=self.dilation, data_format="channels_last")
        return x + self.bias

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "dilation": self.dilation,
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


def block(x, filters, kernel_size, dilation, dropout, penalty):
    """Two convolutions added to what came in, brought to as many channels where it has others."""
    h = x
    for _ in range(2):
        h = CausalConvolution(filters, kernel_size, dilation, penalty)(h)
        h = keras.layers.Activation("relu")(h)
        h = keras.layers.SpatialDropout1D(dropout)(h) if dropout else h  # whole channels
    if x.shape[-1] != filters:
        x = keras.layers.Dense(filters, kernel_regularizer=penalty)(x)
    return keras.layers.Activation("relu")(x + h)  # (B, T, filters)


def tcn(
    input_shape=None,
    classes=None,
    vocabulary_size=None,
    sequence_length=None,
    *,
    filters=64,
    depth=6,
    kernel_size=3,
    dropout=0.0,
    l1=0.0,
    l2=0.0,
    classifier_activation=None,
):
    """Build a temporal convolutional network.

    With `vocabulary_size` it reads token ids `(B, T)`, otherwise vectors: a picture row by row, a
    vector number by number. With `classes` the last step that is no padding gives the output
    `(B, classes)`; without, every step predicts the next token, `(B, T, vocabulary_size)`. A step
    sees `2 (kernel_size - 1) (2^depth - 1)` steps before it: 252 unless told.

    Args:
        input_shape: shape of one sequence, steps first, where there is no vocabulary; None steps
            where lengths differ, and then steps that are NaN throughout are padding.
        classes: size of the output: classes, or targets; 1 for a binary class.
        vocabulary_size: number of tokens.
        sequence_length: tokens in a training window; any other length is read as well.
        filters: channels of every convolution, and size of a token's vector.
        depth: number of residual blocks, each of twice the dilation of the one before.
        kernel_size: steps that a convolution sees.
        dropout: share of each convolution's channels dropped while training.
        l1: penalty on absolute weights, which sets some of them to zero.
        l2: penalty on squared weights.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
    """
    outputs = check_outputs(input_shape, classes, vocabulary_size)
    if min(filters, depth, kernel_size) < 1:
        raise ValueError(
            "Expected positive integers. Received: "
            f"filters={filters}, depth={depth}, kernel_size={kernel_size}"
        )
    penalty = layers.regularizer(l1, l2)
    masked = classes is not None
    inputs, x, steps = sequence_input(input_shape, vocabulary_size, filters, masked)  # (B, T, C)
    for level in range(depth):
        x = block(x, filters, kernel_size, 2**level, dropout, penalty)
    x = LastStep(name="last_step")(x, steps) if masked else x
    return keras.Model(
        inputs, layers.logits(x, outputs, penalty, classifier_activation), name="tcn"
    )
