"""A class of each pixel of a picture. There is a logit a class, of two classes too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import losses
from zoo.datasets.base import UNKNOWN, Spec
from zoo.metrics import pixels
from zoo.tasks import common


class Segmentation(common.Task):
    """Decodes logits into `mask` and `probability`, and raw pictures into `png`, too.

    Codes are places in `Spec.classes`. Scores are of masks of the size the model sees, and pixels
    of which nothing is said do not count.
    """

    name = "segmentation"
    score = "mean_iou"

    def __init__(self, spec: Spec):
        self.classes = spec.classes

    def builder_arguments(self) -> dict[str, Any]:
        """Return the size of the output layer."""
        return {"classes": len(self.classes)}

    def loss(self, name: str | None, **options: Any) -> keras.losses.Loss:
        """Return the loss called `name`, by default cross-entropy on logits."""
        return losses.create(name or "categorical_crossentropy", "pixels", **options)

    def metrics(self) -> list[keras.metrics.Metric]:
        """Return what is measured while training."""
        count = len(self.classes)
        iou = keras.metrics.MeanIoU(
            count, "mean_iou", "int64", ignore_class=UNKNOWN, sparse_y_pred=False
        )
        return [keras.metrics.MeanMetricWrapper(_accuracy, "accuracy"), iou]

    def example(self, inputs: Any, target: tf.Tensor) -> tuple[Any, ...]:
        """Return what the training step takes."""
        return inputs, tf.cast(target, tf.int32)

    def decode(self, outputs: tf.Tensor, inputs: Any) -> dict[str, tf.Tensor]:
        """Turn logits `(B, H, W, classes)` into named outputs.

        `mask` has the likeliest code of each pixel, uint8 `(B, H, W)`; `probability` is the mean
        over a picture's pixels of how likely that is, `(B,)`.
        """
        probabilities = tf.nn.softmax(tf.cast(outputs, tf.float32))
        return {
            "mask": tf.cast(tf.argmax(probabilities, axis=-1), tf.uint8),
            "probability": tf.reduce_mean(tf.reduce_max(probabilities, axis=-1), axis=(1, 2)),
        }

    def signatures(self, model: Any, preprocessor: Any) -> dict[str, common.Signature]:
        """Return the serving functions.

        From raw pictures there is also `png`, `(B,)`: each mask at its picture's own size, by the
        nearest pixel, as the bytes of a gray PNG whose levels are the codes.
        """
        found = super().signatures(model, preprocessor)
        serve, signature = found["serving_default"]

        def with_png(**raw: tf.Tensor) -> dict[str, tf.Tensor]:
            answers = serve(**raw)
            sizes = tf.cast(preprocessor.sizes(raw), tf.int32)
            png = tf.map_fn(_png, (answers["mask"], sizes), fn_output_signature=tf.string)
            return {**answers, "png": png}

        return {**found, "serving_default": (with_png, signature)}

    def evaluate(self, predict: Callable[[Any], dict], split: Any) -> dict[str, Any]:
        """Measure a predictor on a split: scores are means over classes but for accuracy."""
        matrix = pixels.confusion(split.targets(), predict(split)["mask"], len(self.classes))
        iou, dice, accuracy = pixels.agreement(matrix)
        scores = {
            "mean_iou": _mean(iou),
            "dice": _mean(dice),
            "accuracy": _mean(accuracy),
        }
        rows = zip(self.classes, iou, dice, matrix.sum(axis=1), strict=True)
        per_class = [
            {"class": name, "iou": _mean(i), "dice": _mean(d), "pixels": int(count)}
            for name, i, d, count in rows
        ]
        confusion = {"classes": list(self.classes), "matrix": matrix.tolist()}
        return {"scores": scores, "tables": {"per_class": per_class, "confusion": confusion}}


def _mean(values: Any) -> float | None:
    """Return the mean of what is defined, None where nothing is."""
    known = np.asarray(values)[np.isfinite(values)]
    return float(known.mean()) if known.size else None


def _accuracy(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    """Return each picture's share of known pixels that are right, `(B,)`."""
    codes = tf.cast(y_true, tf.int64)  # (B, H, W)
    known = tf.cast(codes != UNKNOWN, tf.float32)
    right = tf.cast(tf.argmax(y_pred, axis=-1) == codes, tf.float32) * known
    return tf.math.divide_no_nan(tf.reduce_sum(right, (1, 2)), tf.reduce_sum(known, (1, 2)))


def _png(mask_and_size: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
    mask, size = mask_and_size
    nearest = tf.image.ResizeMethod.NEAREST_NEIGHBOR
    return tf.io.encode_png(tf.image.resize(mask[..., None], size, nearest))
