"""Pictures: decoded to uint8 of the model's size, then float32 in [0, 1]."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.datasets.base import Spec
from zoo.datasets.pictures import RESIDENT  # larger splits are read from files in every epoch
from zoo.errors import InputError
from zoo.progress import Progress
from zoo.untrusted import MOST_PIXELS

CHUNK = 64  # pictures decoded together
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"


class ImagePreprocessor:
    """Takes PNG or JPEG bytes, or uint8 arrays of the model's own size."""

    kind = "image"

    def __init__(self, name: str, shape: Sequence[int]):
        self.name = name
        self.shape = tuple(shape)

    @classmethod
    def fit(cls, spec: Spec, split: Any) -> ImagePreprocessor:
        """Take the size from the spec; there is nothing to learn from the pictures."""
        return cls(spec.inputs[0].name, spec.inputs[0].shape)

    def to_json(self) -> dict[str, Any]:
        """Return the fitted state as plain lists and strings."""
        return {"kind": self.kind, "name": self.name, "shape": list(self.shape)}

    def builder_arguments(self) -> dict[str, Any]:
        """Return what the data dictates to a builder."""
        return {"input_shape": self.shape}

    def signature(self) -> dict[str, tf.TensorSpec]:
        """Return the raw input of an exported model: encoded picture bytes."""
        return {self.name: tf.TensorSpec((None,), tf.string, name=self.name)}

    def trackables(self) -> list[Any]:
        """Return the layers and tables an export has to keep."""
        return []

    def encode(self, raw: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return uint8 `(B, height, width, channels)` from bytes `(B,)` or from such an array."""
        pictures = raw[self.name]
        if pictures.dtype != tf.string:
            return pictures
        return tf.map_fn(
            self._decode, pictures, fn_output_signature=tf.TensorSpec(self.shape, tf.uint8)
        )

    def sizes(self, raw: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return height and width of each picture before it was resized, int64 `(B, 2)`."""
        pictures = raw[self.name]
        if pictures.dtype != tf.string:
            shape = tf.shape(pictures, tf.int64)
            return tf.repeat(shape[None, 1:3], shape[0], axis=0)
        return tf.map_fn(_size, pictures, fn_output_signature=tf.TensorSpec((2,), tf.int64))

    def _decode(self, data: tf.Tensor) -> tf.Tensor:
        height, width, channels = self.shape
        with tf.control_dependencies([_refuse_odd(data)]):
            data = tf.identity(data)
        picture = tf.io.decode_image(data, channels=channels, expand_animations=False)
        picture.set_shape((None, None, channels))
        size = tf.shape(picture)
        fits = tf.logical_and(size[0] == height, size[1] == width)
        picture = tf.cond(fits, lambda: picture, lambda: self._resize(picture))
        return tf.ensure_shape(picture, self.shape)

    def _resize(self, picture: tf.Tensor) -> tf.Tensor:
        resized = tf.image.resize(picture, self.shape[:2], antialias=True)
        return tf.cast(tf.clip_by_value(tf.round(resized), 0.0, 255.0), tf.uint8)

    def tensors(self, encoded: tf.Tensor) -> tf.Tensor:
        """Return float32 in [0, 1]."""
        return tf.cast(encoded, tf.float32) / 255.0

    def fits(self, split: Any) -> bool:
        """Return whether a split is in memory, or all of it decoded is small enough to be kept."""
        held = split.arrays[self.name].dtype == np.uint8
        return held or len(split) * math.prod(self.shape) <= RESIDENT

    def reader(self, split: Any) -> Callable[[tf.Tensor], tf.Tensor]:
        """Return a function in graph from a row of a split of files to its decoded picture."""
        files = split.arrays[self.name]
        paths = tf.constant([os.fsencode(files.paths[row]) for row in split.rows])
        plain = tf.constant([files.is_plain_file(row) for row in split.rows])

        def other(row: np.ndarray) -> bytes:
            return split.batch([row])[self.name][0]

        def read(row: tf.Tensor) -> tf.Tensor:
            content = tf.cond(
                plain[row],
                lambda: tf.io.read_file(paths[row]),
                lambda: tf.numpy_function(other, [row], tf.string),
            )
            return self._decode(content)

        return read

    def encode_split(self, split: Any) -> np.ndarray:
        """Return a whole split as uint8 `(rows, height, width, channels)`.

        Raises:
            InputError: a file cannot be decoded.
        """
        if split.arrays[self.name].dtype == np.uint8:
            return split.batch(np.arange(len(split)))[self.name]
        pictures = np.empty((len(split), *self.shape), np.uint8)
        with Progress("Decoding pictures", "files") as progress:
            for start in range(0, len(split), CHUNK):
                rows = np.arange(start, min(start + CHUNK, len(split)))
                pictures[rows] = self._decoded(split, rows)
                progress.advance(len(rows))
        return pictures

    @functools.cached_property
    def _compiled(self) -> Callable[..., tf.Tensor]:
        return tf.function(self.encode, autograph=False, input_signature=[self.signature()])

    def _decoded(self, split: Any, rows: np.ndarray) -> Any:
        try:
            contents = split.batch(rows)[self.name]
            return self._compiled({self.name: tf.constant(contents, tf.string)}).numpy()
        except (OSError, tf.errors.InvalidArgumentError):
            self.explain(split, rows)
            raise

    def refuse_damaged(self, split: Any) -> None:
        """Decode all pictures of a split once, and keep none.

        Raises:
            InputError: a file cannot be decoded.
        """
        if not len(split) or split.arrays[self.name].dtype == np.uint8:
            return
        rows = tf.data.Dataset.range(len(split))
        decoded = rows.map(self.reader(split), num_parallel_calls=tf.data.AUTOTUNE)
        with Progress("Decoding pictures for the test", "files") as progress:
            try:
                for _ in decoded:
                    progress.advance(1)
            except tf.errors.OpError:
                self.explain(split, [progress.rows])
                raise

    def explain(self, split: Any, rows: Sequence[int] | np.ndarray) -> None:
        """Raise an InputError for the first of some picture files that cannot be decoded."""
        for row in rows if split.arrays[self.name].dtype == object else ():
            try:
                self._decode(tf.constant(split.batch([row])[self.name][0], tf.string))
            except (OSError, tf.errors.InvalidArgumentError) as error:
                path = split.arrays[self.name].paths[split.rows[row]]
                gone = isinstance(error, OSError)
                held = "cannot be read any more" if gone else "is damaged further in"
                raise InputError(
                    f"'{path}' {held}: it cannot be decoded. Expected a whole picture. Try "
                    f"{'putting it back' if gone else 'a whole copy, or removing it'}."
                ) from error


def _refuse_odd(data: tf.Tensor) -> tf.Operation:
    """Return a check in graph that bytes are a PNG or JPEG of a size that can be decoded."""
    size = _size(data)
    return tf.debugging.Assert(
        tf.reduce_prod(tf.cast(size, tf.float64)) <= MOST_PIXELS,
        ["a picture of", size[1], "x", size[0], f"pixels, more than {MOST_PIXELS:,}"],
    )


def _size(data: tf.Tensor) -> tf.Tensor:
    """Return height and width of a picture as its header says, int64 `(2,)`."""
    is_png = tf.strings.substr(data, 0, len(_PNG)) == _PNG
    is_jpeg = tf.strings.substr(data, 0, len(_JPEG)) == _JPEG
    kind = tf.debugging.Assert(
        is_png | is_jpeg, ["a picture that is neither PNG nor JPEG"], summarize=1
    )
    with tf.control_dependencies([kind]):
        return tf.cond(is_png, lambda: _png_size(data), lambda: _jpeg_size(data))


def _png_size(data: tf.Tensor) -> tf.Tensor:
    """Return height and width as the header says, int64; zeros where it is cut off."""
    whole = tf.strings.join([data, "\0" * 24])
    header = tf.io.decode_raw(tf.strings.substr(whole, 16, 8), tf.uint8)
    width_height = tf.reshape(tf.cast(header, tf.int64), (2, 4)) * [1 << 24, 1 << 16, 1 << 8, 1]
    return tf.reduce_sum(width_height, axis=1)[::-1]


def _jpeg_size(data: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.io.extract_jpeg_shape(data)[:2], tf.int64)


def to_png(pictures: np.ndarray) -> np.ndarray:
    """Return uint8 pictures `(B, height, width, channels)` as an object array of PNG bytes."""
    return np.array([tf.io.encode_png(picture).numpy() for picture in pictures], dtype=object)
