"""Which rows train, validate and test: a function of the data and the split seed alone."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from zoo.errors import InputError

from .frames import is_text

NAMES = ("train", "validation", "test")
_WORDS = {"val": "validation", "valid": "validation", "dev": "validation", "training": "train"}


@dataclass(frozen=True)
class Splitting:
    """How much of the rows to hold out, and from which seed; fractions are of all rows."""

    validation_fraction: float = 0.1
    test_fraction: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        total = self.validation_fraction + self.test_fraction
        if min(self.validation_fraction, self.test_fraction) < 0 or not total < 1:
            raise InputError(
                f"Validation and test fractions of {self.validation_fraction:g} and "
                f"{self.test_fraction:g}; expected 0 or more each and less than 1 together; "
                "try 0.1 and 0.2"
            )
        if not 0 <= self.seed < 2**32:
            raise InputError(
                f"A split seed of {self.seed}; expected a whole number from 0 to 4294967295; try 0"
            )


def split_name(word: str) -> str | None:
    """Return the split that a file name or a value of a split column means, if any."""
    word = word.strip().lower()
    word = _WORDS.get(word, word)
    return word if word in NAMES else None


def consecutive(sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Return the rows of splits that follow one another."""
    ends = np.cumsum([0, *sizes.values()])
    return {split: np.arange(*ends[i : i + 2]) for i, split in enumerate(sizes)}


def make_splits(
    rows: np.ndarray,
    labels: np.ndarray | None,
    given: dict[str, np.ndarray],
    how: Splitting,
    source: str,
) -> dict[str, np.ndarray]:
    """Return the rows of each split, in order; those that exist already stay as they are.

    Args:
        rows: the rows that may be used.
        labels: for every row of the data, to hold the classes' shares, its class, or which of the
            classes it has, bool `(rows, classes)`; or None.
        given: the rows of the splits that exist.
        how: how to make the others, out of the training rows: all that are in no other split
            where there are none yet.
        source: the file or data set, for messages.
    """
    splits = {name: np.intersect1d(part, rows) for name, part in given.items()}
    held = np.concatenate([*splits.values(), np.array([], int)])
    pool = splits.get("train", np.setdiff1d(rows, held))
    fractions = {"test": how.test_fraction, "validation": how.validation_fraction}
    sizes = {n: math.ceil(f * len(pool)) for n, f in fractions.items() if n not in splits}
    _refuse_few(len(pool), 1 + sum(size > 0 for size in sizes.values()), splits, source)
    if labels is not None:
        labels = labels[pool] if labels.ndim == 1 else _rarest(labels[pool])
    shuffled = pool[_order(len(pool), labels, how.seed)]
    start = 0
    for name, size in sizes.items():
        splits[name] = np.sort(shuffled[start : start + size])
        start += size
    splits["train"] = np.sort(shuffled[start:])
    return splits


def read_split_column(series: pd.Series, name: str, source: str) -> dict[str, np.ndarray]:
    """Return the rows of the splits that a column of the data names."""
    if not is_text(series) or series.isna().any():
        words, missing = [], True
    else:
        words, missing = [str(word) for word in series.cat.categories], False
    meant = [split_name(word) for word in words]
    if missing or None in meant or "train" not in meant:
        shown = ", ".join(repr(word) for word in words[:5]) or "missing values or numbers"
        raise InputError(
            f"'{source}' split column '{name}' holds {shown}; expected train, validation or test "
            "in every row, and train in some; try another --split-column"
        )
    codes = series.cat.codes.to_numpy()
    return {
        split: np.flatnonzero(np.isin(codes, [i for i, m in enumerate(meant) if m == split]))
        for split in dict.fromkeys(meant)
        if split
    }


def fingerprint(content: Sequence[bytes | np.ndarray], splits: dict[str, np.ndarray]) -> str:
    """Return the sha256 of content and split, in hexadecimal."""
    digest = hashlib.sha256()
    for piece in [*content, *(splits[name].astype(np.int64) for name in NAMES)]:
        digest.update(str(len(piece)).encode())
        digest.update(piece if isinstance(piece, bytes) else np.ascontiguousarray(piece).data)
    return digest.hexdigest()


def _rarest(shown: np.ndarray) -> np.ndarray:
    """Return the class of each row that the fewest rows have, -1 where there is none.

    A class that rarer ones leave no row takes its last one from them, so that each class has rows
    of its own, the last of which trains.
    """
    labels = np.full(len(shown), -1)
    for code in np.argsort(shown.sum(axis=0), kind="stable"):
        rows = np.flatnonzero(shown[:, code])
        free = rows[labels[rows] < 0]
        labels[free if len(free) else rows[-1:]] = code
    return labels


def _order(count: int, labels: np.ndarray | None, seed: int) -> np.ndarray:
    """Return a random order, every beginning of which holds each class in its share.

    A row's place is its random rank within its class over the size of the class; the last of each
    class comes last of all, so that a class of one row trains.
    """
    random = np.random.RandomState(seed)  # the stream NumPy promises not to change
    order = random.permutation(count)
    if labels is None:
        return order
    by_class = order[np.argsort(labels[order], kind="stable")]
    _, starts, sizes = np.unique(labels[by_class], return_index=True, return_counts=True)
    rank = np.arange(count) - np.repeat(starts, sizes)
    size = np.repeat(sizes, sizes)
    place = np.empty(count)
    place[by_class] = np.where(rank == size - 1, 1.0, (rank + 0.5) / size)
    return order[np.argsort(place[order], kind="stable")]


def _refuse_few(rows: int, needed: int, splits: dict[str, np.ndarray], source: str) -> None:
    empty = [name for name, part in splits.items() if not len(part)]
    if empty:
        raise InputError(
            f"'{source}' has no usable row in its {empty[0]} split; expected one at least; "
            "try filling it or leaving it out"
        )
    if rows < needed:
        raise InputError(
            f"'{source}' has {rows} usable row{'s' * (rows != 1)}; expected one at least for each "
            f"of {needed} splits; try more rows"
        )
