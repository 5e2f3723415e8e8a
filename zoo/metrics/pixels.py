"""How well masks agree, by the pixels that each pair of classes shares."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def confusion(
    actual: Iterable[np.ndarray], predicted: Iterable[np.ndarray], classes: int
) -> np.ndarray:
    """Return pixels by actual and predicted class, int64 `(classes, classes)`.

    Args:
        actual, predicted: masks of codes; what is no class in `actual` is not counted.
        classes: how many.
    """
    matrix = np.zeros(classes * classes, np.int64)
    for true, found in zip(actual, predicted, strict=True):
        known = true < classes
        pairs = true[known].astype(np.int64) * classes + found[known]
        matrix += np.bincount(pairs, minlength=len(matrix))
    return matrix.reshape(classes, classes)


def agreement(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each class's intersection over union, its Dice coefficient, and the accuracy of all.

    They are NaN where they are not defined: for a class that is neither there nor predicted.
    """
    shared, sizes = np.diag(matrix), matrix.sum(axis=0) + matrix.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return shared / (sizes - shared), 2 * shared / sizes, shared.sum() / matrix.sum()
