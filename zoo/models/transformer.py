"""The Transformer: an encoder and a decoder of attention that translate one text into another.

Vaswani and others, Attention Is All You Need, 2017, arXiv:1706.03762. `norm_first` normalizes what
goes into attention, not what comes out, which trains with less care: Xiong and others, On Layer
Normalization in the Transformer Architecture, 2020, arXiv:2002.04745.
"""

import math

import keras
from keras import ops

from zoo import layers
from zoo.layers import caching
from zoo.layers.attention import (
    CrossAttention,
    FeedForward,
    SelfAttention,
    Sublayer,
    begin_looking,
)
from zoo.layers.dropout import Dropout
from zoo.layers.positions import SinusoidalPositions


@layers.register
class TokenVectors(keras.layers.Layer):
    """Token ids `(B, T)` to vectors `(B, T, C)` with positions, and back to logits `(B, T, V)`."""

    def __init__(self, vocabulary_size, width, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary_size, self.width, self.dropout = vocabulary_size, width, dropout
        drawn = keras.initializers.RandomNormal(stddev=width**-0.5)
        self.embedding = keras.layers.ReversibleEmbedding(
            vocabulary_size, width, embeddings_initializer=drawn, reverse_dtype="float32",
            name="embedding",
        )  # fmt: skip
        self.positions = SinusoidalPositions(name="positions")
        self.drop = Dropout(dropout)

    def build(self, shape):
        self.embedding.build((None, None))

    def call(self, ids, training=False):
        x = self.embedding(ids) * math.sqrt(self.width)
        return self.drop(self.positions(x), training=training)

    def logits(self, x):
        return ops.cast(self.embedding(x, reverse=True), "float32")

    def compute_output_shape(self, shape):
        return (*shape, self.width)

    def get_config(self):
        names = ("vocabulary_size", "width", "dropout")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def sublayer(body, dropout, norm_first, name):
    norm = keras.layers.LayerNormalization(epsilon=1e-6)
    return Sublayer(body, norm, dropout, after=not norm_first, name=name)


def encoder(vocabulary_size, depth, heads, width, hidden, dropout, norm_first):
    """Read ids `(B, S)`: the ids again, and their memory `(B, S, C)`."""
    source = keras.Input((None,), dtype="int32")
    real = ops.not_equal(source, 0)
    x = TokenVectors(vocabulary_size, width, dropout, name="tokens")(source)
    for i in range(depth):
        attention = SelfAttention(heads, dropout=dropout)
        x = sublayer(attention, dropout, norm_first, f"attention_{i}")(x, real)
        network = FeedForward(hidden, "relu", dropout=dropout)
        x = sublayer(network, dropout, norm_first, f"network_{i}")(x)
    x = keras.layers.LayerNormalization(epsilon=1e-6)(x) if norm_first else x
    return keras.Model(source, [source, x], name="encoder")


@layers.register
class TransformerDecoder(keras.layers.Layer):
    """Writes a target, given what an encoder read.

    Called with target ids `(B, T)`, source ids `(B, S)` and the memory of those `(B, S, C)`, it
    returns logits `(B, T, vocabulary_size)`. `begin` and `step` do the same a token at a time.
    """

    def __init__(
        self, vocabulary_size, depth, heads, width, hidden, dropout=0.0, norm_first=True, **kwargs
    ):
        super().__init__(**kwargs)
        self.vocabulary_size, self.depth, self.heads = vocabulary_size, depth, heads
        self.width, self.hidden = width, hidden
        self.dropout, self.norm_first = dropout, norm_first
        self.tokens = TokenVectors(vocabulary_size, width, dropout, name="tokens")
        bodies = {
            "attention": lambda: SelfAttention(heads, causal=True, dropout=dropout),
            "look": lambda: CrossAttention(heads, dropout=dropout),
            "network": lambda: FeedForward(hidden, "relu", dropout=dropout),
        }
        self.blocks = [
            [sublayer(make(), dropout, norm_first, f"{n}_{i}") for n, make in bodies.items()]
            for i in range(depth)
        ]
        last = keras.layers.LayerNormalization(epsilon=1e-6, name="norm")
        self.norm = last if norm_first else keras.layers.Identity(name="norm")

    def build(self, shapes):
        shape, memory = (None, None, self.width), shapes[2]
        self.tokens.build((None, None))
        for attention, look, network in self.blocks:
            look.body.build(shape, memory)
            for layer in (attention, look, network):
                layer.build(shape)
        self.norm.build(shape)

    def call(self, inputs, training=False):
        target, source, memory = inputs
        memories = [memory] * self.depth
        return self.read(target, memories, ops.not_equal(source, 0), training)

    def read(self, ids, memories, real, training=False):
        x = self.tokens(ids, training=training)
        for (attention, look, network), memory in zip(self.blocks, memories, strict=True):
            x = look(attention(x, training=training), memory, real, training=training)
            x = network(x, training=training)
        return self.tokens.logits(self.norm(x))

    def begin(self, encoded, longest):
        """Return what stays the same in all steps, and the state before the first of `longest`."""
        return begin_looking([look.body for _, look, _ in self.blocks], encoded, longest)

    def step(self, token, fixed, state):
        """Return logits of what follows `token` `(B,)`, and the state after it."""
        caches, position = state
        with caching.Reading(position[:, None], states=caches, slot=position[0]) as reading:
            logits = self.read(token[:, None], *fixed)
        return logits[:, 0], (reading.states, position + 1)

    def compute_output_shape(self, shapes):
        return (*shapes[0], self.vocabulary_size)

    def get_config(self):
        names = (
            "vocabulary_size", "depth", "heads", "width", "hidden", "dropout", "norm_first"
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def transformer(
    vocabulary_size,
    target_vocabulary_size,
    sequence_length=None,
    *,
    layers=3,
    heads=4,
    width=256,
    hidden=1024,
    dropout=0.1,
    norm_first=True,
):
    """Build a translator: source `(B, S)` and target ids `(B, T)` to logits of what follows.

    Those are `(B, T, target_vocabulary_size)`. The output shares the weights of the target's
    embedding.

    Args:
        vocabulary_size: number of source tokens; 0 is padding.
        target_vocabulary_size: number of target tokens; 0 is padding.
        sequence_length: the longest sequence; any length is read.
        layers: blocks of the encoder, and of the decoder.
        heads: attention heads in each block; divides `width`.
        width: size of a token's vector.
        hidden: width of the dense network in each block.
        dropout: share dropped of token vectors, attention, inner units, and what a block adds.
        norm_first: whether normalization comes before a block; the paper has it after.
    """
    if width % heads or width % 2:
        raise ValueError(
            f"Expected `heads` and 2 to divide `width`. Received: heads={heads}, width={width}"
        )
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    size = (layers, heads, width, hidden, dropout, norm_first)
    encoded = encoder(vocabulary_size, *size)(source)
    decoder = TransformerDecoder(target_vocabulary_size, *size, name="decoder")
    logits = decoder([target, *encoded])
    return keras.Model({"source": source, "target": target}, logits, name="transformer")
