"""Layers and activations that two or more models share, or that Keras lacks.

Activations go by name through `activation`. GELU is the exact one of Hendrycks and Gimpel,
Gaussian Error Linear Units, 2016, arXiv:1606.08415, written with erf: Keras's own uses erfc, which
no ONNX converter knows.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from zoo.errors import nearest

register = keras.saving.register_keras_serializable(package="zoo")


@register
def gelu(x):
    return 0.5 * x * (1.0 + ops.erf(x / math.sqrt(2.0)))


@register
def gelu_tanh(x):
    return 0.5 * x * (1.0 + ops.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)))


@register
def leaky_relu(x):
    return ops.leaky_relu(x, negative_slope=0.1)


ACTIVATIONS = {
    "sigmoid": keras.activations.sigmoid,
    "tanh": keras.activations.tanh,
    "relu": keras.activations.relu,
    "leaky_relu": leaky_relu,
    "elu": keras.activations.elu,
    "selu": keras.activations.selu,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "silu": keras.activations.silu,
    "linear": keras.activations.linear,
}


def logits(x: Any, classes: int, penalty: Any, activation: str | None = None) -> Any:
    """Return the output of a classifier or regressor, float32 `(B, classes)`.

    Args:
        x: what it is a linear function of, `(B, d)`.
        classes: size of the output.
        penalty: regularizer of the weights, or None.
        activation: applied to the output; None for logits.
    """
    layer = keras.layers.Dense(
        classes, activation=activation, kernel_regularizer=penalty, dtype="float32", name="logits"
    )
    return layer(x)


def activation(name: str) -> Callable[[Any], Any]:
    """Return an activation function by name; every one can be saved by Keras.

    Args:
        name: one of `ACTIVATIONS`. `leaky_relu` has slope 0.1; `leaky_relu:0.3` says another.
    """
    kind, colon, slope = str(name).partition(":")
    if kind == "leaky_relu" and colon:
        return keras.layers.LeakyReLU(negative_slope=_slope(name, slope))
    if name not in ACTIVATIONS:
        raise ValueError(
            f"Expected `activation` to be one of {', '.join(ACTIVATIONS)}. "
            f"Received: activation={name!r}.{nearest(str(name), ACTIVATIONS)}"
        )
    return ACTIVATIONS[name]


def _slope(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(
            "Expected `activation` to be leaky_relu or leaky_relu:SLOPE, as in leaky_relu:0.3. "
            f"Received: activation={name!r}"
        ) from None


@register
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalization, which trains on maps `(B, H, W, C)` in one operation.

    Ioffe and Szegedy, Batch Normalization, 2015, arXiv:1502.03167.

    Keras writes mean, variance and scaling as operations of their own, each of which passes over
    all maps, and again for the gradient. The results are equal to rounding; what is no map, has a
    mask, or is normalized over several replicas goes Keras's way.
    """

    def call(self, inputs, training=None, mask=None):
        learns = training and self.trainable and not self.synchronized and not self.renorm
        maps = len(inputs.shape) == 4 and self.axis in (-1, 3) and mask is None
        if not (learns and maps and self.variable_dtype == "float32"):  # it knows no float64
            return super().call(inputs, training=training, mask=mask)
        channels = (inputs.shape[-1],)
        found = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.gamma) if self.scale else tf.ones(channels),
            offset=tf.convert_to_tensor(self.beta) if self.center else tf.zeros(channels),
            mean=[],
            variance=[],
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.size(inputs) // channels[0], "float32")
        biased = tf.maximum(count - 1.0, 1.0) / count  # the operation divides by one less
        for kept, new in (
            (self.moving_mean, found.batch_mean),
            (self.moving_variance, found.batch_variance * biased),
        ):
            kept.assign(kept * self.momentum + new * (1.0 - self.momentum))
        return found.y


def batch_normalization(**arguments: Any) -> keras.layers.BatchNormalization:
    """Return batch normalization whose statistics, built under a strategy, are of all replicas."""
    synchronized = tf.distribute.has_strategy()  # or else each replica keeps its own
    return FusedBatchNormalization(synchronized=synchronized, **arguments)


def regularizer(l1: float, l2: float) -> keras.regularizers.Regularizer | None:
    """Return the penalty `l1 * sum|w| + l2 * sum w^2`, or None where both are zero."""
    return keras.regularizers.L1L2(l1, l2) if l1 or l2 else None


def check_units(units: tuple[int, ...]) -> tuple[int, ...]:
    """Return widths of hidden layers as a tuple, refusing none at all and widths below one."""
    units = tuple(units) if isinstance(units, (list, tuple)) else (units,)
    if not units or not all(isinstance(u, int) and u > 0 for u in units):
        raise ValueError(f"Expected `units` to be positive integers. Received: units={units}")
    return units


def check_size(input_shape: tuple[int, ...], cardinalities: tuple[int, ...] = ()) -> int:
    """Return how many numbers one example has, refusing an example without any input."""
    if None in input_shape:
        raise ValueError(
            f"Expected examples of one size. Received: input_shape={input_shape}, sequences of "
            "different lengths, which recurrent networks and tcn read"
        )
    size = math.prod(input_shape)
    if size == 0 and not cardinalities:
        raise ValueError(f"Expected at least one input. Received: input_shape={input_shape}")
    return size


def vector_input(input_shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Return an input of any shape, and the same flattened to vectors."""
    check_size(input_shape)
    inputs = keras.Input(input_shape)
    return inputs, inputs if len(input_shape) == 1 else keras.layers.Flatten()(inputs)


@register
class Maxout(keras.layers.Layer):
    """The largest of several affine functions: `max_j (x . w_j + b_j)`, `(B, d)` to `(B, units)`.

    Goodfellow and others, Maxout Networks, 2013, arXiv:1302.4389. Column `u * pieces + j` of the
    kernel is piece j of unit u.
    """

    def __init__(self, units, pieces=2, kernel_regularizer=None, kernel_constraint=None, **kwargs):
        super().__init__(**kwargs)
        if units < 1 or pieces < 1:
            raise ValueError(
                f"Expected positive integers. Received: units={units}, pieces={pieces}"
            )
        self.units = units
        self.pieces = pieces
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)

    def build(self, input_shape):
        columns = self.units * self.pieces
        self.kernel = self.add_weight(
            (input_shape[-1], columns),
            name="kernel",
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = self.add_weight((columns,), initializer="zeros", name="bias")

    def call(self, x):
        z = ops.matmul(x, self.kernel) + self.bias  # (B, units * pieces)
        return ops.max(ops.reshape(z, (-1, self.units, self.pieces)), axis=-1)  # (B, units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "pieces": self.pieces,
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
        }
