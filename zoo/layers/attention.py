"""What Transformers share: attention, the network beside it, and the sum that joins them.

Vaswani and others, Attention Is All You Need, 2017, arXiv:1706.03762. Queries may share keys:
Ainslie and others, GQA, 2023, arXiv:2305.13245. Rotary positions: Su and others, RoFormer, 2021,
arXiv:2104.09864. Gated networks: Shazeer, GLU Variants Improve Transformer, 2020, arXiv:2002.05202.
"""

import math

import keras
import numpy as np
from keras import ops

from zoo import layers
from zoo.layers import caching
from zoo.layers.dropout import Dropout

HIDDEN = -1e9  # the score of what may not be looked at


def attend(q, k, v, visible=None, scale=None, bias=None, drop=None):
    """Return what queries `(B, H, T, D)` see in values, `(B, T, H D)`, and by what weights.

    Scores are float32 at any precision.

    Args:
        q: queries.
        k, v: keys and values `(B, G, S, D)`; each serves H / G heads of queries.
        visible: bool that fits `(B, H, T, S)`; all where None.
        scale: of the scores, by default 1 / sqrt(D).
        bias: added to the scores.
        drop: applied to the weights, `(B, H, T, S)`.
    """
    heads, size, groups = q.shape[1], q.shape[3], k.shape[1]
    if heads != groups:
        k, v = (ops.repeat(x, heads // groups, axis=1) for x in (k, v))
    scores = ops.cast(ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))), "float32")  # (B, H, T, S)
    scores = scores * (1.0 / math.sqrt(size) if scale is None else scale)
    scores = scores if bias is None else scores + ops.cast(bias, "float32")
    weights = ops.softmax(scores if visible is None else ops.where(visible, scores, HIDDEN))
    weights = ops.cast(weights, v.dtype)
    seen = ops.matmul(weights if drop is None else drop(weights), v)  # (B, H, T, D)
    seen = ops.transpose(seen, (0, 2, 1, 3))
    return ops.reshape(seen, (-1, ops.shape(seen)[1], heads * size)), weights


