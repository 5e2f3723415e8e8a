"""Changes of what pictures look like that leave everything in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from zoo.augmentation.seeds import StepSeed, uniform
from zoo.errors import InputError

Look = Callable[[Any, StepSeed], Any]
_IN_RANGE = {"value_range": (0, 1), "dtype": "float32"}


def brightness(strength: float) -> Look:
    """Make lighter or darker by up to a share of the range of values."""
    return _drawn(layers.RandomBrightness(strength, **_IN_RANGE))


def contrast(strength: float) -> Look:
    """Bring values nearer to their mean or farther by up to a share of the distance."""
    return _drawn(layers.RandomContrast(strength, **_IN_RANGE))


def erase(strength: float) -> Look:
    """Make a rectangle gray, in a share of the pictures."""
    # A pair, for the layer would take one number as a range.
    return _drawn(layers.RandomErasing((strength, strength), fill_value=0.5, **_IN_RANGE))


def _drawn(layer: Any) -> Look:
    def look(pictures: tf.Tensor, seed: StepSeed) -> tf.Tensor:
        drawn = layer.get_random_transformation(pictures, training=True, seed=seed)
        return layer.transform_images(pictures, drawn, training=True)

    return look


def color(strength: float) -> Look:
    """Change saturation by up to a share of itself, and hue by a quarter of that of the circle."""

    def look(pictures: tf.Tensor, seed: StepSeed) -> tf.Tensor:
        if pictures.shape[-1] != 3:
            raise InputError(
                f"--augment received 'color' for pictures of {pictures.shape[-1]} channel(s). "
                "Expected pictures in color. Try brightness or contrast."
            )
        shape = (tf.shape(pictures)[0], 1, 1)
        factor = uniform(shape, 1 - strength, 1 + strength, seed)
        turn = uniform(shape, -strength / 4, strength / 4, seed)
        hue, saturation, value = tf.unstack(tf.image.rgb_to_hsv(pictures), axis=-1)  # (B, H, W)
        saturation = tf.minimum(saturation * factor, 1.0)
        return tf.image.hsv_to_rgb(tf.stack([(hue + turn) % 1.0, saturation, value], axis=-1))

    return look


def noise(strength: float) -> Look:
    """Add normal noise of this standard deviation, in the model's units."""

    def look(inputs: Any, seed: StepSeed) -> Any:
        if isinstance(inputs, dict):  # a table's categories stay what they are, and what is known
            name = "past" if "past" in inputs else "numbers"
            return {**inputs, name: look(inputs[name], seed)}
        shape = tf.shape(inputs)
        return inputs + keras.random.normal(shape, stddev=strength, dtype=inputs.dtype, seed=seed)

    return look
