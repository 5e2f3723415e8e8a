"""What a generator starts from."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from zoo.errors import InputError


def normal(count: tf.Tensor, dim: int, seed: tf.Tensor) -> tf.Tensor:
    """Return float32 `(count, dim)` standard normal numbers, a pure function of the seed."""
    return tf.random.stateless_normal((count, dim), seed=tf.stack([seed, 0]), alg="philox")


def refuse(shape: tuple[int, ...], length: int) -> None:
    """Raise an InputError for latents that are not of a model's length."""
    if len(shape) != 2 or shape[1] != length:
        raise InputError(
            f"Received latents of shape {shape}. Expected (count, {length}), as the model was "
            f"built with latent_dim={length}. Try others."
        )


def between(first: np.ndarray, second: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return points on great circles, float32 `(len(first) * len(shares), dim)`.

    White, Sampling Generative Networks, 2016, arXiv:1609.04468: a straight line would leave the
    shell where normal latents are.

    Args:
        first, second: where each circle begins and ends, `(n, dim)`.
        shares: of the way, 0 to 1.
    """
    norms = [np.linalg.norm(x, axis=1, keepdims=True) for x in (first, second)]
    cosine = ((first / norms[0]) * (second / norms[1])).sum(axis=1)
    angle = np.maximum(np.arccos(np.clip(cosine, -1, 1)), 1e-6)[:, None, None]
    share = shares[None, :, None]
    a, b = np.sin((1 - share) * angle), np.sin(share * angle)
    points = (a * first[:, None] + b * second[:, None]) / np.sin(angle)
    return points.reshape(-1, first.shape[1]).astype(np.float32)
