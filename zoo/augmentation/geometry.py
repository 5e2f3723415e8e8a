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

import keras
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
    """Move by up to a share of width and height."""

    def move(size: Size, seed: StepSeed) -> tf.Tensor:
        x, y = (uniform((size.count,), -strength, strength, seed) for _ in range(2))
        return matrices(size.count, x=x * size.width, y=y * size.height)

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


def mirror(pictures: tf.Tensor, moves: tf.Tensor) -> tf.Tensor:
    """Return pictures or masks `(B, H, W, ...)` whose moves are flips: no pixel is interpolated."""
    for axis, scale in ((2, moves[:, 0, 0]), (1, moves[:, 1, 1])):
        flipped = tf.reshape(scale < 0, (-1, *[1] * (len(pictures.shape) - 1)))
        pictures = tf.where(flipped, tf.reverse(pictures, [axis]), pictures)
    return pictures


def move_pictures(
    pictures: tf.Tensor, moves: tf.Tensor, interpolation: str = "bilinear", **fill: Any
) -> tf.Tensor:
    """Return moved pictures `(B, H, W, C)`; borders repeat the nearest pixel unless `fill` says."""
    height, width = pictures.shape[1:3]
    x, y = (width - 1) / 2, (height - 1) / 2  # the middle, from the middle of the first pixel
    flat = tf.reshape(moves, (-1, 9))[:, :8]  # (B, 8)
    xx, xy, dx, yx, yy, dy, *rest = tf.unstack(flat, axis=1)
    dx, dy = dx + x - xx * x - xy * y, dy + y - yx * x - yy * y
    return keras.ops.image.affine_transform(
        pictures,
        tf.stack([xx, xy, dx, yx, yy, dy, *rest], axis=1),
        interpolation=interpolation,
        data_format="channels_last",
        **(fill or {"fill_mode": "nearest"}),
    )


def move_masks(masks: tf.Tensor, moves: tf.Tensor) -> tf.Tensor:
    """Return moved class codes uint8 `(B, H, W)`; what comes in from outside is `IGNORED`."""
    fill = {"fill_mode": "constant", "fill_value": IGNORED}
    return move_pictures(masks[..., None], moves, "nearest", **fill)[..., 0]


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
