"""What happens to a training batch and never to an exported model.

Every change is drawn from (seed, step, replica), so that a resumed run repeats it and nothing has
to be saved. Keras's own layers do the work, outside the XLA-compiled step, where some have no
kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from zoo.errors import InputError

# The usual strength of each change and the largest, in the order in which they are applied.
STRENGTHS = {
    "flip": None, "shift": 0.1, "zoom": 0.1, "rotate": 10.0, "brightness": 0.2, "contrast": 0.2,
    "erase": 0.5, "noise": 0.05,
}  # fmt: skip
LARGEST = {
    "shift": 1.0, "zoom": 0.9, "rotate": 180.0, "brightness": 1.0, "contrast": 0.99, "erase": 1.0,
}  # fmt: skip
MOVING = ("flip", "shift", "zoom", "rotate")  # what is where is no longer there
Change = Callable[[Any, "StepSeed"], Any]


class StepSeed(keras.random.SeedGenerator):
    """Gives the draws of one change in one step; unlike its parent it has no variable."""

    def __init__(self, seed: int, change: int, step: tf.Tensor, replica: Any):
        self.key = tf.constant([seed, change])
        for number in (step, replica):
            self.key = _fold(self.key, number)
        self.draws = 0

    def next(self, ordered: bool = True) -> tf.Tensor:
        """Return the seed of one more draw, int32 `(2,)`."""
        self.draws += 1
        return _fold(self.key, self.draws)


def _fold(key: tf.Tensor, number: Any) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in(key, number, alg="philox")


class Augmentation:
    """Changes the inputs of a batch at random; `(batch, step, replica) -> batch`.

    Args:
        chosen: strengths by name: `flip` (left and right), `shift` (share of height and width),
            `zoom` (share by which a picture grows or shrinks), `rotate` (degrees), `brightness`
            (share of the range of values), `contrast` (share of the distance from the mean),
            `erase` (share of pictures a rectangle of which becomes gray), `noise` (standard
            deviation, in the model's units). None means the usual strength.
        seed: of the draws.
    """

    def __init__(self, chosen: dict[str, float | None], seed: int):
        self.seed = seed
        self.changes = [
            CHANGES[name](usual if chosen[name] is None else chosen[name])
            for name, usual in STRENGTHS.items()
            if name in chosen
        ]

    def __call__(self, batch: tuple[Any, ...], step: tf.Tensor, replica: Any) -> tuple[Any, ...]:
        inputs, *rest = batch
        for i, change in enumerate(self.changes):
            inputs = change(inputs, StepSeed(self.seed, i, step, replica))
        return (inputs, *rest)


def _drawn(layer: Any) -> Change:
    def change(pictures: tf.Tensor, seed: StepSeed) -> tf.Tensor:
        drawn = layer.get_random_transformation(pictures, training=True, seed=seed)
        return layer.transform_images(pictures, drawn, training=True)

    return change


def _noisy(deviation: float) -> Change:
    def change(inputs: Any, seed: StepSeed) -> Any:
        if isinstance(inputs, dict):  # a table's categories stay what they are
            return {**inputs, "numbers": change(inputs["numbers"], seed)}
        noise = keras.random.normal(
            tf.shape(inputs), stddev=deviation, dtype=inputs.dtype, seed=seed
        )
        return inputs + noise

    return change


_NEAREST = {"fill_mode": "nearest", "dtype": "float32"}
_IN_RANGE = {"value_range": (0, 1), "dtype": "float32"}
# What makes each change of its strength; a pair for a layer that would take one number as a range.
CHANGES: dict[str, Callable[[Any], Change]] = {
    "flip": lambda strength: _drawn(layers.RandomFlip("horizontal", dtype="float32")),
    "shift": lambda strength: _drawn(layers.RandomTranslation(strength, strength, **_NEAREST)),
    "zoom": lambda strength: _drawn(layers.RandomZoom((-strength, strength), **_NEAREST)),
    "rotate": lambda strength: _drawn(layers.RandomRotation(strength / 360, **_NEAREST)),
    "brightness": lambda strength: _drawn(layers.RandomBrightness(strength, **_IN_RANGE)),
    "contrast": lambda strength: _drawn(layers.RandomContrast(strength, **_IN_RANGE)),
    "erase": lambda strength: _drawn(
        layers.RandomErasing((strength, strength), fill_value=0.5, **_IN_RANGE)
    ),
    "noise": _noisy,
}


def create(chosen: dict[str, float | None], kind: str, seed: int) -> Augmentation | None:
    """Return the augmentation for data of a kind, or None when nothing was chosen.

    Raises:
        InputError: a change makes no sense for the kind, or its strength is out of range.
    """
    possible = {"image": tuple(STRENGTHS), "text": ()}.get(kind, ("noise",))
    for name, strength in chosen.items():
        if name not in possible:
            raise InputError(
                f"--augment received '{name}' for data of kind '{kind}'. "
                f"Expected one of: {', '.join(possible) or 'none'}."
            )
        if strength is not None and name == "flip":
            raise InputError(f"--augment received 'flip:{strength:g}'. Expected flip alone.")
        if strength is not None and strength > LARGEST.get(name, strength):
            raise InputError(
                f"--augment received '{name}:{strength:g}'. "
                f"Expected a strength of at most {LARGEST[name]:g}."
            )
    return Augmentation(chosen, seed) if chosen else None
