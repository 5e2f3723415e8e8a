"""Fréchet distance between two clouds of vectors.

Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter, GANs Trained by a Two Time-Scale Update Rule
Converge to a Local Nash Equilibrium, 2017, arXiv:1706.08500. What the vectors are belongs in the
name of the score: distances over different features cannot be compared.
"""

from __future__ import annotations

import numpy as np


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the distance between normal distributions fitted to `(rows, features)` each."""
    first, second = first.astype(np.float64), second.astype(np.float64)
    shift = first.mean(axis=0) - second.mean(axis=0)
    if max(len(first), len(second)) < first.shape[1]:
        return float(shift @ shift + _of_few(first, second))
    a, b = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    # trace(sqrt(AB)) through the symmetric sqrt(A) B sqrt(A), whose eigenvalues are AB's
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    crossed = np.linalg.eigvalsh(root @ b @ root)
    trace = np.trace(a) + np.trace(b) - 2 * np.sqrt(np.clip(crossed, 0, None)).sum()
    return float(shift @ shift + trace)


def _of_few(first: np.ndarray, second: np.ndarray) -> float:
    """Return the part of the covariances, of fewer rows than features, without computing them.

    With a and b the centered rows, divided by the roots of their numbers less one, the eigenvalues
    of the product of both covariances are the squared singular values of a b'.
    """
    a, b = (
        (x - x.mean(axis=0)) / np.sqrt(np.maximum(len(x) - 1, 0) or np.nan) for x in (first, second)
    )
    crossed = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(np.square(a).sum() + np.square(b).sum() - 2 * crossed)
