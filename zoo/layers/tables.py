"""What models of tables share: their inputs, embedded categories, and interactions of columns."""

import itertools
from typing import Any

import keras
from keras import ops

from zoo.layers import check_size, register, vector_input


def table_inputs(input_shape: tuple[int, ...], cardinalities: tuple[int, ...]) -> tuple[Any, ...]:
    """Return a model's inputs, its numbers `(B, n)` or None, its codes `(B, c)` or None.

    Without cardinalities the model takes the numbers alone, otherwise a dictionary of both.
    """
    check_size(input_shape, cardinalities)
    if not cardinalities:
        inputs, numbers = vector_input(input_shape)
        return inputs, numbers, None
    numbers = keras.Input(input_shape, name="numbers")
    codes = keras.Input((len(cardinalities),), dtype="int32", name="categories")
    inputs = {"numbers": numbers, "categories": codes}
    if check_size(input_shape, cardinalities) == 0:
        return inputs, None, codes
    return inputs, numbers if len(input_shape) == 1 else keras.layers.Flatten()(numbers), codes


def table_vector(numbers: Any, codes: Any, cardinalities: tuple[int, ...], width: int) -> Any:
    """Return numbers and embedded codes side by side, `(B, n + c * width)`."""
    parts = [] if numbers is None else [numbers]
    if codes is not None:
        parts.append(CategoryEmbedding(cardinalities, width)(codes))
    return parts[0] if len(parts) == 1 else keras.layers.Concatenate()(parts)


@register
class FeatureCross(keras.layers.Layer):
    """One explicit interaction with the first layer: `x0 * (W x + b) + x`, `(B, d)` twice.

    Wang and others, DCN V2, 2020, arXiv:2008.13535, equation 1.
    """

    def __init__(self, kernel_regularizer=None, **kwargs):
        super().__init__(**kwargs)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, first_shape, x_shape):
        width = x_shape[-1]
        self.kernel = self.add_weight(
            (width, width), name="kernel", regularizer=self.kernel_regularizer
        )
        self.bias = self.add_weight((width,), initializer="zeros", name="bias")

    def call(self, first, x):
        return first * (ops.matmul(x, self.kernel) + self.bias) + x

    def compute_output_shape(self, first_shape, x_shape):
        return x_shape

    def get_config(self):
        regularizer = keras.regularizers.serialize(self.kernel_regularizer)
        return {**super().get_config(), "kernel_regularizer": regularizer}


@register
class CategoryEmbedding(keras.layers.Layer):
    """Embed several columns of codes with one lookup: `(B, c)` int to `(B, c * width)`."""

    def __init__(self, cardinalities, width, **kwargs):
        super().__init__(**kwargs)
        self.cardinalities = tuple(cardinalities)
        self.width = width

    def build(self, input_shape):
        self.embeddings = self.add_weight(
            (sum(self.cardinalities), self.width), initializer="uniform", name="embeddings"
        )

    def call(self, codes):
        rows = codes + ops.array(_starts(self.cardinalities), dtype="int32")  # (B, c)
        x = ops.take(self.embeddings, rows, axis=0)  # (B, c, width)
        return ops.reshape(x, (-1, len(self.cardinalities) * self.width))

    def get_config(self):
        return {
            **super().get_config(),
            "cardinalities": self.cardinalities,
            "width": self.width,
        }


@register
class CategoryLinear(keras.layers.Layer):
    """A linear model of categories and of all their pairs: `(B, c)` int to `(B, units)`.

    The cross-product transformations of Cheng and others, 2016, arXiv:1606.07792. A pair of columns
    with more combinations than `buckets` shares weights by hashing.
    """

    def __init__(self, cardinalities, units, buckets=1000, kernel_regularizer=None, **kwargs):
        super().__init__(**kwargs)
        if buckets < 1:
            raise ValueError(f"Expected a positive integer. Received: buckets={buckets}")
        self.cardinalities = tuple(cardinalities)
        self.units = units
        self.buckets = buckets
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.pairs = list(itertools.combinations(range(len(self.cardinalities)), 2))
        self.sizes = [*self.cardinalities]
        for i, j in self.pairs:
            self.sizes.append(min(self.cardinalities[i] * self.cardinalities[j], buckets))

    def build(self, input_shape):
        self.kernel = self.add_weight(
            (sum(self.sizes), self.units),
            initializer="zeros",
            name="kernel",
            regularizer=self.kernel_regularizer,
        )

    def call(self, codes):
        rows = codes
        if self.pairs:
            rows = ops.concatenate([codes, self.crosses(codes)], axis=1)  # (B, c + pairs)
        rows = rows + ops.array(_starts(self.sizes), dtype="int32")
        return ops.sum(ops.take(self.kernel, rows, axis=0), axis=1)  # (B, units)

    def crosses(self, codes):
        pairs = ops.array(self.pairs, dtype="int32")  # (pairs, 2)
        a, b = (ops.take(codes, pairs[:, side], axis=1) for side in (0, 1))  # (B, pairs)
        widths = ops.array([self.cardinalities[j] for _, j in self.pairs], dtype="int32")
        sizes = ops.array(self.sizes[len(self.cardinalities) :], dtype="int32")
        mixed = a * 73856093 + b * 19349663  # int32, wraps around: a hash
        exact = ops.array(
            [self.cardinalities[i] * self.cardinalities[j] <= self.buckets for i, j in self.pairs]
        )
        return ops.where(exact, a * widths + b, ops.mod(mixed, sizes))

    def get_config(self):
        return {
            **super().get_config(),
            "cardinalities": self.cardinalities,
            "units": self.units,
            "buckets": self.buckets,
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


def _starts(sizes: list[int] | tuple[int, ...]) -> list[int]:
    """Return where each block begins when blocks of these sizes follow each other."""
    return [0, *itertools.accumulate(sizes)][: len(sizes)]
