"""How generated examples compare with real ones, as clouds of feature vectors.

What the features are belongs in the name of every score: numbers over different features cannot be
compared.
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import pairwise_distances_chunked
from sklearn.neighbors import NearestNeighbors

SUBSETS, SUBSET = 50, 1000
NEIGHBOURS = 3


def kernel_distance(first: np.ndarray, second: np.ndarray, seed: int = 0) -> float:
    """Return the kernel inception distance of `(rows, features)` each, which may be below zero.

    Bińkowski, Sutherland, Arbel and Gretton, Demystifying MMD GANs, 2018, arXiv:1801.01401: the
    unbiased squared maximum mean discrepancy with the kernel `(x . y / features + 1) ** 3`, as a
    mean over random subsets.
    """
    size = min(SUBSET, len(first), len(second))
    if size < 2:
        raise ValueError("it takes at least two of each")
    random = np.random.default_rng(seed)
    subsets = SUBSETS if size < max(len(first), len(second)) else 1
    found = []
    for _ in range(subsets):
        x, y = (
            rows[random.choice(len(rows), size, replace=False)].astype(np.float64)
            for rows in (first, second)
        )
        found.append(_within(x) + _within(y) - 2 * _kernel(x, y).mean())
    return float(np.mean(found))


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    similar = x @ y.T / x.shape[1] + 1
    return similar * similar * similar  # faster than a power


def _within(x: np.ndarray) -> float:
    values = _kernel(x, x)
    return float((values.sum() - np.trace(values)) / (len(x) * (len(x) - 1)))


def precision_recall(real: np.ndarray, made: np.ndarray) -> tuple[float, float]:
    """Return the share of made examples that lie among real ones, and of real among made ones.

    Kynkäänniemi, Karras, Laine, Lehtinen and Aila, Improved Precision and Recall Metric for
    Assessing Generative Models, 2019, arXiv:1904.06991: an example lies among others where it is no
    farther from one of them than that one is from its third neighbour.
    """
    if min(len(real), len(made)) <= NEIGHBOURS:
        raise ValueError(f"it takes more than {NEIGHBOURS} of each")
    return _among(made, real), _among(real, made)


def _among(asked: np.ndarray, others: np.ndarray) -> float:
    distances, _ = NearestNeighbors().fit(others).kneighbors(others, NEIGHBOURS + 1)
    radii = distances[:, -1]  # the first of the four is itself
    inside = [(chunk <= radii).any(axis=1) for chunk in pairwise_distances_chunked(asked, others)]
    return float(np.concatenate(inside).mean())


def nearest(made: np.ndarray, real: np.ndarray, count: int) -> np.ndarray:
    """Return which real examples are nearest to each made one, `(len(made), count)`."""
    found = NearestNeighbors(n_neighbors=min(count, len(real))).fit(real)
    return found.kneighbors(made, return_distance=False)
