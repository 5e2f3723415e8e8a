"""T5: an encoder and a decoder of attention whose positions are relative.

Raffel and others, Exploring the Limits of Transfer Learning with a Unified Text-to-Text
Transformer, 2019, arXiv:1910.10683. Root mean squares normalize what goes into each block, nothing
has a bias, scores are not scaled, and all layers of a stack share what they add for distances. With
one vocabulary of 32,128 tokens for both sides it has t5-small's 60,506,624 parameters.
"""

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
from zoo.layers.positions import RelativePositions


def normalization(name="norm"):
    return keras.layers.RMSNormalization(epsilon=1e-6, name=name)


def vectors(vocabulary_size, width):
    drawn = keras.initializers.RandomNormal(stddev=1.0)
    return keras.layers.ReversibleEmbedding(
        vocabulary_size, width, embeddings_initializer=drawn, reverse_dtype="float32",
        name="embedding",
    )  # fmt: skip


class Stack(keras.layers.Layer):
    """What encoder and decoder have in common: tokens in, `depth` blocks, a normalization.

    Args:
        embedding: of the tokens, which two stacks may share.
        depth: number of blocks.
        heads: attention heads in each block.
        hidden: width of the dense network in each block.
        dropout: share dropped of token vectors, attention, inner units, what a block adds, outputs.
    """

    decodes = False

    def __init__(self, embedding, depth, heads, hidden, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.embedding, self.depth, self.heads = embedding, depth, heads
        self.hidden, self.dropout, self.width = hidden, dropout, embedding.output_dim
        self.relative = RelativePositions(heads, both=not self.decodes, name="relative")
        self.blocks = [self.block(i) for i in range(depth)]
        self.norm = normalization("normalized")
        self.drop = Dropout(dropout)

    def block(self, i):
        each = self.width // self.heads
        # Such that scores, which are not scaled, are about 1 where the authors' are.
        drawn = {"stddev": self.width**-0.5 * each**-0.25, "use_bias": False, "scale": 1.0}
        drawn["dropout"] = self.dropout
        bodies = {"attention": SelfAttention(self.heads, causal=self.decodes, **drawn)}
        if self.decodes:
            bodies["look"] = CrossAttention(self.heads, **drawn)
        bodies["network"] = FeedForward(
            self.hidden, "relu", use_bias=False, dropout=self.dropout,
            stddev=self.width**-0.5, stddev_output=self.hidden**-0.5,
        )  # fmt: skip
        return [
            Sublayer(body, normalization(), self.dropout, name=f"{name}_{i}")
            for name, body in bodies.items()
        ]

    def build(self, *shapes):
        if not self.embedding.built:
            self.embedding.build((None, None))
        self.relative.build()
        for layer in [self.norm, *(layer for block in self.blocks for layer in block)]:
            layer.build((None, None, self.width))

    def embed(self, ids, training):
        return self.drop(self.embedding(ids), training=training)

    def end(self, x, training):
        return self.drop(self.norm(x), training=training)

    def get_config(self):
        # The embedding itself: Keras writes it, and notices by that when two stacks share it.
        names = ("embedding", "depth", "heads", "hidden", "dropout")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_config(cls, config):
        embedding = config["embedding"]
        if isinstance(embedding, dict):  # out of a file
            embedding = keras.saving.deserialize_keras_object(embedding)
        return cls(**{**config, "embedding": embedding})


@layers.register
class T5Encoder(Stack):
    """Reads ids `(B, S)`, of which 0 is padding: the ids again, and their memory `(B, S, C)`."""

    def call(self, source, training=False):
        place = ops.arange(ops.shape(source)[1])
        real, bias = ops.not_equal(source, 0), self.relative(place, place)
        x = self.embed(source, training)
        for attention, network in self.blocks:
            x = network(attention(x, real, bias, training=training), training=training)
        return [source, self.end(x, training)]

    def compute_output_spec(self, source, training=False):
        memory = keras.KerasTensor((*source.shape, self.width), self.compute_dtype)
        return [keras.KerasTensor(source.shape, source.dtype), memory]


@layers.register
class T5Decoder(Stack):
    """Writes a target, given what an encoder read.

    Called with target ids `(B, T)`, source ids `(B, S)` and the memory of those `(B, S, C)`, it
    returns logits `(B, T, vocabulary)`. `begin` and `step` do the same a token at a time.
    """

    decodes = True

    def call(self, inputs, training=False):
        target, source, memory = inputs
        place = ops.arange(ops.shape(target)[1])
        memories, bias = [memory] * self.depth, self.relative(place, place)
        return self.read(target, memories, ops.not_equal(source, 0), bias, training)

    def read(self, ids, memories, real, bias, training=False):
        x = self.embed(ids, training)
        for (attention, look, network), memory in zip(self.blocks, memories, strict=True):
            x = attention(x, bias=bias, training=training)
            x = network(look(x, memory, real, training=training), training=training)
        x = self.end(x, training) * self.width**-0.5
        return ops.cast(self.embedding(x, reverse=True), "float32")

    def begin(self, encoded, longest):
        """Return what stays the same in all steps, and the state before the first of `longest`."""
        return begin_looking([look.body for _, look, _ in self.blocks], encoded, longest)

    def step(self, token, fixed, state):
        """Return logits of what follows `token` `(B,)`, and the state after it."""
        (seen, real), (caches, position) = fixed, state
        bias = self.relative(position[:1], ops.arange(ops.shape(caches[0][0])[2]))
        with caching.Reading(position[:, None], states=caches, slot=position[0]) as reading:
            logits = self.read(token[:, None], seen, real, bias)
        return logits[:, 0], (reading.states, position + 1)

    def compute_output_shape(self, shapes):
        return (*shapes[0], self.embedding.input_dim)


def t5(
    vocabulary_size,
    target_vocabulary_size=None,
    sequence_length=None,
    *,
    layers=6,
    heads=8,
    width=512,
    hidden=2048,
    dropout=0.1,
):
    """Build a T5: source `(B, S)` and target ids `(B, T)` to logits of what follows.

    Those are `(B, T, target_vocabulary_size)`. The output shares the weights of the target's
    embedding.

    Args:
        vocabulary_size: number of source tokens; 0 is padding.
        target_vocabulary_size: number of target tokens; 0 is padding. Where None, both sides share
            one vocabulary and its embedding, as published.
        sequence_length: the longest sequence; any length is read.
        layers: blocks of the encoder, and of the decoder.
        heads: attention heads in each block; divides `width`.
        width: size of a token's vector.
        hidden: width of the dense network in each block.
        dropout: share dropped of token vectors, attention, inner units, and what a block adds.
    """
    if width % heads:
        raise ValueError(
            f"Expected `heads` to divide `width`. Received: heads={heads}, width={width}"
        )
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    read = written = vectors(vocabulary_size, width)
    if target_vocabulary_size is not None:
        written = vectors(target_vocabulary_size, width)
    size = (layers, heads, hidden, dropout)
    encoded = T5Encoder(read, *size, name="encoder")(source)
    logits = T5Decoder(written, *size, name="decoder")([target, *encoded])
    return keras.Model({"source": source, "target": target}, logits, name="t5")
