"""BERT: a Transformer whose tokens see the whole text, before and after them.

Devlin, Chang, Lee and Toutanova, BERT: Pre-training of Deep Bidirectional Transformers for Language
Understanding, 2018, arXiv:1810.04805. The sizes below base are those of Turc and others,
Well-Read Students Learn Better, 2019, arXiv:1908.08962; MiniLM is Wang and others, 2020,
arXiv:2002.10957. Sums are normalized after each layer, positions are learned, GELU is exact.

There are no pairs of texts here: each token has BERT's vector of the first kind.
"""

import keras
from keras import ops

from zoo.layers import logits, register
from zoo.layers.attention import FeedForward, SelfAttention, Sublayer, dense
from zoo.layers.dropout import Dropout
from zoo.layers.positions import PositionEmbedding
from zoo.layers.recurrent import Steps

KINDS = 2  # of texts, as published: the first and the second of a pair
STDDEV = 0.02  # of all weights when drawn
POOLING = ("mean", "first")


@register
class FirstKind(keras.layers.Layer):
    """Add the vector of the first kind of text, of so many that are learned: `(B, T, C)`."""

    def __init__(self, kinds=KINDS, **kwargs):
        super().__init__(**kwargs)
        self.kinds = kinds

    def build(self, shape):
        drawn = keras.initializers.RandomNormal(stddev=STDDEV)
        self.vectors = self.add_weight((self.kinds, shape[-1]), initializer=drawn, name="vectors")

    def call(self, x):
        return x + ops.cast(self.vectors[0], x.dtype)

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "kinds": self.kinds}


@register
class Mean(keras.layers.Layer):
    """Average the tokens that are no padding: `(B, T, C)` and bool `(B, T)` to `(B, C)`."""

    def call(self, x, real):
        share = ops.cast(real, "float32")[..., None]  # (B, T, 1)
        total = ops.sum(ops.cast(x, "float32") * share, axis=1)
        return ops.cast(total / ops.maximum(ops.sum(share, axis=1), 1.0), x.dtype)

    def compute_output_shape(self, x_shape, real_shape=None):
        return (x_shape[0], x_shape[2])


def normalization(name="norm"):
    return keras.layers.LayerNormalization(epsilon=1e-12, name=name)


def embed(tokens, vocabulary_size, sequence_length, width, dropout):
    drawn = keras.initializers.RandomNormal(stddev=STDDEV)
    x = keras.layers.Embedding(vocabulary_size, width, drawn, name="embedding")(tokens)
    x = PositionEmbedding(sequence_length, STDDEV, name="positions")(x)
    x = normalization("embedded")(FirstKind(name="kinds")(x))
    return Dropout(dropout)(x) if dropout else x  # (B, T, C)


def block(x, real, i, heads, hidden, dropout, looking=None):
    """One layer: attention, then a dense network, each added to what came in and normalized."""
    attention = SelfAttention(heads, dropout=dropout, stddev=STDDEV, looking=looking)
    network = FeedForward(hidden, "gelu", stddev=STDDEV)
    x = Sublayer(attention, normalization(), dropout, after=True, name=f"attention_{i}")(
        x, real=real
    )
    return Sublayer(network, normalization(), dropout, after=True, name=f"network_{i}")(x)


def pool(x, real, pooling):
    """Return one vector a text, `(B, C)`."""
    if pooling == "mean":
        return Mean(name="mean")(x, real)
    if pooling != "first":
        raise ValueError(
            f"Expected `pooling` to be one of {', '.join(POOLING)}. Received: pooling={pooling!r}"
        )
    x = dense(x.shape[-1], STDDEV, name="pooler")(x[:, 0])
    return keras.layers.Activation("tanh", name="pooled")(x)


def bert(
    vocabulary_size,
    classes=None,
    sequence_length=512,
    *,
    layers=12,
    heads=12,
    width=768,
    hidden=None,
    dropout=0.1,
    pooling="mean",
    classifier_activation=None,
):
    """Build a BERT: token ids `(B, T)`, of which 0 is padding that nothing looks at.

    With `classes` one vector a text gives the output `(B, classes)`. Without, the model returns the
    last layer's tokens `(B, T, width)` and that vector `(B, width)`.

    The vector is the mean of all tokens but padding, as MiniLM's sentences have it, or with
    `pooling="first"` BERT's own: the first token after one more dense layer and tanh. That one is
    for texts that begin with a token of their own, [CLS], which the tokenizers learned here do not
    have.

    Args:
        vocabulary_size: number of tokens.
        classes: size of the output: classes, or targets; 1 for a binary class.
        sequence_length: the longest text in tokens; shorter ones are welcome.
        layers: number of blocks.
        heads: attention heads in each block; divides `width`.
        width: size of a token's vector.
        hidden: width of the dense network within each block; four times `width` where None.
        dropout: share of units dropped while training: of embeddings, attention and residuals.
        pooling: mean or first.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
    """
    inputs = keras.Input((None,), dtype="int32")
    tokens, real = Steps(name="steps")(inputs)  # (B, T)
    x = embed(tokens, vocabulary_size, sequence_length, width, dropout)
    first = pooling == "first" and classes is not None  # all that is used of the last layer
    for i in range(layers):
        looking = 1 if first and i == layers - 1 else None
        x = block(x, real, i, heads, hidden or 4 * width, dropout, looking)
    pooled = pool(x, real, pooling)
    if classes is None:
        return keras.Model(inputs, [x, pooled], name="bert")
    pooled = Dropout(dropout)(pooled) if dropout else pooled
    outputs = logits(pooled, classes, None, classifier_activation)
    return keras.Model(inputs, outputs, name="bert")
