"""What happens to a training batch and never to an exported model.

Every change is drawn from (seed, step), so that a resumed run repeats it and nothing has to be
saved. Keras's own layers do the work, outside the XLA-compiled step, where some have no kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from zoo.errors import InputError

STRENGTHS = {"flip": None, "shift": 0.1, "rotate": 10.0, "noise": 0.05}


class StepSeed(keras.random.SeedGenerator):
    """Gives the next draw of the current step instead of counting draws over the whole run."""

    def __init__(self, seed: int):
        super().__init__(seed)
        self.base = seed
        self.step: Any = 0
        self.replica: Any = 0
        self.draws = 0

    def begin(self, step: tf.Tensor, replica: Any) -> None:
        """Start the draws of a step."""
        self.step, self.replica, self.draws = step, replica, 0

    def next(self, ordered: bool = True) -> tf.Tensor:
        """Return the seed of one more draw, uint32 `(2,)`."""
        self.draws += 1
        high = tf.cast(self.base + 7919 * self.draws, tf.uint32)
        low = tf.cast(self.step, tf.uint32) * 1024 + tf.cast(self.replica, tf.uint32)
        return tf.stack([high, low])


class Augmentation:
    """Changes the inputs of a batch at random.

    Args:
        chosen: strengths by name: `flip` (left and right), `shift` (share of height and width),
            `rotate` (degrees), `noise` (standard deviation, in the model's units). None means the
            usual strength.
        seed: of the draws.
    """

    def __init__(self, chosen: dict[str, float | None], seed: int):
        self.seeds: list[StepSeed] = []
        self.layers = [self._layer(name, value, seed + i) for i, (name, value) in
                       enumerate(sorted(chosen.items()))]  # fmt: skip

    def _layer(self, name: str, strength: float | None, seed: int) -> Any:
        amount = STRENGTHS[name] if strength is None else strength
        layer: Any
        if name == "flip":
            layer = keras.layers.RandomFlip("horizontal", dtype="float32")
        elif name == "shift":
            layer = keras.layers.RandomTranslation(amount, amount, fill_mode="nearest", dtype="float32")
        elif name == "rotate":
            layer = keras.layers.RandomRotation(amount / 360, fill_mode="nearest", dtype="float32")
        else:
            layer = keras.layers.GaussianNoise(amount, dtype="float32")
        generator = StepSeed(seed)
        layer.generator = layer.seed_generator = generator
        self.seeds.append(generator)
        return layer

    def __call__(self, batch: tuple[Any, ...], step: tf.Tensor, replica: Any) -> tuple[Any, ...]:
        inputs, *rest = batch
        for seeds, layer in zip(self.seeds, self.layers, strict=True):
            seeds.begin(step, replica)
            inputs = layer(inputs, training=True)
        return (inputs, *rest)


def create(
    chosen: dict[str, float | None], kind: str, seed: int
) -> Callable[..., tuple[Any, ...]] | None:
    """Return the augmentation for data of a kind, or None when nothing was chosen.

    Raises:
        InputError: a change makes no sense for the kind.
    """
    possible = {"image": tuple(STRENGTHS), "text": ()}.get(kind, ("noise",))
    for name in chosen:
        if name not in possible:
            raise InputError(
                f"--augment received '{name}' for data of kind '{kind}'. "
                f"Expected one of: {', '.join(possible) or 'none'}."
            )
    return Augmentation(chosen, seed) if chosen else None
