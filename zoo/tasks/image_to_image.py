"""Pictures into others of the same size: learned from pairs, or from two kinds without any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import tensorflow as tf

from zoo.datasets.base import ArraySplit, Spec
from zoo.errors import InputError
from zoo.metrics.frechet import frechet_distance
from zoo.preprocessing.images import ImagePreprocessor
from zoo.tasks import common
from zoo.tasks.image_synthesis import as_features

SHRINK = 4  # times, of what is to become large again
WINDOW = 11  # pixels a side, of structural similarity


def edges(pictures: tf.Tensor) -> tf.Tensor:
    """Return where pictures `(B, H, W, C)` in [0, 1] change, dark on white: Sobel's gradient."""
    slopes = tf.image.sobel_edges(pictures)  # (B, H, W, C, 2)
    steep = tf.sqrt(tf.reduce_sum(tf.square(slopes), axis=-1) + 1e-12)
    steep = tf.reduce_max(steep, axis=-1, keepdims=True)
    return tf.broadcast_to(1.0 - tf.minimum(steep, 1.0), tf.shape(pictures))


def gray(pictures: tf.Tensor) -> tf.Tensor:
    """Return pictures without their colors, with as many channels."""
    if pictures.shape[-1] != 3:
        return pictures
    return tf.image.grayscale_to_rgb(tf.image.rgb_to_grayscale(pictures))


def downscale(pictures: tf.Tensor) -> tf.Tensor:
    """Return pictures as they look when they were a quarter as large."""
    height, width = pictures.shape[1:3]
    size = max(1, height // SHRINK), max(1, width // SHRINK)
    small = tf.image.resize(pictures, size, tf.image.ResizeMethod.AREA)
    return tf.clip_by_value(tf.image.resize(small, (height, width)), 0.0, 1.0)


MADE: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "edges": edges, "gray": gray, "downscale": downscale,
}  # fmt: skip


