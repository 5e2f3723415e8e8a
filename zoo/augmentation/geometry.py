"""Changes that move pictures, each as one matrix a picture, and what has to move along.

A matrix `(B, 3, 3)` says which point of the old picture a point `(x, y, 1)` of the new one shows,
both in pixels from the middle. All the moves of a batch are multiplied and done at once, so that a
picture is interpolated once.

Crops of a random size are those of Szegedy and others, Going Deeper with Convolutions, 2014,
arXiv:1409.4842.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from zoo.augmentation.seeds import StepSeed, sign, uniform

IGNORED = 255  # class code of a mask's pixels that were never seen
KEPT = 0.25  # least share of a box that must still be seen


class Size(NamedTuple):
    """What moves depend on: how many pictures there are, and their sides in pixels."""

    count: Any
    height: int
    width: int


Move = Callable[[Size, StepSeed], tf.Tensor]


def matrices(
    count: Any,
    xx: Any = 1.0,
    xy: Any = 0.0,
    x: Any = 0.0,
    yx: Any = 0.0,
    yy: Any = 1.0,
    y: Any = 0.0,
) -> tf.Tensor:
    """Return `(count, 3, 3)` from its entries, numbers or `(count,)`."""
    entries = [tf.cast(entry, tf.float32) for entry in (xx, xy, x, yx, yy, y, 0.0, 0.0, 1.0)]
    rows = tf.stack([tf.broadcast_to(entry, (count,)) for entry in entries], axis=1)
    return tf.reshape(rows, (count, 3, 3))


def flip(strength: None) -> Move:
    """Mirror left and right, half of the pictures."""
    return lambda size, seed: matrices(size.count, xx=sign((size.count,), seed))


def flip_vertical(strength: None) -> Move:
    """Mirror top and bottom, half of the pictures."""
    return lambda size, seed: matrices(size.count, yy=sign((size.count,), seed))


def shift(strength: float) -> Move:
    """Move by up to a share of width and height, in whole pixels."""

    def move(size: Size, seed: StepSeed) -> tf.Tensor:
        x, y = (uniform((size.count,), -strength, strength, seed) for _ in range(2))
        return matrices(size.count, x=tf.round(x * size.width), y=tf.round(y * size.height))

    return move


def zoom(strength: float) -> Move:
    """Shrink or grow by up to a share."""

    def move(size: Size, seed: StepSeed) -> tf.Tensor:
        scale = uniform((size.count,), 1 - strength, 1 + strength, seed)
        return matrices(size.count, xx=scale, yy=scale)

    return move


def crop(strength: float) -> Move:
    """Show a part with at least this share of the area, sides as 3:4 to 4:3, in the full size."""

    def move(size: Size, seed: StepSeed) -> tf.Tensor:
        area = uniform((size.count,), strength, 1.0, seed)
        ratio = tf.exp(uniform((size.count,), math.log(3 / 4), math.log(4 / 3), seed))
        across, down = (tf.minimum(tf.sqrt(a), 1.0) for a in (area * ratio, area / ratio))
        x, y = (uniform((size.count,), -0.5, 0.5, seed) for _ in range(2))
        x, y = x * (1 - across) * size.width, y * (1 - down) * size.height
        return matrices(size.count, xx=across, x=x, yy=down, y=y)

    return move


def rotate(strength: float) -> Move:
    """Turn by up to so many degrees."""

    def move(size: Size, seed: StepSeed) -> tf.Tensor:
        angle = math.radians(1) * uniform((size.count,), -strength, strength, seed)
        cos, sin = tf.cos(angle), tf.sin(angle)
        return matrices(size.count, xx=cos, xy=-sin, yx=sin, yy=cos)

    return move


@tf.function(jit_compile=True, autograph=False)  # each operation alone would cost far more
def move_pictures(pictures: tf.Tensor, moves: tf.Tensor, interpolated: bool = True) -> tf.Tensor:
    """Return moved pictures `(B, H, W, C)`, whose borders repeat the nearest pixel.

    Moves by whole pixels need not be interpolated; nothing differs but the time it takes.
    """
    height, width = pictures.shape[1:3]
    y, x = _sources(moves, height, width)
    y, x = tf.clip_by_value(y, 0.0, height - 1.0), tf.clip_by_value(x, 0.0, width - 1.0)
    if not interpolated:
        return _pixels(pictures, tf.round(y), tf.round(x))
    top, left = tf.floor(y), tf.floor(x)
    bottom, right = tf.minimum(top + 1, height - 1.0), tf.minimum(left + 1, width - 1.0)
    down, across = (y - top)[..., None], (x - left)[..., None]
    above = _between(_pixels(pictures, top, left), _pixels(pictures, top, right), across)
    below = _between(_pixels(pictures, bottom, left), _pixels(pictures, bottom, right), across)
    return _between(above, below, down)


@tf.function(jit_compile=True, autograph=False)
def move_masks(masks: tf.Tensor, moves: tf.Tensor) -> tf.Tensor:
    """Return moved class codes uint8 `(B, H, W)`; what comes in from outside is `IGNORED`."""
    height, width = masks.shape[1:]
    y, x = (tf.round(source) for source in _sources(moves, height, width))
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    y, x = tf.clip_by_value(y, 0.0, height - 1.0), tf.clip_by_value(x, 0.0, width - 1.0)
    return tf.where(inside, _pixels(masks[..., None], y, x)[..., 0], IGNORED)


def _sources(moves: tf.Tensor, height: int, width: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the rows and the columns, `(B, H, W)` each, that the pixels of new pictures show."""
    y = tf.range(height, dtype=tf.float32)[:, None] - (height - 1) / 2  # (H, 1), from the middle
    x = tf.range(width, dtype=tf.float32) - (width - 1) / 2  # (W,)
    (xx, xy, dx), (yx, yy, dy) = (
        tf.unstack(moves[:, row, :, None, None], axis=1) for row in (0, 1)
    )  # (B, 1, 1) each
    return yx * x + yy * y + dy + (height - 1) / 2, xx * x + xy * y + dx + (width - 1) / 2


