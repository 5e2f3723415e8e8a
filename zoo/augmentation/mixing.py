"""Pictures mixed in pairs, with their labels: mixup and CutMix.

Zhang, Cisse, Dauphin and Lopez-Paz, mixup: Beyond Empirical Risk Minimization, 2017,
arXiv:1710.09412. Yun and others, CutMix: Regularization Strategy to Train Strong Classifiers with
Localizable Features, 2019, arXiv:1905.04899.

A picture's partner is the one before it in the batch, whose order is random already. Keras's CutMix
draws alpha as well, and its shares are those of rectangles before they are rounded to pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from zoo.augmentation.seeds import StepSeed, uniform

# From pictures to mixed ones, and the share `(B,)` each has kept of itself.
Mix = Callable[[tf.Tensor, StepSeed], tuple[tf.Tensor, tf.Tensor]]


def mixup(alpha: float) -> Mix:
    """Average two pictures; the share is drawn from Beta(alpha, alpha)."""

    def mix(pictures: tf.Tensor, seed: StepSeed) -> tuple[tf.Tensor, tf.Tensor]:
        share = _beta(tf.shape(pictures)[0], alpha, seed)
        weight = share[:, None, None, None]
        return weight * pictures + (1 - weight) * _partners(pictures), share

    return mix


def cutmix(alpha: float) -> Mix:
    """Paste a rectangle of one picture into another; its area is drawn from Beta(alpha, alpha)."""

    def mix(pictures: tf.Tensor, seed: StepSeed) -> tuple[tf.Tensor, tf.Tensor]:
        count = tf.shape(pictures)[0]
        side = tf.sqrt(1 - _beta(count, alpha, seed))
        down, across = (_span(side, length, seed) for length in pictures.shape[1:3])
        pasted = down[:, :, None] & across[:, None, :]  # (B, H, W)
        kept = 1 - tf.reduce_mean(tf.cast(pasted, tf.float32), axis=(1, 2))
        return tf.where(pasted[..., None], _partners(pictures), pictures), kept

    return mix


def _span(side: tf.Tensor, length: int, seed: StepSeed) -> tf.Tensor:
    """Return which of `length` pixels lie within `side / 2` of a point, bool `(B, length)`."""
    middle = uniform(tf.shape(side), 0.0, length, seed)
    pixels = tf.range(length, dtype=tf.float32) + 0.5
    return tf.abs(pixels - middle[:, None]) < side[:, None] * length / 2


def _beta(count: Any, alpha: float, seed: StepSeed) -> tf.Tensor:
    return keras.random.beta((count,), alpha, alpha, dtype="float32", seed=seed)


def _partners(values: tf.Tensor) -> tf.Tensor:
    return tf.roll(values, 1, axis=0)


def either(mixes: Sequence[Mix]) -> Mix:
    """Mix each picture in one of several ways."""

    def mix(pictures: tf.Tensor, seed: StepSeed) -> tuple[tf.Tensor, tf.Tensor]:
        mixed, kept = mixes[0](pictures, seed)
        for i, other in enumerate(mixes[1:], 2):
            chosen = uniform((tf.shape(kept)[0],), 0.0, 1.0, seed) < 1 / i
            others, shares = other(pictures, seed)
            mixed = tf.where(chosen[:, None, None, None], others, mixed)
            kept = tf.where(chosen, shares, kept)
        return mixed, kept

    return mix


def mix_targets(targets: tf.Tensor, *weight: tf.Tensor, share: tf.Tensor) -> tuple[Any, ...]:
    """Return float targets `(B, C)` mixed as their pictures are, and weights `(B,)` if there are.

    With weights each of the two labels counts as its own example does: the loss is the sum of
    both, each times its share and its weight.
    """
    if weight:
        own = share * weight[0]
        whole = own + (1 - share) * _partners(weight[0])
        share, weight = own / whole, (whole,)
    return share[:, None] * targets + (1 - share[:, None]) * _partners(targets), *weight