class ImageToImage(common.Task):
    """Decodes pictures in [0, 1] into `image` (uint8) and `png` (bytes).

    Targets are the pictures that inputs are to become; with `pairs` there are none, and inputs are
    made of the pictures themselves. Scores of pairs are means over examples of pictures in [0, 1]:
    mean absolute error, peak signal-to-noise ratio in decibels, and structural similarity (Wang,
    Bovik, Sheikh and Simoncelli, Image Quality Assessment, 2004).

    Args:
        spec: of the data.
        channels: of what is made.
        pairs: what makes an input of a picture, one of `MADE`, or None.
    """

    name = "image-to-image"
    monitor: str | None = None
    score = "mae"
    origin = "an unnamed run"

    def __init__(self, spec: Spec, channels: int | None = None, pairs: str | None = None):
        if pairs not in (None, *MADE) or channels not in (None, 1, 3):
            raise ValueError(f"it makes {channels} channels of {pairs}")
        column = spec.inputs[0]
        self.shape = (*column.shape[:2], channels or column.shape[2])
        self.pairs = pairs
        self.given = ImagePreprocessor(column.name, column.shape)
        self.prepared = ImagePreprocessor("target", self.shape)  # what decodes the wanted pictures
        self.kinds = spec.classes

    @classmethod
    def fit(cls, spec: Spec, train: Any) -> Self:
        """Take the channels of what is to be made from the targets."""
        return cls(spec, train.target.shape[-1] if spec.targets else None)

    def to_json(self) -> dict[str, Any]:
        """Return what was learned as plain values."""
        return {"name": self.name, "channels": self.shape[2], "pairs": self.pairs}

    def builder_arguments(self) -> dict[str, Any]:
        """Return the channels of what is made."""
        return {"target_channels": self.shape[2]}

    def loss(self, name: str | None, **options: Any) -> None:
        """Return None: the model brings its own losses."""
        common.refuse_loss(name, self.name)

    def targets(self, split: Any) -> np.ndarray | None:
        """Return the wanted pictures, uint8 `(rows, H, W, C)`, or None where inputs are made."""
        return None if self.pairs else self.prepared.encode_split(wanted(split))

    def example(self, inputs: tf.Tensor, target: tf.Tensor | None) -> tuple[Any, ...]:
        """Return a picture and what it is to become, both in [0, 1]."""
        if self.pairs:
            return MADE[self.pairs](inputs), inputs
        return inputs, tf.cast(target, tf.float32) / 255.0

    def served(self, split: Any, preprocessor: Any) -> Any:
        """Return a split as it is served: the inputs that are made of its pictures."""
        return Made(split, preprocessor, MADE[self.pairs]) if self.pairs else split

    def decode(self, outputs: tf.Tensor, inputs: Any) -> dict[str, tf.Tensor]:
        """Turn pictures in [0, 1] into uint8 arrays and PNG bytes that say they are synthetic."""
        return common.decode_pictures(outputs, self.origin)

    def signatures(self, model: Any, preprocessor: Any) -> dict[str, common.Signature]:
        """Return functions of raw pictures and of tensors; `backward` where there is a way back."""
        generator = getattr(model, "generator", model)

        def function(place: int) -> Callable[..., dict[str, tf.Tensor]]:
            def serve(**raw: tf.Tensor) -> dict[str, tf.Tensor]:
                inputs = preprocessor.tensors(preprocessor.encode(raw))
                return self.decode(_outputs(generator, inputs)[place], inputs)

            return serve

        def tensors(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
            return self.decode(_outputs(generator, inputs)[0], inputs)

        raw = preprocessor.signature()
        found: dict[str, common.Signature] = {
            "serving_default": (function(0), raw),
            "tensors": (tensors, common.tensor_signature(generator)),
        }
        if len(generator.outputs) > 1:
            found["backward"] = (function(1), raw)
        return found

    def evaluate(self, predict: Callable[[Any], dict], split: Any) -> dict[str, Any]:
        """Measure a predictor on a split, beside inputs that stay as they are."""
        made = predict(split)["image"]
        inputs, real = self.both(split)
        rows = [{"model": "model", **_likeness(made, real)}]
        if inputs.shape == real.shape:
            rows.append({"model": "unchanged", **_likeness(inputs, real)})
        scores = {name: value for name, value in rows[0].items() if name != "model"}
        return {"scores": scores, "tables": {"baselines": rows}}

    def both(self, split: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the inputs of a split and what they are to become, uint8."""
        given = self.given.encode_split(split)
        if self.pairs:
            made = self.served(split, self.given).batch(np.arange(len(split)))
            return made[self.given.name], given
        return given, self.prepared.encode_split(wanted(split))


class UnpairedImageToImage(ImageToImage):
    """The same without pairs: what is made is compared with pictures of the other kind as a whole.

    `frechet_pixels` is the Frechet distance of pixels, which is no measure of how good they look;
    with an extractor there are better ones.
    """

    name = "unpaired-image-to-image"
    score = "frechet_pixels"

    def evaluate(self, predict: Callable[[Any], dict], split: Any) -> dict[str, Any]:
        """Measure a predictor on a split, beside inputs that stay as they are."""
        made = predict(split)["image"]
        inputs, real = self.both(split)
        rows = [
            {"model": name, "frechet_pixels": _distance(pictures, real)}
            for name, pictures in (("model", made), ("unchanged", inputs))
        ]
        scores = {"frechet_pixels": rows[0]["frechet_pixels"]}
        return {"scores": scores, "tables": {"baselines": rows}}


class Made:
    """A split of pictures as inputs that are made of them."""

    def __init__(self, split: Any, preprocessor: Any, change: Callable[[tf.Tensor], tf.Tensor]):
        self.split, self.preprocessor, self.change = split, preprocessor, change

    def __len__(self) -> int:
        return len(self.split)

    def batch(self, indices: Any) -> dict[str, np.ndarray]:
        """Return raw inputs, uint8 `(rows, H, W, C)`."""
        raw = {n: tf.convert_to_tensor(x) for n, x in self.split.batch(indices).items()}
        changed = self.change(self.preprocessor.tensors(self.preprocessor.encode(raw)))
        rounded = tf.cast(tf.round(changed * 255.0), tf.uint8)
        return {self.preprocessor.name: rounded.numpy()}


def wanted(split: Any) -> ArraySplit:
    """Return the targets of a split as a split of their own."""
    if split.target is None:
        raise InputError(
            "Received pictures of one kind. Expected those they are to become, too. Try a folder "
            "of both."
        )
    return ArraySplit({"target": split.target}, split.rows)


def _outputs(generator: Any, inputs: tf.Tensor) -> list[tf.Tensor]:
    outputs = generator(inputs, training=False)
    return outputs if isinstance(outputs, list) else [outputs]


def _distance(made: np.ndarray, real: np.ndarray) -> float | None:
    return common.defined(lambda: frechet_distance(as_features(made), as_features(real)))


def _likeness(made: np.ndarray, real: np.ndarray) -> dict[str, float]:
    first, second = (tf.image.convert_image_dtype(x, tf.float32) for x in (made, real))
    window = min(WINDOW, *made.shape[1:3])
    return {
        "mae": float(tf.reduce_mean(tf.abs(first - second))),
        "psnr": float(tf.reduce_mean(tf.minimum(tf.image.psnr(first, second, 1.0), 100.0))),
        "ssim": float(tf.reduce_mean(tf.image.ssim(first, second, 1.0, filter_size=window))),
    }
