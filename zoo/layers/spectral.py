"""Layers whose weights are divided by their largest singular value.

Miyato, Kataoka, Koyama and Yoshida, Spectral Normalization for Generative Adversarial Networks,
2018, arXiv:1802.05957: one step of power iteration a call in training, the gradient goes through
the norm, and the kernel itself stays as it is learned. (Keras's own wrapper overwrites the kernel
and stops the gradient.)
"""

from typing import Any

import keras
from keras import ops

from zoo.layers import register


class _Spectral:
    """Mixed into a layer: `normalized(weights, training)`, and a vector that is not trained."""

    add_weight: Any
    compute_dtype: Any

    def add_vector(self, width):
        self.vector = self.add_weight(
            shape=(1, width), initializer="random_normal", trainable=False, name="vector"
        )

    # Those of Keras's layers know a kernel and a bias alone.
    def save_own_variables(self, store):
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store):
        keras.layers.Layer.load_own_variables(self, store)

    def normalized(self, weights, training):
        matrix = ops.cast(ops.reshape(weights, (-1, weights.shape[-1])), "float32")
        fixed = ops.stop_gradient(matrix)
        right = ops.cast(self.vector, "float32")
        left = _unit(ops.matmul(right, ops.transpose(fixed)))
        right = _unit(ops.matmul(left, fixed))
        if training:
            self.vector.assign(right)
        norm = ops.sum(ops.matmul(left, matrix) * right)  # left W right'
        return ops.cast(ops.cast(weights, "float32") / norm, self.compute_dtype)


def _unit(x):
    return x / ops.maximum(ops.norm(x), 1e-12)


@register
class SpectralDense(_Spectral, keras.layers.Dense):
    """A dense layer `(B, d)` to `(B, units)` whose matrix has spectral norm one."""

    def build(self, input_shape):
        super().build(input_shape)
        self.add_vector(self.units)

    def call(self, inputs, training=None):
        x = ops.matmul(inputs, self.normalized(self.kernel, training))
        x = ops.add(x, self.bias) if self.use_bias else x
        return x if self.activation is None else self.activation(x)


@register
class SpectralConv2D(_Spectral, keras.layers.Conv2D):
    """A convolution of `(B, H, W, C)` whose kernel, as a matrix to the filters, has norm one."""

    def build(self, input_shape):
        super().build(input_shape)
        self.add_vector(self.filters)

    def call(self, inputs, training=None):
        kernel = self.normalized(self.kernel, training)
        x = ops.conv(inputs, kernel, strides=list(self.strides), padding=self.padding)
        x = ops.add(x, self.bias) if self.use_bias else x
        return x if self.activation is None else self.activation(x)


@register
class SpectralEmbedding(_Spectral, keras.layers.Embedding):
    """Vectors `(B, output_dim)` of ids `(B,)`, whose matrix has spectral norm one."""

    def build(self, input_shape=None):
        super().build(input_shape)
        self.add_vector(self.output_dim)

    def call(self, inputs, training=None):
        return ops.take(self.normalized(self.embeddings, training), inputs, axis=0)
