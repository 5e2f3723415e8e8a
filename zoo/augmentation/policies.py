"""Changes drawn from a list, other ones for every picture: RandAugment and AugMix.

Cubuk, Zoph, Shlens and Le, RandAugment: Practical Automated Data Augmentation with a Reduced Search
Space, 2019, arXiv:1909.13719. Hendrycks and others, AugMix: A Simple Data Processing Method to
Improve Robustness and Uncertainty, 2019, arXiv:1912.02781; without its consistency loss, which
needs three passes of the model.

Keras's layers of these names draw one list for a whole batch, from generators of their own: AugMix
even from Python's, once a trace. Here every picture passes through the operations it drew and no
other. What moves is done first and at once, colors after it; borders repeat the nearest pixel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from zoo.augmentation.geometry import Move, Size, matrices, move_pictures
from zoo.augmentation.looks import Look
from zoo.augmentation.seeds import StepSeed, sign, uniform, whole

ROUNDS = 2  # operations of RandAugment
CHAINS, DEPTH = 3, 3  # of AugMix
MOST = 10.0  # the strongest magnitude of both papers


def _blend(plain: tf.Tensor, pictures: tf.Tensor, level: tf.Tensor) -> tf.Tensor:
    """Bring pictures nearer to a plain version of themselves, or farther from it."""
    return tf.clip_by_value(plain + (1 + 0.9 * level) * (pictures - plain), 0.0, 1.0)


def _gray(pictures: tf.Tensor) -> tf.Tensor:
    return tf.image.rgb_to_grayscale(pictures) if pictures.shape[-1] == 3 else pictures


def _brightness(pictures: tf.Tensor, level: tf.Tensor) -> tf.Tensor:
    return _blend(tf.zeros_like(pictures), pictures, level)


def _contrast(pictures: tf.Tensor, level: tf.Tensor) -> tf.Tensor:
    return _blend(tf.reduce_mean(_gray(pictures), axis=(1, 2, 3), keepdims=True), pictures, level)


def _color(pictures: tf.Tensor, level: tf.Tensor) -> tf.Tensor:
    return _blend(_gray(pictures), pictures, level)


def _sharpness(pictures: tf.Tensor, level: tf.Tensor) -> tf.Tensor:
    mean = tf.nn.avg_pool2d(pictures, 3, 1, "SAME")
    return _blend((9 * mean + 4 * pictures) / 13, pictures, level)  # the middle weighs 5 of 13


def _posterize(pictures: tf.Tensor, level: tf.Tensor) -> tf.Tensor:
    step = 2 ** tf.round(4 * tf.abs(level))  # of 256 values
    return tf.floor(pictures * 255 / step) * step / 255


def _solarize(pictures: tf.Tensor, level: tf.Tensor) -> tf.Tensor:
    return tf.where(pictures < (1 - tf.abs(level)) * 256 / 255, pictures, 1 - pictures)


def _autocontrast(pictures: tf.Tensor, level: tf.Tensor) -> tf.Tensor:
    low = tf.reduce_min(pictures, axis=(1, 2), keepdims=True)
    high = tf.reduce_max(pictures, axis=(1, 2), keepdims=True)
    return tf.where(high > low, tf.math.divide_no_nan(pictures - low, high - low), pictures)


def _equalize(pictures: tf.Tensor, level: tf.Tensor) -> tf.Tensor:
    """Make all of 256 values about as frequent, in each channel."""
    _, height, width, channels = pictures.shape
    planes = tf.transpose(tf.cast(tf.round(pictures * 255), tf.int32), (0, 3, 1, 2))
    planes = tf.reshape(planes, (-1, height * width))  # (B * C, H * W)
    with tf.device("CPU:0"):  # the kernel of GPUs refuses to be deterministic
        counts = tf.math.bincount(planes, minlength=256, maxlength=256, axis=-1)
    below = tf.cumsum(counts, axis=1, exclusive=True)
    last = tf.reduce_max(planes, axis=1, keepdims=True)
    step = tf.gather(below, last, batch_dims=1) // 255  # (B * C, 1): all but the highest value
    table = tf.minimum((below + step // 2) // tf.maximum(step, 1), 255)
    spread = tf.gather(tf.where(step > 0, table, tf.range(256)), planes, batch_dims=1)
    spread = tf.reshape(tf.cast(spread, tf.float32) / 255, (-1, channels, height, width))
    return tf.transpose(spread, (0, 2, 3, 1))


COLORS: dict[str, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "posterize": _posterize, "solarize": _solarize, "autocontrast": _autocontrast,
    "equalize": _equalize, "brightness": _brightness, "contrast": _contrast, "color": _color,
    "sharpness": _sharpness,
}  # fmt: skip
MOVES = ("rotate", "shear-x", "shear-y", "shift-x", "shift-y")
ALL = (*COLORS, *MOVES, "identity")
# AugMix leaves out what the benchmark of corruptions has as well.
MIXED = tuple(ALL.index(name) for name in (*tuple(COLORS)[:4], *MOVES))


def _move(size: Size, kinds: tf.Tensor, levels: tf.Tensor) -> tf.Tensor:
    """Return the matrices of operations `(B,)` with levels `(B,)` in [-1, 1]."""
    turn, across, down, x, y = (
        tf.where(kinds == ALL.index(name), levels, 0.0) for name in MOVES
    )  # (B,) each
    cos, sin = tf.cos(math.radians(30) * turn), tf.sin(math.radians(30) * turn)
    return matrices(
        size.count,
        xx=cos, xy=0.3 * across - sin, x=0.45 * size.width * x,
        yx=0.3 * down + sin, yy=cos, y=0.45 * size.height * y,
    )  # fmt: skip


def _color_each(pictures: tf.Tensor, kinds: tf.Tensor, levels: tf.Tensor) -> tf.Tensor:
    """Pass every picture through the operation it drew."""
    kinds = tf.minimum(kinds, len(COLORS))  # the moves are done
    parts, levels, rows = (
        tf.dynamic_partition(each, kinds, len(COLORS) + 1)
        for each in (pictures, levels[:, None, None, None], tf.range(tf.shape(pictures)[0]))
    )
    done = [change(*part) for change, *part in zip(COLORS.values(), parts, levels, strict=False)]
    stitched = tf.dynamic_stitch(rows, [*done, parts[-1]])
    return tf.ensure_shape(stitched, pictures.shape)


def _drawn(count: Any, magnitude: float, seed: StepSeed) -> tuple[Any, Any]:
    """Draw the operations of RandAugment and their levels, a list `(B,)` a round of both."""
    kinds = whole((ROUNDS, count), len(ALL), seed)
    levels = sign((ROUNDS, count), seed) * magnitude / MOST
    return tf.unstack(kinds), tf.unstack(levels)


def randaugment_moves(magnitude: float) -> Move:
    """Move the pictures that drew that; `randaugment_looks` does the rest of the same draws."""

    def move(size: Size, seed: StepSeed) -> tf.Tensor:
        first, second = (
            _move(size, *drawn) for drawn in zip(*_drawn(size.count, magnitude, seed), strict=True)
        )
        return first @ second

    return move


def randaugment_looks(magnitude: float) -> Look:
    """Change the colors of the pictures that drew that."""

    def look(pictures: tf.Tensor, seed: StepSeed) -> tf.Tensor:
        for drawn in zip(*_drawn(tf.shape(pictures)[0], magnitude, seed), strict=True):
            pictures = _color_each(pictures, *drawn)
        return pictures

    return look


def augmix(severity: float) -> Look:
    """Mix each picture with three chains of up to three operations on it."""

    def look(pictures: tf.Tensor, seed: StepSeed) -> tf.Tensor:
        count = tf.shape(pictures)[0]
        chains = _chains(tf.tile(pictures, (CHAINS, 1, 1, 1)), severity, seed)
        chains = tf.reshape(chains, (CHAINS, count, *pictures.shape[1:]))
        weights = -tf.math.log(1 - uniform((CHAINS, count, 1, 1, 1), 0.0, 1.0, seed))
        mixed = tf.reduce_sum(weights * chains, axis=0) / tf.reduce_sum(weights, axis=0)
        share = uniform((count, 1, 1, 1), 0.0, 1.0, seed)
        return (1 - share) * pictures + share * mixed

    return look


def _chains(pictures: tf.Tensor, severity: float, seed: StepSeed) -> tf.Tensor:
    """Pass every picture through one to three operations of its own."""
    count = tf.shape(pictures)[0]
    size = Size(count, *pictures.shape[1:3])
    kinds = tf.gather(MIXED, whole((DEPTH, count), len(MIXED), seed))
    past = tf.range(DEPTH)[:, None] > whole((count,), DEPTH, seed)
    kinds = tf.unstack(tf.where(past, ALL.index("identity"), kinds))
    levels = sign((DEPTH, count), seed) * uniform((DEPTH, count), 0.1, severity, seed) / MOST
    drawn = list(zip(kinds, tf.unstack(levels), strict=True))
    moves = matrices(count)
    for each in drawn:
        moves = moves @ _move(size, *each)
    pictures = move_pictures(pictures, moves)
    for each in drawn:
        pictures = _color_each(pictures, *each)
    return pictures
