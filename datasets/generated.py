"""Points in the plane, letters to be written and waves to forecast, which show what models can do.

They are data sets, not samplers: every call returns the same.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from .base import Raw, Series


def moons() -> Raw:
    """Two half circles of radius 1 that reach into each other."""
    random = _random(1)
    angle = np.pi * random.rand(2, 500)
    upper = np.stack([np.cos(angle[0]), np.sin(angle[0])])
    lower = np.stack([1 - np.cos(angle[1]), 0.5 - np.sin(angle[1])])
    return _raw(random, [upper, lower], noise=0.1)


def circles() -> Raw:
    """A disc of radius 0.7 and, apart from it, a ring around it."""
    random = _random(2)
    angle = 2 * np.pi * random.rand(2, 500)
    disc = 0.7 * np.sqrt(random.rand(500))
    ring = 1.0 + 0.3 * random.rand(500)
    return _raw(random, [_polar(disc, angle[0]), _polar(ring, angle[1])], noise=0.02)


def spirals() -> Raw:
    """Two arms, each two full turns: no line does much better than chance."""
    random = _random(3)
    arms = []
    for start in (0.0, np.pi):
        turns = 2 * np.sqrt(random.rand(1000))  # even along the arm, which lengthens outward
        arms.append(_polar(0.1 + turns / 2, start + 2 * np.pi * turns))
    return _raw(random, arms, noise=0.01)


def xor() -> Raw:
    """The unit square's four quarters, equal across the diagonals, with a gap between them."""
    random = _random(4)
    size = random.uniform(0.05, 1, (2, 1000))
    sign = random.choice([-1.0, 1.0], (2, 1000))
    equal = sign[0] == sign[1]
    points = size * sign
    return _raw(random, [points[:, equal], points[:, ~equal]], noise=0.0)


def blobs() -> Raw:
    """Three normal clouds, which a line separates but for a few points."""
    random = _random(5)
    centers = np.array([[-2.0, -1.0], [2.0, -1.0], [0.0, 2.5]])
    sizes = (334, 333, 333)
    clouds = [center[:, np.newaxis] + 0.8 * random.randn(2, size)
              for center, size in zip(centers, sizes, strict=True)]  # fmt: skip
    return _raw(random, clouds, noise=0.0)


def copy() -> Raw:
    """Letters, and the same again."""
    return _letters(lambda letters: letters)


def reverse() -> Raw:
    """Letters, and the same from the last to the first."""
    return _letters(lambda letters: letters[::-1])


def _letters(written: Callable[[np.ndarray], np.ndarray], count: int = 5000) -> Raw:
    """Return a table of sequences of letters and what is to be written for each."""
    random = _random(6)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    sequences = [random.choice(letters, random.randint(4, 13)) for _ in range(count)]
    columns = {
        "source": [" ".join(sequence) for sequence in sequences],
        "target": [" ".join(written(sequence)) for sequence in sequences],
    }
    frame = pd.DataFrame({name: pd.Categorical(texts) for name, texts in columns.items()})
    return Raw("table", frame=frame, target=("target",), task="sequence-to-sequence")


def sine_mixture() -> Raw:
    """Waves of a day, of half a day and of a week, with noise of a tenth, hour by hour."""
    random = _random(6)
    hours = np.arange(2400)
    turns = 2 * np.pi * hours / np.array([[24], [12], [168]])
    waves = np.array([[1.0], [0.4], [0.6]]) * np.sin(turns + np.array([[0.3], [1.1], [2.0]]))
    times = pd.date_range("2024-01-01", periods=len(hours), freq="h").strftime("%Y-%m-%d %H:%M")
    frame = pd.DataFrame(
        {
            "time": pd.Categorical(times.astype(object)),
            "value": waves.sum(axis=0) + 0.1 * random.randn(len(hours)),
        }
    )
    return Raw("series", frame, target=("value",), series=Series("time", horizon=24))


def _random(seed: int) -> np.random.RandomState:
    """NumPy promises the same stream for ever from RandomState, and only from it."""
    return np.random.RandomState(seed)


def _polar(radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)])


def _raw(random: np.random.RandomState, clouds: list[np.ndarray], noise: float) -> Raw:
    """Join one array (2, points) a class into a shuffled table of x, y and label."""
    x, y = np.concatenate(clouds, axis=1)
    labels = np.repeat(np.arange(len(clouds)).astype(str), [cloud.shape[1] for cloud in clouds])
    order = random.permutation(len(x))
    frame = pd.DataFrame(
        {
            "x": (x + noise * random.randn(len(x)))[order],
            "y": (y + noise * random.randn(len(y)))[order],
            "label": pd.Categorical(labels[order]),
        }
    )
    return Raw("table", frame=frame, target=("label",))
