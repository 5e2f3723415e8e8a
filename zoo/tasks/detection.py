"""Boxes around objects, each with its class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.datasets.base import Spec
from zoo.errors import InputError
from zoo.layers.detection import locations, to_boxes
from zoo.losses.detection import FCOSLoss
from zoo.metrics import detection as measures
from zoo.tasks import common

MOST = 100  # boxes of a picture
LEAST = 0.05  # score of a box that is shown
SAME = 0.6  # overlap from which two boxes of one class are one


class Detection(common.Task):
    """Decodes outputs into `boxes`, `scores` and `labels`, the likeliest first, and their `count`.

    Boxes are top, left, bottom and right in pixels of the picture as it came, float32
    `(B, 100, 4)`; after the first `count` of them come zeros, and empty labels.
    """

    name = "detection"
    score = "map"

    def __init__(self, spec: Spec):
        self.classes = spec.classes
        self.column = spec.inputs[0].name
        self._loss: keras.losses.Loss | None = None

    def builder_arguments(self) -> dict[str, Any]:
        """Return the size of the output layer."""
        return {"classes": len(self.classes)}

    def bind(self, model: Any) -> None:
        """Take from a model where on the picture its outputs lie, which its loss has to know."""
        self._loss = FCOSLoss.of(model)

    def loss(self, name: str | None, **options: Any) -> keras.losses.Loss:
        """Return the loss of the bound model: its parts belong together."""
        if name not in (None, "focal") or options.get("label_smoothing"):
            received = f"the loss '{name}'" if name not in (None, "focal") else "label smoothing"
            raise InputError(
                f"Received {received} for detection. Expected none: a detector learns classes by "
                "focal loss, and boxes by their overlap. Try without it."
            )
        assert self._loss is not None
        return self._loss

    def decode_boxes(
        self, outputs: tf.Tensor, sizes: tf.Tensor, model: Any
    ) -> dict[str, tf.Tensor]:
        """Turn a model's table `(B, locations, 5 + classes)` into named outputs.

        Args:
            outputs: the table.
            sizes: height and width of each picture, `(B, 2)`, in whose pixels boxes are answered.
            model: whose outputs they are.
        """
        layer = model.get_layer("detections")
        boxes = to_boxes(outputs[..., :4], locations(layer.shapes, layer.strides))
        height, width = layer.size
        shares = tf.clip_by_value(boxes / [height, width, height, width], 0.0, 1.0)
        seen = tf.reduce_all(shares[..., 2:] > shares[..., :2], axis=-1, keepdims=True)
        scores = tf.sqrt(tf.sigmoid(outputs[..., 5:]) * tf.sigmoid(outputs[..., 4:5]))
        scores *= tf.cast(seen, tf.float32)  # what lies outside the picture has no area left
        found = tf.image.combined_non_max_suppression(
            shares[:, :, None], scores, MOST, MOST, SAME, LEAST, clip_boxes=False
        )
        names = tf.constant([*self.classes, ""])
        real = tf.sequence_mask(found.valid_detections, MOST)
        codes = tf.where(real, tf.cast(found.nmsed_classes, tf.int32), len(self.classes))
        scale = tf.cast(tf.concat([sizes, sizes], axis=1), tf.float32)
        return {
            "boxes": found.nmsed_boxes * scale[:, None],
            "scores": found.nmsed_scores,
            "labels": tf.gather(names, codes),
            "count": found.valid_detections,
        }

    def signatures(self, model: Any, preprocessor: Any) -> dict[str, common.Signature]:
        """Return the serving functions; `tensors` answers in pixels of the model's input."""

        def serve(**raw: tf.Tensor) -> dict[str, tf.Tensor]:
            inputs = preprocessor.tensors(preprocessor.encode(raw))
            return self.decode_boxes(model(inputs, training=False), preprocessor.sizes(raw), model)

        def tensors(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
            shape = tf.shape(inputs)
            sizes = tf.repeat(shape[None, 1:3], shape[0], axis=0)
            return self.decode_boxes(model(inputs, training=False), sizes, model)

        return {
            "serving_default": (serve, preprocessor.signature()),
            "tensors": (tensors, common.tensor_signature(model)),
        }

    def truth(self, split: Any) -> list[np.ndarray]:
        """Return the boxes of each picture in its own pixels, and their codes: `(boxes, 5)`."""
        pictures = split.arrays[self.column]
        sizes = getattr(pictures, "sizes", np.broadcast_to(pictures.shape[1:3], (len(pictures), 2)))
        scale = np.concatenate([sizes, sizes, np.ones((len(sizes), 1))], axis=1)[split.rows]
        values = split.targets().astype(np.float64) * scale[:, None]
        return [boxes[boxes[:, 4] >= 0] for boxes in values]

    def found(self, outputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Return what was answered for each picture: boxes, codes and scores, `(boxes, 6)`."""
        names = np.array(self.classes)
        codes = np.argmax(outputs["labels"][..., None] == names, axis=-1)  # (rows, 100)
        every = [outputs["boxes"], codes[..., None], outputs["scores"][..., None]]
        tables = np.concatenate(every, axis=-1)
        return [table[:count] for table, count in zip(tables, outputs["count"], strict=True)]

    def evaluate(self, predict: Callable[[Any], dict], split: Any) -> dict[str, Any]:
        """Measure a predictor on a split: average precision and recall as COCO counts them."""
        truth, found = self.truth(split), self.found(predict(split))
        matches = [measures.match(truth, found, code) for code in range(len(self.classes))]
        precision, recall = measures.average_precision(matches)  # (classes, areas, overlaps)
        scores = {**_scores(precision[:, 0]), "mar_100": _mean(recall[:, 0])}
        for i, area in enumerate(measures.NAMES[1:], 1):
            scores[f"map_{area}"] = _mean(precision[:, i])
        rows = [
            {
                "class": name,
                **{key[1:]: value for key, value in _scores(precision[code, 0]).items()},
                "ar_100": _mean(recall[code, 0]),
                "boxes": int(matches[code].there[0]),
            }
            for code, name in enumerate(self.classes)
        ]
        curves = [_curve(name, own) for name, own in zip(self.classes, matches, strict=True)]
        return {"scores": scores, "tables": {"per_class": rows, "precision_recall": curves}}


def _scores(precision: np.ndarray) -> dict[str, float | None]:
    """Return the mean over classes and overlaps `(..., overlaps)`, and at two of the overlaps."""
    at: dict[str, Any] = {"map": slice(None), "map_50": 0, "map_75": 5}
    return {name: _mean(precision[..., overlap]) for name, overlap in at.items()}


def _mean(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None


def _curve(name: str, matches: measures.Matches) -> dict[str, Any]:
    """Return precision and recall at an overlap of one half, thinned to some 200 points."""
    precision, recall = matches.precision_recall()
    hits = np.flatnonzero(np.diff(recall, prepend=0.0))
    kept = hits[np.unique(np.linspace(0, max(len(hits) - 1, 0), 200).astype(int))[: len(hits)]]
    return {"class": name, "precision": precision[kept].tolist(), "recall": recall[kept].tolist()}
