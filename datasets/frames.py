"""Data frames of three kinds of columns only, whatever file they come from.

float64 for numbers, with NaN where one is missing; a pandas category of strings for everything
that is written down; objects for lists and other nested values, which only a target may hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

Chunk = dict[str, pd.Series]
_TRUTHS = [
    "".join(letters)
    for word in ("true", "false")
    for letters in product(*((letter, letter.upper()) for letter in word))
]


def is_number(series: pd.Series) -> bool:
    """Tell a column of numbers."""
    return series.dtype == np.float64


def is_text(series: pd.Series) -> bool:
    """Tell a column of strings."""
    return isinstance(series.dtype, pd.CategoricalDtype)


def canonical(series: pd.Series) -> pd.Series:
    """Return a column as float64, as a category of strings, or as objects."""
    if pd.api.types.is_bool_dtype(series.dtype):
        return _text(series.astype(object))
    if pd.api.types.is_numeric_dtype(series.dtype):
        return pd.Series(series.to_numpy(np.float64, na_value=np.nan), copy=False)
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return _text(_written(series))
    if isinstance(series.dtype, pd.CategoricalDtype):
        return _text(series.astype(object))
    return _objects(series)


def join(chunks: list[Chunk]) -> pd.DataFrame:
    """Concatenate chunks column by column, emptying them on the way to spare memory."""
    names = list(dict.fromkeys(name for chunk in chunks for name in chunk))
    lengths = [len(next(iter(chunk.values()))) for chunk in chunks]
    columns = {}
    for name in names:
        parts = [
            chunk.pop(name) if name in chunk else pd.Series(np.full(length, np.nan))
            for chunk, length in zip(chunks, lengths, strict=True)
        ]
        columns[name] = _join_column(parts)
    return pd.DataFrame(columns, copy=False)


def conflicts(chunk: Chunk, kinds: dict[str, str]) -> set[str]:
    """Return the columns whose numbers meet strings; `kinds` remembers what was seen so far."""
    found = set()
    for name, series in chunk.items():
        if series.isna().all():
            continue
        kind = "number" if is_number(series) else "text"
        if kinds.setdefault(name, kind) != kind:
            found.add(name)
    return found


def keep_rows(
    frame: pd.DataFrame, given: Mapping[str, np.ndarray], good: np.ndarray
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Return the good rows of a table and of its splits, as if there had been no others.

    Args:
        frame: the table.
        given: rows of the splits that exist.
        good: whether a row stays, a bool each.
    """
    frame = frame[good].reset_index(drop=True)
    for name in frame.columns:
        if is_text(frame[name]):
            frame[name] = frame[name].cat.remove_unused_categories()
    number = np.cumsum(good) - 1  # of each row, once the others are gone
    return frame, {split: number[rows[good[rows]]] for split, rows in given.items()}


def _join_column(parts: list[pd.Series]) -> pd.Series:
    if len(parts) == 1 and not is_text(parts[0]):
        return parts[0]
    if all(is_number(part) for part in parts):
        return pd.Series(np.concatenate([part.to_numpy() for part in parts]), copy=False)
    if any(part.dtype == object for part in parts):
        return pd.concat([part.astype(object) for part in parts], ignore_index=True)
    texts = [part if is_text(part) else _text(as_text(part)) for part in parts]
    union = union_categoricals(texts, sort_categories=True, ignore_order=True)
    return pd.Series(_one_spelling(union), copy=False)


def _one_spelling(values: pd.Categorical) -> pd.Categorical:
    """Write true and false in one way, as programs differ: TRUE and true become True.

    Each name by itself, whatever else the column holds: a file for prediction may hold one row.
    """
    truths = values.categories.isin(_TRUTHS)
    if not truths.any():
        return values
    names = values.categories.to_numpy(object).copy()
    names[truths] = [name.capitalize() for name in names[truths]]
    codes, names = pd.factorize(names, sort=True)
    return pd.Categorical.from_codes(  # a missing value, -1, takes the last
        np.append(codes, -1)[values.codes], pd.Index(names, dtype=object)
    )


def as_text(series: pd.Series) -> pd.Series:
    """Write numbers as strings, whole ones without a point; a missing one stays missing."""
    return series.map(write_number, na_action="ignore").astype(object)


def write_number(value: float) -> str:
    """Write a number as people do: 3 for 3.0."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _text(values: pd.Series) -> pd.Series:
    """Return a category of strings out of objects."""
    return categorize(values.map(str, na_action="ignore"))


def categorize(strings: pd.Series) -> pd.Series:
    """Return a category out of strings, its names sorted."""
    codes, names = pd.factorize(strings.to_numpy(object), sort=True)
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(names, dtype=object)), copy=False)


def _written(series: pd.Series) -> pd.Series:
    """Write timestamps in ISO order, with the time of day only where there is one."""
    midnight = (series.dropna() == series.dropna().dt.normalize()).all()
    return series.dt.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M:%S").astype(object)


def _objects(series: pd.Series) -> pd.Series:
    present = series.dropna()
    kinds = set(map(type, present))
    if kinds & {list, tuple, np.ndarray, dict, set, bytes}:
        return series.astype(object).reset_index(drop=True)
    if kinds and bool not in kinds and all(hasattr(kind, "__float__") for kind in kinds):
        return pd.Series(pd.to_numeric(series.astype(object)).to_numpy(np.float64), copy=False)
    if not kinds:
        return pd.Series(np.full(len(series), np.nan))
    return _text(series.astype(object))


def force_text(series: pd.Series) -> pd.Series:
    """Return numbers as a category of strings."""
    return _text(as_text(series))