def by_heads(x, size):
    """Return `(B, T, H D)` as `(B, H, T, D)`, D being `size`."""
    x = ops.reshape(x, (-1, ops.shape(x)[1], x.shape[-1] // size, size))
    return ops.transpose(x, (0, 2, 1, 3))


def rotate(x, position, base):
    """Turn each pair of halves of `(B, H, T, D)` by an angle in proportion to its position."""
    half = x.shape[-1] // 2
    rates = base ** (-np.arange(half, dtype="float32") / half)
    angles = ops.cast(position, "float32")[:, None, :, None] * rates  # (B, 1, T, D / 2)
    cos, sin = (ops.cast(f(angles), x.dtype) for f in (ops.cos, ops.sin))
    first, second = x[..., :half], x[..., half:]
    return ops.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


@layers.register
class SelfAttention(keras.layers.Layer):
    """Look from each token at the others: `(B, T, C)` and, of padded ones, which are real `(B, T)`.

    Queries, keys and values are one matrix product, side by side and head by head.

    Args:
        heads: heads of queries.
        key_heads: heads of keys and values, which divide them; as many where None.
        size: numbers a head; C / heads where None.
        causal: whether a token sees only those before it and itself.
        rotary: base of rotary positions, 10,000 in the paper; none where None.
        use_bias: whether the projections have biases.
        dropout: share of the weights dropped.
        scale: of the scores, by default 1 / sqrt(size).
        stddev: of the normal distribution that weights are drawn from, and `stddev_output` those of
            the output; Glorot's where None.
        looking: how many of the first tokens look, and come out; all where None. Neither causal nor
            rotary attention takes it.
    """

    def __init__(
        self, heads, key_heads=None, size=None, causal=False, rotary=None, use_bias=True,
        dropout=0.0, scale=None, stddev=None, stddev_output=None, looking=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.heads, self.key_heads, self.size = heads, key_heads or heads, size
        if heads % self.key_heads:
            raise ValueError(
                f"Expected `key_heads` to divide `heads`. Received: {self.key_heads} and {heads}"
            )
        if looking is not None and (causal or rotary is not None):
            raise ValueError(
                "Expected `looking` of attention that is neither causal nor rotary. Received: "
                f"looking={looking}, causal={causal}, rotary={rotary}"
            )
        self.causal, self.rotary, self.use_bias = causal, rotary, use_bias
        self.dropout, self.scale = dropout, scale
        self.stddev, self.stddev_output, self.looking = stddev, stddev_output, looking
        self.drop = Dropout(dropout)

    def build(self, shape):
        width = shape[-1]
        if self.size is None and width % self.heads:
            raise ValueError(
                f"Expected `heads` to divide the width. Received: heads={self.heads}, width={width}"
            )
        self.each = self.size or width // self.heads
        columns = (self.heads + 2 * self.key_heads) * self.each
        self.qkv = dense(columns, self.stddev, self.use_bias, name="qkv")
        self.qkv.build(shape)
        self.output_layer = dense(width, self.stddev_output or self.stddev, self.use_bias, "output")
        self.output_layer.build((*shape[:-1], self.heads * self.each))

    def project(self, x, position=None):
        """Return queries, keys and values, `(B, H, T, D)`, at their positions `(B, T)`."""
        if self.looking is not None:
            return self.project_few(x)
        x = by_heads(self.qkv(x), self.each)  # (B, H + 2 G, T, D)
        if self.rotary is not None:
            position = ops.arange(ops.shape(x)[2])[None] if position is None else position
            turned = self.heads + self.key_heads
            there = rotate(x[:, :turned], position, self.rotary)
            x = ops.concatenate([there, x[:, turned:]], axis=1)
        return ops.split(x, [self.heads, self.heads + self.key_heads], axis=1)

    def project_few(self, x):
        """Return queries of the first tokens alone, and all keys and values."""
        columns = self.heads * self.each
        kernel, bias = self.qkv.kernel, self.qkv.bias
        q = ops.matmul(x[:, : self.looking], kernel[:, :columns])
        kv = ops.matmul(x, kernel[:, columns:])
        if bias is not None:
            q, kv = q + bias[:columns], kv + bias[columns:]
        return by_heads(q, self.each), *ops.split(by_heads(kv, self.each), 2, axis=1)

    def call(self, x, real=None, bias=None, training=False):
        reading = caching.current() if self.causal else None
        if reading is None:
            q, k, v = self.project(x)
            visible = self.visible(ops.shape(x)[1], real)
        else:
            q, k, v = self.project(x, ops.maximum(reading.position, 0))
            k, v, visible = reading.extend(k, v)
        drop = lambda weights: self.drop(weights, training=training)  # noqa: E731
        seen, weights = attend(q, k, v, visible, self.scale, bias, drop)
        if reading is not None:
            reading.weights.append(weights)
        return self.output_layer(seen)

    def visible(self, length, real=None):
        """Return which tokens each may look at, a bool that fits `(B, H, T, T)`, or None."""
        place = ops.arange(length)
        before = (place[:, None] >= place[None])[None, None] if self.causal else None
        if real is None:
            return before
        real = real[:, None, None]  # (B, 1, 1, T)
        return real if before is None else ops.logical_and(before, real)

    def compute_output_shape(self, shape, *args, **kwargs):
        return shape if self.looking is None else (shape[0], self.looking, *shape[2:])

    def get_config(self):
        names = (
            "heads", "key_heads", "size", "causal", "rotary", "use_bias", "dropout", "scale",
            "stddev", "stddev_output", "looking",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@layers.register
class CrossAttention(keras.layers.Layer):
    """Look from each token of a target `(B, T, C)` at a memory `(B, S, M)`, of which `real` is.

    `remember` projects a memory once; `call` takes what it returns in the memory's place.
    """

    def __init__(
        self, heads, size=None, use_bias=True, dropout=0.0, scale=None, stddev=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.heads, self.size, self.use_bias = heads, size, use_bias
        self.dropout, self.scale, self.stddev = dropout, scale, stddev
        self.drop = Dropout(dropout)

    def build(self, shape, memory_shape=None):
        width = shape[-1]
        self.each = self.size or width // self.heads
        inner = self.heads * self.each
        self.query = dense(inner, self.stddev, self.use_bias, name="query")
        self.keys_values = dense(2 * inner, self.stddev, self.use_bias, name="keys_values")
        self.output_layer = dense(width, self.stddev, self.use_bias, name="output")
        self.query.build(shape)
        self.keys_values.build(memory_shape or shape)
        self.output_layer.build((*shape[:-1], inner))

    def remember(self, memory):
        """Return keys and values `(B, H, S, D)`."""
        both = by_heads(self.keys_values(memory), self.each)
        return tuple(ops.split(both, 2, axis=1))

    def call(self, x, memory, real=None, training=False):
        k, v = memory if isinstance(memory, tuple) else self.remember(memory)
        visible = None if real is None else real[:, None, None]
        q = by_heads(self.query(x), self.each)
        drop = lambda weights: self.drop(weights, training=training)  # noqa: E731
        seen, _ = attend(q, k, v, visible, self.scale, drop=drop)
        return self.output_layer(seen)

    def compute_output_shape(self, shape, *args, **kwargs):
        return shape

    def get_config(self):
        names = ("heads", "size", "use_bias", "dropout", "scale", "stddev")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def begin_looking(looks, encoded, longest):
    """Return what a decoder's steps have in common, and the state before the first of `longest`.

    What an encoder read is its ids `(B, S)` and their memory `(B, S, C)`. The first are each
    layer's keys and values of that, and which ids are real; the state is empty caches, and the
    position of the next token, `(B,)`.
    """
    source, memory = encoded
    seen, rows = [look.remember(memory) for look in looks], ops.shape(source)[0]
    empties = [ops.zeros((rows, x.heads, longest, x.each), memory.dtype) for x in looks]
    state = [(empty, empty) for empty in empties], ops.zeros((rows,), "int32")
    return (seen, ops.not_equal(source, 0)), state


@layers.register
class FeedForward(keras.layers.Layer):
    """Two dense layers, each token by itself: `(B, T, C)`.

    Args:
        hidden: width of the inner one.
        activation: between them, a name of `zoo.layers.ACTIVATIONS`.
        gated: whether the activation of one half gates another.
        use_bias: whether both have biases.
        dropout: share of the inner units dropped.
        stddev: as those of `SelfAttention`.
        stddev_output: the same.
    """

    def __init__(
        self, hidden, activation="gelu", gated=False, use_bias=True, dropout=0.0, stddev=None,
        stddev_output=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.hidden, self.activation, self.gated = hidden, activation, gated
        self.use_bias, self.dropout = use_bias, dropout
        self.stddev, self.stddev_output = stddev, stddev_output
        self.function = layers.activation(activation)
        self.drop = Dropout(dropout)

    def build(self, shape):
        columns = self.hidden * (2 if self.gated else 1)
        self.inner = dense(columns, self.stddev, self.use_bias, name="inner")
        self.output_layer = dense(
            shape[-1], self.stddev_output or self.stddev, self.use_bias, name="output"
        )
        self.inner.build(shape)
        self.output_layer.build((*shape[:-1], self.hidden))

    def call(self, x, training=False):
        x = self.inner(x)  # (B, T, hidden), or twice that: gate, then what is gated
        if self.gated:
            gate, x = ops.split(x, 2, axis=-1)
            x = self.function(gate) * x
        else:
            x = self.function(x)
        return self.output_layer(self.drop(x, training=training))

    def compute_output_shape(self, shape, *args, **kwargs):
        return shape

    def get_config(self):
        names = (
            "hidden", "activation", "gated", "use_bias", "dropout", "stddev", "stddev_output"
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@layers.register
class Sublayer(keras.layers.Layer):
    """Add to `x` what a layer makes of it: `x + drop(body(norm(x)))`.

    As the first Transformer had it, the sum is normalized instead, `norm(x + drop(body(x)))`, where
    `after` is true. Where only the first tokens look, the sum is of those.

    Args:
        body: a layer from `(B, T, C)` to the same; further arguments of the call are its own.
        norm: a normalization.
        dropout: share of what is added dropped.
        after: whether normalization comes last.
    """

    def __init__(self, body, norm, dropout=0.0, after=False, **kwargs):
        super().__init__(**kwargs)
        self.norm, self.body, self.dropout, self.after = norm, body, dropout, after
        self.looking = getattr(body, "looking", None)
        self.drop = Dropout(dropout)

    def build(self, shape):
        for layer in (self.norm, self.body):
            if not layer.built:  # as they are when Keras reads them from a file
                layer.build(shape)

    def call(self, x, *others, training=False, **arguments):
        h = self.body(x if self.after else self.norm(x), *others, training=training, **arguments)
        x = x if self.looking is None else x[:, : self.looking]
        x = x + self.drop(h, training=training)
        return self.norm(x) if self.after else x

    def compute_output_shape(self, shape, *args, **kwargs):
        return shape if self.looking is None else (shape[0], self.looking, *shape[2:])

    def get_config(self):
        nested = {
            n: keras.saving.serialize_keras_object(getattr(self, n)) for n in ("body", "norm")
        }
        return {**super().get_config(), **nested, "dropout": self.dropout, "after": self.after}

    @classmethod
    def from_config(cls, config):
        nested = {n: keras.saving.deserialize_keras_object(config[n]) for n in ("body", "norm")}
        return cls(**{**config, **nested})


def dense(units, stddev=None, use_bias=True, name=None):
    """Return a dense layer whose weights are drawn with a standard deviation, or Glorot's."""
    drawn = "glorot_uniform" if stddev is None else keras.initializers.RandomNormal(stddev=stddev)
    return keras.layers.Dense(units, use_bias=use_bias, kernel_initializer=drawn, name=name)
