"""What a detector's outputs mean: where on the picture each lies, and which box it stands for."""

import keras
import numpy as np
from keras import ops

from zoo.layers import register

LARGEST = 8.0  # of the logarithm of a distance in strides, so that it stays finite


@register
class Detections(keras.layers.Layer):
    """One table of the maps of a detector's levels: `(B, h, w, 5 + classes)` each.

    The first four values become positive, by exp; the others stay as they are. Row `i` of the
    result `(B, locations, 5 + classes)` belongs to row `i` of `locations(shapes, strides)`.

    Args:
        size: height and width of the picture, in pixels.
        strides: pixels between neighbors, of each level.
    """

    def __init__(self, size, strides, **kwargs):
        super().__init__(**kwargs)
        self.size = tuple(size)
        self.strides = tuple(strides)

    def build(self, input_shape):
        self.shapes = [tuple(shape[1:3]) for shape in input_shape]

    def call(self, maps):
        tables = [ops.reshape(x, (-1, h * w, x.shape[-1])) for x, (h, w) in self._with_shapes(maps)]
        table = ops.concatenate(tables, axis=1)  # (B, locations, 5 + classes)
        distances = ops.exp(ops.minimum(table[..., :4], LARGEST))
        return ops.concatenate([distances, table[..., 4:]], axis=-1)

    def _with_shapes(self, maps):
        return zip(maps, self.shapes, strict=True)

    def get_config(self):
        return {**super().get_config(), "size": self.size, "strides": self.strides}


def locations(shapes, strides):
    """Return the middle of every cell and its stride, float32 `(locations, 3)`: y, x, stride.

    Args:
        shapes: height and width of each level's map.
        strides: pixels between neighbors, of each level.
    """
    levels = []
    for (height, width), stride in zip(shapes, strides, strict=True):
        y, x = np.mgrid[:height, :width].reshape(2, -1) * stride + stride / 2
        levels.append(np.stack([y, x, np.full(y.shape, stride)], axis=1))
    return np.concatenate(levels).astype("float32")


def to_boxes(distances, places):
    """Return top, left, bottom and right in pixels, `(B, locations, 4)`.

    Args:
        distances: to left, top, right and bottom in strides, `(B, locations, 4)`.
        places: what `locations` returned.
    """
    y, x, stride = (places[:, i] for i in range(3))
    left, top, right, bottom = (distances[..., i] * stride for i in range(4))
    return ops.stack([y - top, x - left, y + bottom, x + right], axis=-1)
