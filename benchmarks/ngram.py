"""Character n-gram models of order 3, as opponents of a language model.

Modified Kneser-Ney: Chen and Goodman, An Empirical Study of Smoothing Techniques for Language
Modeling, 1998 (Harvard TR-10-98), interpolated, with their discounts of the counts 1, 2 and 3 or
more. Witten-Bell: Witten and Bell, The Zero-Frequency Problem, 1991, interpolated. Linear
interpolation: Jelinek and Mercer, 1980, its weights found by expectation maximization on held-out
text (Bahl, Jelinek and Mercer, 1983), one set for each range of counts of the context.

With some hundred characters all counts fit in one array `(V, V, V)`. Code 0 is a character never
seen in training; it stands before a document's first characters too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Grams = np.ndarray  # int (N, 3): the two characters before, and the one to predict


def vocabulary(documents: Sequence[str]) -> dict[str, int]:
    """Return the code of each character; 0 is none's."""
    return {c: i for i, c in enumerate(sorted(set("".join(documents))), start=1)}


def grams(documents: Sequence[str], codes: dict[str, int]) -> Grams:
    """Return every character, with the two before it."""
    parts = []
    for document in documents:
        ids = np.array([0, 0, *(codes.get(character, 0) for character in document)])
        parts.append(np.stack([ids[:-2], ids[1:-1], ids[2:]], axis=1))
    return np.concatenate(parts)


def bits(probabilities: np.ndarray, text: Grams) -> float:
    """Return the mean bits a character under probabilities of any order, `(V,)` to `(V, V, V)`."""
    found = probabilities[tuple(text[:, -probabilities.ndim :].T)]
    return float(-np.log2(found).mean())


def count(text: Grams, size: int) -> np.ndarray:
    """Return how often each three characters follow one another, `(V, V, V)`."""
    flat = np.ravel_multi_index(text.T, (size, size, size))
    return np.bincount(flat, minlength=size**3).reshape(size, size, size).astype(float)


def kneser_ney(text: Grams, size: int) -> np.ndarray:
    """Return modified Kneser-Ney probabilities `(V, V, V)`."""
    three = count(text, size)
    two = (three > 0).sum(axis=0).astype(float)  # in how many contexts, not how often
    one = (two > 0).sum(axis=0).astype(float)
    lower = np.full(size, 1 / size)
    for counts in (one, two, three):
        lower = _discounted(counts, lower)
    return lower


def _discounted(counts: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Take a discount off every count and give what that frees to the lower order."""
    n1, n2, n3, n4 = (max(float((counts == k).sum()), 1.0) for k in range(1, 5))
    y = n1 / (n1 + 2 * n2)
    found = np.clip([1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3], 0, (1, 2, 3))
    discounts = np.array([0.0, *found])[np.minimum(counts, 3).astype(int)]
    total = counts.sum(axis=-1, keepdims=True)
    freed = discounts.sum(axis=-1, keepdims=True)
    mixed = (counts - discounts + freed * lower) / np.maximum(total, 1)
    return np.where(total > 0, mixed, lower)


def witten_bell(text: Grams, size: int) -> np.ndarray:
    """Return Witten-Bell probabilities `(V, V, V)`."""
    three = count(text, size)
    lower = np.full(size, 1 / size)
    for counts in (three.sum(axis=(0, 1)), three.sum(axis=0), three):
        kinds = (counts > 0).sum(axis=-1, keepdims=True)
        total = counts.sum(axis=-1, keepdims=True)
        mixed = (counts + kinds * lower) / np.maximum(total + kinds, 1)
        lower = np.where(total > 0, mixed, lower)
    return lower


def interpolated(text: Grams, held_out: Grams, size: int, rounds: int = 100) -> np.ndarray:
    """Return linearly interpolated probabilities `(V, V, V)`, weights fitted on held-out text."""
    three = count(text, size)
    orders = [np.broadcast_to(1 / size, three.shape)]
    for counts in (three.sum(axis=(0, 1)), three.sum(axis=0), three):
        total = counts.sum(axis=-1, keepdims=True)
        known = np.where(total > 0, counts / np.maximum(total, 1), orders[-1])
        orders.append(np.broadcast_to(known, three.shape))
    seen = three.sum(axis=-1)
    bucket = np.ceil(np.log2(seen + 1)).astype(int)  # contexts seen about equally often share
    weights = np.full((bucket.max() + 1, len(orders)), 1 / len(orders))
    each = np.stack([order[tuple(held_out.T)] for order in orders], axis=1)  # (N, 4)
    where = bucket[held_out[:, 0], held_out[:, 1]]
    for _ in range(rounds):
        share = weights[where] * each
        share /= share.sum(axis=1, keepdims=True)
        sums = np.stack([np.bincount(where, s, len(weights)) for s in share.T], axis=1)
        known = sums.sum(axis=1, keepdims=True)
        weights = np.where(known > 0, (sums + 1e-3) / (known + 4e-3), weights)
    return sum(weights[bucket, i][..., None] * order for i, order in enumerate(orders))


def unigram(text: Grams, size: int) -> np.ndarray:
    """Return how often each character comes, one added to each, `(V,)`."""
    counts = np.bincount(text[:, 2], minlength=size) + 1.0
    return counts / counts.sum()
