"""GPT-2: a decoder-only Transformer that predicts the next token.

Radford and others, Language Models are Unsupervised Multitask Learners, 2019; attention is
Vaswani's and others', 2017, arXiv:1706.03762. Layer normalization comes before each block,
positions are learned, GELU is the paper's tanh form, and the output shares the embedding's weights.
At 12 layers, 12 heads, width 768, 1024 positions and 50,257 tokens it has GPT-2's 124,439,808
parameters.
"""

import math

import keras

from zoo.layers.attention import FeedForward, SelfAttention, Sublayer
from zoo.layers.dropout import Dropout
from zoo.layers.positions import PositionEmbedding

STDDEV = 0.02


def gpt(vocabulary_size, sequence_length, *, layers=4, heads=4, width=128, dropout=0.0):
    """Build a GPT-2 style language model: `(B, T)` token ids to `(B, T, vocabulary_size)` logits.

    Args:
        vocabulary_size: number of tokens.
        sequence_length: the longest sequence; shorter ones are welcome.
        layers: number of blocks.
        heads: attention heads in each block; divides `width`.
        width: size of a token's vector.
        dropout: share of units dropped while training: of embeddings, attention and residuals.
    """
    if width % heads:
        raise ValueError(
            f"Expected `heads` to divide `width`. Received: heads={heads}, width={width}"
        )
    tokens = keras.Input((None,), dtype="int32")
    embedding = keras.layers.ReversibleEmbedding(
        vocabulary_size,
        width,
        embeddings_initializer=keras.initializers.RandomNormal(stddev=STDDEV),
        reverse_dtype="float32",
        name="embedding",
    )
    x = PositionEmbedding(sequence_length, STDDEV, name="positions")(embedding(tokens))  # (B, T, C)
    x = Dropout(dropout)(x) if dropout else x
    drawn = {"stddev": STDDEV, "stddev_output": STDDEV / math.sqrt(2 * layers)}
    for i in range(layers):
        attention = SelfAttention(heads, causal=True, dropout=dropout, **drawn)
        network = FeedForward(4 * width, "gelu_tanh", **drawn)
        x = Sublayer(attention, normalization(), dropout, name=f"attention_{i}")(x)
        x = Sublayer(network, normalization(), dropout, name=f"network_{i}")(x)
    logits = embedding(normalization("normalized")(x), reverse=True)  # (B, T, V)
    # Under mixed precision the embedding announces bfloat16 although it returns float32.
    logits = keras.layers.Activation("linear", dtype="float32", name="logits")(logits)
    return keras.Model(tokens, logits, name="gpt")


def normalization(name="norm"):
    return keras.layers.LayerNormalization(epsilon=1e-5, name=name)
