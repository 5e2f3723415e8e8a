"""Pictures that a predictor makes of numbers alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from zoo.errors import InputError, unknown


def make(predictor: Any, count: int, seed: int = 0, label: str = "") -> dict[str, np.ndarray]:
    """Make pictures: `image` uint8 `(count, height, width, channels)` and `png` bytes.

    A model of classes makes them of the one called `label`, or of all in turn, and says in `label`
    of which each is.

    Args:
        predictor: of a model that makes pictures.
        count: how many, at least one.
        seed: what they follow from, from 0 to 2^31 - 1.
        label: the class they are of.

    Raises:
        InputError: the model does something else, or knows no such class; a number out of range.
    """
    if not predictor.makes_pictures:
        raise predictor.cannot("makes no pictures", "image-synthesis")
    for name, number, least in (("count", count, 1), ("seed", seed, 0)):
        if not least <= number <= tf.int32.max:
            raise InputError(
                f"make received {name}={number}. Expected a number from {least} to {tf.int32.max}."
            )
    inputs = {"count": tf.constant(count, tf.int32), "seed": tf.constant(seed, tf.int32)}
    if "label" in predictor.card["inputs"]:
        if label and label not in predictor.task.classes:
            raise unknown("class", label, predictor.task.classes)
        inputs["label"] = tf.constant(label)
    elif label:
        raise InputError(
            f"Class '{label}' was asked of '{predictor.card['model']}', which makes pictures of no "
            "class. Expected none. Try without it, or train projection-sngan."
        )
    return predictor.answer("serving_default", inputs)
