"""FCOS: every location of a pyramid of maps says what it is in, and how far the edges are.

Tian, Shen, Chen and He, FCOS: Fully Convolutional One-Stage Object Detection, 2019,
arXiv:1904.01355, with the group normalization and the distances in strides of its later version;
the pyramid is that of Lin and others, Feature Pyramid Networks for Object Detection, 2016,
arXiv:1612.03144, with two coarser maps made of its last; Wu and He, Group Normalization, 2018,
arXiv:1803.08494.
"""

import itertools
import math

import keras

from zoo import registry
from zoo.layers import images
from zoo.layers.detection import Detections

COARSEST = 32  # pixels between neighbors in the last map that is taken from a backbone
GROUP = 8  # channels normalized together: 32 groups of 256, as published
SUITED = {"cnn-small": {"filters": 8, "stages": 6, "dropout": 0.0}}  # made for smaller pictures
RARE = 0.01  # what a class is thought to be at first, so that the many locations of none are calm


def fcos(
    input_shape,
    classes,
    *,
    backbone="cnn-small",
    backbone_options=None,
    strides=(8, 16, 32, 64, 128),
    width=256,
    depth=4,
):
    """Build FCOS on any network of pictures that gives its maps.

    The output is float32 `(B, locations, 5 + classes)`: distances to the left, top, right and
    bottom edge in strides of the location's level, the logit of centerness, and a logit a class.
    `zoo.losses.detection.FCOSLoss.of(model)` is its loss.

    Args:
        input_shape: height, width and channels of a picture; values in [0, 1].
        classes: of objects.
        backbone: a model of the registry that has `features_only`.
        backbone_options: its options by name, as {'filters': 16}; cnn-small, made for smaller
            pictures, has 8 filters and 6 stages here unless told.
        strides: pixels between neighbors in each map, each twice the last; those that are coarser
            than the backbone's are made from its last.
        width: channels of the pyramid and of the heads.
        depth: convolutions of each head before its last.
    """
    check_strides(strides)
    check_options(backbone_options)
    inputs = images.picture_input(input_shape)
    options = {**SUITED.get(backbone, {}), **(backbone_options or {})}
    found = backbone_maps(inputs, strides, backbone, options)
    maps = pyramid(found, len(strides), width)  # of each: (B, H / stride, W / stride, width)
    tables = heads(maps, classes, width, depth)  # of each: (B, H / stride, W / stride, 5 + classes)
    detections = Detections(input_shape[:2], strides, dtype="float32", name="detections")
    return keras.Model(inputs, detections(tables), name="fcos")


def check_strides(strides):
    doubled = all(b == 2 * a for a, b in itertools.pairwise(strides))
    if not strides or strides[0] < 1 or strides[0] & (strides[0] - 1) or not doubled:
        raise ValueError(
            "Expected `strides` to be powers of two, each twice the last, as (8, 16, 32). "
            f"Received: strides={tuple(strides)}"
        )


def check_options(options):
    if options is not None and not isinstance(options, dict):
        raise ValueError(
            "Expected `backbone_options` to be options by name, as {'filters': 16}. "
            f"Received: backbone_options={options!r}"
        )


def backbone_maps(inputs, strides, name, options):
    """Return the backbone's maps at those of the strides it has, the finest first.

    The picture is padded below and to the right to a size that they divide.
    """
    height, width, channels = inputs.shape[1:]
    below, beside = (-side % min(COARSEST, strides[-1]) for side in (height, width))
    shape = (height + below, width + beside, channels)
    network = registry.create(name, input_shape=shape, classes=1, features_only=True, **options)
    there = {shape[0] // output.shape[1]: output for output in network.outputs}
    used = [there[stride] for stride in strides if stride in there and stride <= COARSEST]
    if not used or strides[0] not in there:
        raise ValueError(
            f"Expected `backbone` to have a map of stride {strides[0]}, the first of `strides`. "
            f"Received: backbone={name!r} with strides {', '.join(map(str, there))}"
        )
    x = keras.layers.ZeroPadding2D(((0, below), (0, beside)))(inputs) if below + beside else inputs
    maps = keras.Model(network.inputs, used, name="backbone")(x)
    return maps if isinstance(maps, list) else [maps]


def pyramid(maps, levels, width):
    """Return as many maps of equal width: each with what the coarser ones know, then coarser."""
    merged = [keras.layers.Conv2D(width, 1)(x) for x in maps]
    for i in range(len(merged) - 1, 0, -1):
        coarser = keras.layers.UpSampling2D(2)(merged[i])
        merged[i - 1] = keras.layers.Add()([merged[i - 1], coarser])
    found = [keras.layers.Conv2D(width, 3, padding="same")(x) for x in merged]
    while len(found) < levels:
        x = found[-1] if len(found) == len(maps) else keras.layers.ReLU()(found[-1])
        x = keras.layers.ZeroPadding2D(1)(x)
        found.append(keras.layers.Conv2D(width, 3, strides=2)(x))
    return found


def heads(maps, classes, width, depth):
    """Return distances, centerness and classes of each map, by the same layers for all."""
    looking, placing = tower(width, depth), tower(width, depth)
    likely = keras.initializers.Constant(-math.log((1 - RARE) / RARE))
    logits = head(classes, "logits", likely)
    distances, centerness = head(4, "distances"), head(1, "centerness")
    tables = []
    for x in maps:
        seen, placed = looking(x), placing(x)
        parts = [distances(placed), centerness(placed), logits(seen)]
        tables.append(keras.layers.Concatenate(dtype="float32")(parts))
    return tables


def tower(width, depth):
    """Return convolutions with group normalization, to be used on every map."""
    stack = []
    for _ in range(depth):
        kernel = keras.initializers.RandomNormal(stddev=0.01)
        stack += [
            keras.layers.Conv2D(width, 3, padding="same", kernel_initializer=kernel),
            keras.layers.GroupNormalization(groups=max(1, width // GROUP)),
            keras.layers.ReLU(),
        ]

    def apply(x):
        for layer in stack:
            x = layer(x)
        return x  # (B, h, w, width)

    return apply


def head(channels, name, bias="zeros"):
    return keras.layers.Conv2D(
        channels,
        3,
        padding="same",
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        bias_initializer=bias,
        dtype="float32",
        name=name,
    )