def _pixels(pictures: tf.Tensor, y: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Return the pixels in rows and columns `(B, H, W)` that are whole numbers."""
    _, height, width, channels = pictures.shape
    places = tf.cast(y, tf.int32) * width + tf.cast(x, tf.int32)
    return tf.gather(tf.reshape(pictures, (-1, height * width, channels)), places, batch_dims=1)


def _between(one: tf.Tensor, other: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    return one + share * (other - one)


def move_boxes(boxes: tf.Tensor, moves: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Return moved boxes float32 `(B, most, 5)`: top, left, bottom, right as shares, class code.

    Boxes are cut at the border; rows without a box, and those of which less than `KEPT` is left,
    are -1. Rectangles stay rectangles: the moves do not turn.
    """
    sides = tf.constant([height, width, height, width], tf.float32)
    corners = (boxes[..., :4] - 0.5) * sides
    points = tf.stack([corners[..., 1::2], corners[..., 0::2]], axis=-1)  # (B, most, 2, x and y)
    back = tf.linalg.inv(moves)[:, None]  # (B, 1, 3, 3)
    points = tf.matmul(points, back[..., :2, :2], transpose_b=True) + back[..., None, :2, 2]
    low, high = tf.reduce_min(points, axis=2), tf.reduce_max(points, axis=2)  # (B, most, 2)
    moved = tf.concat([low[..., ::-1], high[..., ::-1]], axis=-1) / sides + 0.5
    cut = tf.clip_by_value(moved, 0.0, 1.0)
    seen = (boxes[..., 4] >= 0) & (_area(cut) > KEPT * _area(moved))  # (B, most)
    return tf.where(seen[..., None], tf.concat([cut, boxes[..., 4:]], axis=-1), -1.0)


def _area(boxes: tf.Tensor) -> tf.Tensor:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
