"""The loss of FCOS, which says itself what every location of a picture has to answer.

Tian, Shen, Chen and He, FCOS: Fully Convolutional One-Stage Object Detection, 2019,
arXiv:1904.01355, with center sampling and the loss of overlap of its later version; focal loss:
Lin and others, Focal Loss for Dense Object Detection, 2017, arXiv:1708.02002; overlap: Rezatofighi
and others, Generalized Intersection over Union, 2019, arXiv:1902.09630.
"""

import keras
from keras import ops

from zoo.layers import register
from zoo.layers.detection import locations, to_boxes

ALPHA, GAMMA = 0.25, 2.0  # of the focal loss, as published
FARTHEST = 8  # strides to the farthest edge of a box that a level answers for; the last has no end
TINY = 1e-7


@register
class FCOSLoss(keras.losses.Loss):
    """Focal loss of classes, generalized IoU of boxes and cross-entropy of centerness.

    `y_true` is `(B, most, 5)`: top, left, bottom and right of each box as shares of the picture's
    height and width, and the code of its class, -1 where there is no further box. `y_pred` is what
    `zoo.layers.detection.Detections` gives, `(B, locations, 5 + classes)`.

    A location answers for the smallest box it is in, if it is within `radius` strides of that
    box's middle and its level is the one for boxes of that size. Sums are over the batch, divided
    by the locations that answer for a box.

    Args:
        size: height and width of the picture, in pixels.
        shapes: height and width of each level's map.
        strides: pixels between neighbors, of each level.
        radius: strides.
    """

    def __init__(self, size, shapes, strides, radius=1.5, name="fcos", **kwargs):
        super().__init__(name=name, **kwargs)
        self.size = tuple(size)
        self.shapes = [tuple(shape) for shape in shapes]
        self.strides = tuple(strides)
        self.radius = radius
        self.places = locations(self.shapes, self.strides)  # (L, 3)

    @classmethod
    def of(cls, model):
        """Return the loss for a model whose last layer is `Detections`."""
        layer = model.get_layer("detections")
        return cls(layer.size, layer.shapes, layer.strides)

    def call(self, y_true, y_pred):
        height, width = self.size
        scale = ops.array([height, width, height, width, 1.0], y_pred.dtype)
        wanted, found = self._assigned(ops.cast(y_true, y_pred.dtype) * scale)  # (B, L, 5), (B, L)
        labels = ops.one_hot(ops.cast(wanted[..., 4], "int32"), y_pred.shape[-1] - 5)
        labels *= found[..., None]
        centered = centerness(wanted[..., :4], self.places) * found
        boxes = to_boxes(y_pred[..., :4], self.places)
        overlap = (1.0 - generalized_iou(wanted[..., :4], boxes)) * centered
        center = _cross_entropy(centered, y_pred[..., 4]) * found
        classes = ops.sum(focal(labels, y_pred[..., 5:]), axis=-1)
        count, weight = ops.maximum(ops.sum(found), 1.0), ops.maximum(ops.sum(centered), TINY)
        each = (classes + center) / count + overlap / weight  # (B, L)
        return ops.sum(each, axis=-1) * ops.cast(ops.shape(each)[0], each.dtype)  # mean: their sum

    def _assigned(self, boxes):
        """Return the box each location answers for, in pixels, and 1 where there is one."""
        y, x, stride = (self.places[:, i, None] for i in range(3))  # (L, 1)
        top, left, bottom, right, code = (boxes[:, None, :, i] for i in range(5))  # (B, 1, most)
        reach = self.radius * stride
        middle_y, middle_x = (top + bottom) / 2, (left + right) / 2
        near = (abs(y - middle_y) < reach) & (abs(x - middle_x) < reach)  # (B, L, most)
        edges = [y - top, x - left, bottom - y, right - x]
        inside = ops.min(ops.stack(edges), axis=0) > 0
        farthest = ops.max(ops.stack(edges), axis=0)
        low = ops.where(stride > self.strides[0], FARTHEST / 2 * stride, 0.0)
        high = ops.where(stride < self.strides[-1], FARTHEST * stride, float("inf"))
        own = near & inside & (farthest > low) & (farthest <= high) & (code >= 0)
        area = ops.where(own, (bottom - top) * (right - left), float("inf"))
        smallest = ops.argmin(area, axis=-1)  # (B, L)
        found = ops.cast(ops.any(own, axis=-1), boxes.dtype)
        return ops.take_along_axis(boxes, smallest[..., None], axis=1), found

    def get_config(self):
        names = ("size", "shapes", "strides", "radius")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def focal(labels, logits):
    """Return the focal loss of each zero or one, of the shape of the logits."""
    right = ops.where(labels > 0.5, logits, -logits)
    weight = ops.where(labels > 0.5, ALPHA, 1.0 - ALPHA)
    return weight * ops.sigmoid(-right) ** GAMMA * ops.softplus(-right)


def centerness(boxes, places):
    """Return how near the middle of its box each location is, 1 at the middle and 0 at an edge.

    Args:
        boxes: top, left, bottom and right in pixels, `(B, L, 4)`.
        places: what `locations` returned, `(L, 3)`.
    """
    y, x = places[:, 0], places[:, 1]
    top, left, bottom, right = (boxes[..., i] for i in range(4))
    return ops.sqrt(_balance(y - top, bottom - y) * _balance(x - left, right - x))


def _balance(first, second):
    """Return the smaller of two distances over the larger; 0 where one is negative."""
    near, far = ops.minimum(first, second), ops.maximum(first, second)
    return ops.maximum(near, 0.0) / ops.maximum(far, TINY)


def generalized_iou(first, second):
    """Return the generalized IoU of boxes in pairs: `(..., 4)` each, in [-1, 1]."""
    shared = _area(ops.maximum(first[..., :2], second[..., :2]),
                   ops.minimum(first[..., 2:], second[..., 2:]))  # fmt: skip
    around = _area(ops.minimum(first[..., :2], second[..., :2]),
                   ops.maximum(first[..., 2:], second[..., 2:]))  # fmt: skip
    union = _area(first[..., :2], first[..., 2:]) + _area(second[..., :2], second[..., 2:]) - shared
    return shared / ops.maximum(union, TINY) - (around - union) / ops.maximum(around, TINY)


def _area(start, end):
    sides = ops.maximum(end - start, 0.0)
    return sides[..., 0] * sides[..., 1]


def _cross_entropy(labels, logits):
    return ops.softplus(logits) - labels * logits
