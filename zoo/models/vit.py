"""Vision Transformer: a picture's patches as the tokens of a text.

Dosovitskiy and others, An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale,
2020, arXiv:2010.11929. Layer normalization comes before each layer, GELU is exact; a token of its
own, before the patches, gives the class. Tiny and small are sizes of Touvron and others, Training
Data-efficient Image Transformers, 2020, arXiv:2012.12877.
"""

import keras
from keras import ops

from zoo.layers import images, logits, register
from zoo.layers.attention import FeedForward, SelfAttention, Sublayer
from zoo.layers.dropout import Dropout
from zoo.layers.positions import PositionEmbedding

STDDEV = 0.02  # of all weights when drawn


@register
class ClassToken(keras.layers.Layer):
    """Put a learned token before the others: `(B, T, C)` to `(B, 1 + T, C)`."""

    def build(self, shape):
        self.vector = self.add_weight((1, shape[-1]), initializer="zeros", name="vector")

    def call(self, x):
        first = ops.cast(self.vector, x.dtype)[None]
        first = ops.broadcast_to(first, (ops.shape(x)[0], 1, x.shape[-1]))
        return ops.concatenate([first, x], axis=1)

    def compute_output_shape(self, shape):
        return (shape[0], shape[1] + 1, shape[2])


def normalization(name="norm"):
    return keras.layers.LayerNormalization(epsilon=1e-6, name=name)


def check_patch(input_shape, patch):
    """Return how many patches a picture has: two at least, and no pixels left over."""
    height, width = input_shape[:2]
    if patch < 1 or height % patch or width % patch or height * width < 2 * patch**2:
        fits = [n for n in range(1, 33) if not height % n and not width % n]
        fits = [n for n in fits if height * width >= 16 * n * n] or [1]
        raise ValueError(
            f"Expected `patch` to divide the picture's {height}x{width} pixels into two patches at "
            f"least, as patch={fits[-1]} does. Received: patch={patch}"
        )
    return (height // patch) * (width // patch)


def block(x, i, heads, hidden, dropout, looking=None):
    """One layer: attention, then a dense network, each of what is normalized, and added to it."""
    attention = SelfAttention(heads, dropout=dropout, stddev=STDDEV, looking=looking)
    network = FeedForward(hidden, "gelu", stddev=STDDEV)
    x = Sublayer(attention, normalization(), dropout, name=f"attention_{i}")(x)
    return Sublayer(network, normalization(), dropout, name=f"network_{i}")(x)


def vit(
    input_shape,
    classes,
    *,
    patch=16,
    layers=12,
    heads=3,
    width=192,
    dropout=0.0,
    classifier_activation=None,
):
    """Build a Vision Transformer; its positions are those of one size of picture.

    Args:
        input_shape: height, width and channels of a picture whose sides `patch` divides; values in
            [0, 1].
        classes: size of the output: classes, or targets; 1 for a binary class.
        patch: pixels a side of a patch; 16 is for pictures of 224 pixels, 4 for those of 28 or 32,
            1 or 2 for those of 8.
        layers: number of blocks.
        heads: attention heads in each block; divides `width`.
        width: numbers a patch is described by.
        dropout: share of units dropped while training: of embeddings, attention and residuals.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
    """
    inputs = images.picture_input(input_shape)
    count = check_patch(input_shape, patch)
    drawn = keras.initializers.TruncatedNormal(stddev=STDDEV)
    x = keras.layers.Conv2D(width, patch, patch, kernel_initializer=drawn, name="patches")(inputs)
    x = ClassToken(name="class_token")(keras.layers.Reshape((count, width))(x))  # (B, 1 + count, C)
    x = PositionEmbedding(1 + count, STDDEV, name="positions")(x)
    x = Dropout(dropout)(x) if dropout else x
    for i in range(layers):
        looking = 1 if i == layers - 1 else None  # only the class token of the last is used
        x = block(x, i, heads, 4 * width, dropout, looking)
    x = normalization("normalized")(x)[:, 0]  # (B, C)
    return keras.Model(inputs, logits(x, classes, None, classifier_activation), name="vit")
