"""U-Net: a contracting path, an expanding one, and the maps of the first joined to the second.

Ronneberger, Fischer and Brox, U-Net: Convolutional Networks for Biomedical Image Segmentation,
2015, arXiv:1505.04597. Convolutions keep the size, where the paper's lose their borders, so that
every pixel of the picture gets an answer; this changes no parameter count. The batch normalization
of Ioffe and Szegedy, 2015, arXiv:1502.03167, came later; without it the network is the paper's.
"""

import math

import keras

from zoo import registry
from zoo.layers import images

STRIDE = 32  # of the coarsest maps that a network of pictures has


def convolution(x, filters, batch_norm):
    if batch_norm:
        return images.convolution(x, filters, activation="relu")
    return keras.layers.Conv2D(
        filters, 3, padding="same", activation="relu", kernel_initializer="he_normal"
    )(x)  # (B, H, W, filters)


def stage(x, filters, batch_norm):
    for _ in range(2):
        x = convolution(x, filters, batch_norm)
    return x  # (B, H, W, filters)


def contract(x, filters, depth, batch_norm):
    """Return the maps of the paper's contracting path by how often each was halved."""
    maps = {}
    for level in range(depth + 1):
        x = keras.layers.MaxPooling2D(2)(x) if level else x
        x = maps[level] = stage(x, filters * 2**level, batch_norm)
    return maps  # (B, H / 2**level, W / 2**level, filters * 2**level)


def backbone_maps(x, backbone):
    """Return the maps of another network by how often each was halved."""
    if "features_only" not in [argument.name for argument in registry.arguments(backbone)]:
        raise ValueError(
            "Expected `backbone` to be a model that gives its maps, with an option features_only. "
            f"Received: backbone={backbone!r}"
        )
    shape = tuple(x.shape[1:])
    maps = registry.create(backbone, input_shape=shape, classes=1, features_only=True)(x)
    found = {int(math.log2(shape[0] // m.shape[1])): m for m in maps}
    if any(m.shape[1] << level != shape[0] for level, m in found.items()):
        sides = ", ".join(str(m.shape[1]) for m in maps)
        raise ValueError(
            f"Expected `backbone` to halve {shape[0]} pixels again and again. "
            f"Received: backbone={backbone!r} with maps of {sides}"
        )
    return found


def unet(
    input_shape,
    classes,
    *,
    filters=64,
    depth=4,
    batch_norm=True,
    dropout=0.0,
    backbone=None,
):
    """Build a U-Net: pictures `(B, H, W, channels)` in, logits `(B, H, W, classes)` out.

    Args:
        input_shape: height, width and channels of a picture of any size; values in [0, 1].
        classes: channels of the output.
        filters: at the picture's size; there are twice as many wherever it is halved.
        depth: how often the picture is halved; a backbone has its own depth.
        batch_norm: normalize each convolution.
        dropout: share of values dropped of the coarsest map while training.
        backbone: a model whose maps, of `features_only`, take the place of the contracting path.
    """
    if depth < 1 or filters < 1:
        raise ValueError(f"Expected positive integers. Received: depth={depth}, filters={filters}")
    inputs = images.picture_input(input_shape)
    x, border = pad(inputs, 2**depth if backbone is None else STRIDE)
    if backbone is None:
        maps = contract(x, filters, depth, batch_norm)
    else:
        maps = backbone_maps(x, backbone)
    coarsest = max(maps)
    x = maps[coarsest]
    x = keras.layers.Dropout(dropout)(x) if dropout else x
    for level in reversed(range(coarsest)):
        width = filters * 2**level
        x = keras.layers.Conv2DTranspose(width, 2, strides=2, kernel_initializer="he_normal")(x)
        x = keras.layers.Concatenate()([maps[level], x]) if level in maps else x
        x = stage(x, width, batch_norm)  # (B, H / 2**level, W / 2**level, width)
    x = keras.layers.Cropping2D(border)(x) if any(map(any, border)) else x
    # The layer that `layers.logits` is for vectors: what transfer learning replaces.
    outputs = keras.layers.Conv2D(classes, 1, dtype="float32", name="logits")(x)
    return keras.Model(inputs, outputs, name="unet")


def pad(x, multiple):
    """Return a picture with zeros around it so that its sides are multiples, and how many."""
    missing = [-side % multiple for side in x.shape[1:3]]
    border = tuple((n // 2, n - n // 2) for n in missing)  # above and below, left and right
    return (keras.layers.ZeroPadding2D(border)(x) if any(missing) else x), border
