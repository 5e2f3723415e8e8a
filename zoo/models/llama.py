"""LLaMA: a decoder-only Transformer with rotary positions and gated networks.

Touvron and others, LLaMA: Open and Efficient Foundation Language Models, 2023, arXiv:2302.13971;
queries share keys as in Llama 2, 2023, arXiv:2307.09288. Root mean squares normalize (Zhang and
Sennrich, 2019, arXiv:1910.07467), nothing has a bias. At 30 layers, 9 heads, 3 of keys, width 576,
1,536 hidden units and 49,152 tokens, tied, it has SmolLM-135M's 134,515,008 parameters.
"""

import math

import keras

from zoo.layers.attention import FeedForward, SelfAttention, Sublayer
from zoo.layers.dropout import Dropout

STDDEV = 0.02


def llama(
    vocabulary_size,
    sequence_length=None,
    *,
    layers=4,
    heads=4,
    key_heads=2,
    width=128,
    hidden=352,
    rotary=10_000.0,
    tied=True,
    dropout=0.0,
):
    """Build a LLaMA style language model: `(B, T)` token ids to `(B, T, vocabulary_size)` logits.

    Args:
        vocabulary_size: number of tokens.
        sequence_length: tokens in a training window; any length is read.
        layers: number of blocks.
        heads: heads of queries in each block; they divide `width`.
        key_heads: heads of keys and values, which divide `heads`.
        width: size of a token's vector.
        hidden: width of the gated network in each block, 8/3 of `width` in the paper.
        rotary: base of the rotary positions.
        tied: whether the output shares the embedding's weights; not so in the paper.
        dropout: share of units dropped while training: of embeddings, attention and residuals.
    """
    if width % heads or heads % key_heads:
        raise ValueError(
            "Expected `heads` to divide `width`, and `key_heads` to divide `heads`. Received: "
            f"heads={heads}, key_heads={key_heads}, width={width}"
        )
    tokens = keras.Input((None,), dtype="int32")
    embedding = keras.layers.ReversibleEmbedding(
        vocabulary_size,
        width,
        tie_weights=tied,
        embeddings_initializer=keras.initializers.RandomNormal(stddev=STDDEV),
        reverse_dtype="float32",
        name="embedding",
    )
    x = embedding(tokens)  # (B, T, C)
    x = Dropout(dropout)(x) if dropout else x
    drawn = {"stddev": STDDEV, "stddev_output": STDDEV / math.sqrt(2 * layers), "use_bias": False}
    for i in range(layers):
        attention = SelfAttention(
            heads, key_heads, causal=True, rotary=rotary, dropout=dropout, **drawn
        )
        network = FeedForward(hidden, "silu", gated=True, **drawn)
        x = Sublayer(attention, normalization(), dropout, name=f"attention_{i}")(x)
        x = Sublayer(network, normalization(), dropout, name=f"network_{i}")(x)
    logits = embedding(normalization("normalized")(x), reverse=True)  # (B, T, V)
    # Under mixed precision the embedding announces bfloat16 although it returns float32.
    logits = keras.layers.Activation("linear", dtype="float32", name="logits")(logits)
    return keras.Model(tokens, logits, name="llama")


def normalization(name="norm"):
    return keras.layers.RMSNormalization(epsilon=1e-5, name=name)
