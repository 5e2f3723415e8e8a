"""What is to be predicted: which columns, of what kind, and as which codes or numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from zoo.errors import InputError, unknown

from .bad import ADVICE
from .base import PAIRED
from .frames import as_text, is_number, is_text

USUAL = ("target", "label", "class", "y")
FEW = 20  # distinct whole numbers that are classes rather than amounts


class NoTarget(InputError):
    """A table none of whose columns is called as targets usually are, and no choice made."""


@dataclass(frozen=True)
class Target:
    """The target of every row, missing ones marked.

    Attributes:
        task: what it makes of the data.
        names: its columns.
        classes: in code order.
        values: as `Split.targets` promises, one entry a row.
        present: which rows have one.
    """

    task: str
    names: tuple[str, ...]
    classes: tuple[str, ...]
    values: np.ndarray
    present: np.ndarray


def refuse_unknown(asked: Sequence[str], columns: Sequence[str], source: str) -> None:
    """Raise an InputError for a target that is no column."""
    for name in asked:
        if name not in columns:
            raise InputError(f"'{source}': {unknown('target column', name, columns)}")


def choose_target(
    columns: Sequence[str],
    asked: Sequence[str],
    usual: Sequence[str],
    source: str,
    otherwise: str = "reconstruction",
) -> tuple[str, ...]:
    """Return the target columns: those asked for, or the data's own, or one usually called so.

    `otherwise` is a task that needs none.
    """
    refuse_unknown(asked, columns, source)
    if asked or usual:
        return tuple(dict.fromkeys(asked or usual))
    for word in USUAL:
        found = [name for name in columns if name.lower() == word]
        if found:
            return (found[0],)
    raise NoTarget(
        f"'{source}' has no column named {', '.join(USUAL[:-1])} or {USUAL[-1]}; expected a "
        f"target; try --target with one of: {', '.join(columns)}; or --task {otherwise}"
    )


def read_target(
    frame: pd.DataFrame, names: tuple[str, ...], task: str | None, source: str
) -> Target:
    """Return the `Target` in some columns of a frame.

    Args:
        frame: of float64, categories of strings, and objects.
        names: the target columns.
        task: the task asked for, or None to see it from the values.
        source: the file or data set, for messages.
    """
    for name in names:
        _refuse_unusable(frame[name], name, source)
    if task in PAIRED:
        return _texts(frame, names, source)
    found = task or _natural_task([frame[name] for name in names])
    if found == "regression" and len(names) == 1:
        _refuse_class(frame[names[0]], names[0], source)
    readers = {
        "classification": _classification,
        "multi-label": _multi_label,
        "regression": _regression,
    }
    return readers[found](frame, names, source)


def encode_target(
    frame: pd.DataFrame, names: tuple[str, ...], task: str, classes: tuple[str, ...], source: str
) -> np.ndarray:
    """Return targets of new rows by the classes of an earlier data set; all must be there."""
    for name in names:
        missing = int(frame[name].isna().sum())
        if missing:
            raise InputError(
                f"'{source}' target '{name}' is missing in {missing} of {len(frame)} rows; "
                "expected a value in each; try without those rows"
            )
    if task == "regression":
        return _regression(frame, names, source).values
    if task in PAIRED:
        return _texts(frame, names, source).values
    if task == "classification":
        words = class_names(frame[names[0]]).to_numpy(dtype=object)
        return _codes(words, classes, names[0], source).astype(np.int32)
    if len(names) > 1:
        return _flags(frame, names, source)
    return _label_sets(frame[names[0]], classes, names[0], source)


def class_names(series: pd.Series) -> pd.Series:
    """Return classes as strings; 1, 1.0 and "1" are the same class."""
    if is_number(series):
        return as_text(series)
    names = series.cat.categories
    numbers = pd.to_numeric(pd.Series(names), errors="coerce")
    if numbers.isna().any() or not np.isfinite(numbers).all():
        return series.astype(object)
    written = dict(zip(names, as_text(numbers.astype(np.float64)), strict=True))
    return series.astype(object).map(written, na_action="ignore")


def _natural_task(columns: list[pd.Series]) -> str:
    if len(columns) > 1:
        return "multi-label" if all(map(_is_flag, columns)) else "regression"
    series = columns[0]
    if series.dtype == object:
        return "multi-label"
    if is_text(series):
        return "classification"
    values = series.dropna().to_numpy()
    distinct = len(np.unique(values))
    few = distinct <= FEW and (distinct == 2 or distinct * 5 <= len(values))
    return "classification" if few and (values % 1 == 0).all() else "regression"


def _texts(frame: pd.DataFrame, names: tuple[str, ...], source: str) -> Target:
    """Return texts to be written, strings `(rows,)`."""
    series = frame[names[0]]
    if len(names) > 1 or not is_text(series):
        raise InputError(
            f"'{source}' target {', '.join(map(repr, names))} is no single column of text; "
            "expected one to be written; try another --target"
        )
    present = series.notna().to_numpy()
    return Target("sequence-to-sequence", names, (), series.astype(object).to_numpy(), present)


def _classification(frame: pd.DataFrame, names: tuple[str, ...], source: str) -> Target:
    series = frame[names[0]]
    words = pd.Series(dtype=object) if series.dtype == object else class_names(series)
    present = words.notna().to_numpy()
    classes = _sorted(words[present].unique())
    if problem := _no_classes(frame, names, len(classes), int(present.sum())):
        raise _refused(source, names, *problem, frame)
    codes = _lookup(classes, words.to_numpy(dtype=object))
    return Target("classification", names, classes, codes.astype(np.int32), present)


def _no_classes(
    frame: pd.DataFrame, names: tuple[str, ...], classes: int, rows: int
) -> tuple[str, str] | None:
    """Say what a target is instead of classes, and what was expected."""
    series = frame[names[0]]
    if len(names) > 1:
        return "are several columns", "classification expects one"
    if series.dtype == object:
        return "holds lists", "classification expects one class a row"
    if is_number(series) and len(fractions := series[series % 1 > 0]):
        return f"holds {fractions.iloc[0]:g}", "classification expects names or whole numbers"
    if classes > FEW and 2 * classes > rows:
        received = f"has {classes:,} distinct values in {rows:,} rows"
        texts = is_text(series) and series.cat.categories.str.contains(" ").mean() > 0.5
        hint = ", and --task sequence-to-sequence texts to be written" if texts else ""
        return received, f"classification expects classes that repeat{hint}"
    return None


def _multi_label(frame: pd.DataFrame, names: tuple[str, ...], source: str) -> Target:
    present = frame[list(names)].notna().all(axis=1).to_numpy()
    if len(names) > 1:
        values = _flags(frame, names, source)
        return Target("multi-label", names, names, values, present)
    series = frame[names[0]]
    lists = series[present]
    if series.dtype != object or not all(isinstance(v, (list, tuple, np.ndarray)) for v in lists):
        raise _refused(
            source,
            names,
            "is one column of single values",
            "multi-label expects several columns of 0 and 1, or lists of strings in JSON lines",
            frame,
        )
    classes = _sorted({str(word) for words in lists for word in words})
    values = _label_sets(series, classes, names[0], source)
    return Target("multi-label", names, classes, values, present)


def _regression(frame: pd.DataFrame, names: tuple[str, ...], source: str) -> Target:
    for name in names:
        series = frame[name]
        if not is_number(series):
            shown = repr(series.dropna().iloc[0])
            raise _refused(source, (name,), f"holds {shown}", "regression expects numbers", frame)
        _refuse_infinite(series, name, source)
    values = frame[list(names)].to_numpy(np.float64)
    present = ~np.isnan(values).any(axis=1)
    return Target("regression", names, (), values, present)


def _refuse_class(series: pd.Series, name: str, source: str) -> None:
    """Raise an InputError where a regression is asked for of what are few names."""
    if is_text(series) and len(series.cat.categories) <= FEW:
        raise InputError(
            f"'{source}' target '{name}' is a class, such as {series.dropna().iloc[0]!r}; "
            "regression expects numbers; try --task classification"
        )


def _flags(frame: pd.DataFrame, names: tuple[str, ...], source: str) -> np.ndarray:
    for name in names:
        if not _is_flag(frame[name]):
            shown = repr(frame[name].dropna().iloc[0])
            raise _refused(
                source, (name,), f"holds {shown}", "multi-label expects 0 and 1 in each", frame
            )
    return np.stack([_flag_values(frame[name]) for name in names], axis=1)


def _is_flag(series: pd.Series) -> bool:
    if is_number(series):
        return bool(series.dropna().isin([0.0, 1.0]).all())
    return is_text(series) and set(series.cat.categories.str.lower()) <= {"true", "false"}


def _flag_values(series: pd.Series) -> np.ndarray:
    if is_number(series):
        return series.fillna(0).to_numpy(np.float32)
    return (series.astype(object).str.lower() == "true").to_numpy(np.float32)


def _label_sets(series: pd.Series, classes: tuple[str, ...], name: str, source: str) -> np.ndarray:
    values = np.zeros((len(series), len(classes)), np.float32)
    for row, words in enumerate(series):
        if isinstance(words, (list, tuple, np.ndarray)):
            labels = np.array([str(word) for word in words], dtype=object)
            values[row, _codes(labels, classes, name, source)] = 1
    return values


def _codes(words: np.ndarray, classes: tuple[str, ...], name: str, source: str) -> np.ndarray:
    codes = _lookup(classes, words)
    if (codes < 0).any():
        error = unknown("class", str(words[codes < 0][0]), classes)
        raise InputError(f"'{source}' target '{name}': {error}")
    return codes


def _lookup(classes: tuple[str, ...], words: np.ndarray) -> np.ndarray:
    """Return the codes of class names, -1 for one that is not a class."""
    return pd.Index(classes, dtype=object).get_indexer(pd.Index(words, dtype=object))


def _sorted(words: Iterable[str]) -> tuple[str, ...]:
    """Sort class names, those that are all whole numbers by their value."""
    try:
        return tuple(sorted(words, key=int))
    except ValueError:
        return tuple(sorted(words))


def _refuse_unusable(series: pd.Series, name: str, source: str) -> None:
    _refuse_infinite(series, name, source, f", {ADVICE}")
    present = series.dropna()
    if not len(present):
        raise InputError(
            f"'{source}' target '{name}' is missing in all {len(series)} rows; expected values; "
            "try another --target"
        )
    if series.dtype != object and len(series) > 1 and present.nunique() == 1:
        raise _constant(source, name, series)


def _refuse_infinite(series: pd.Series, name: str, source: str, advice: str = "") -> None:
    if is_number(series) and (infinite := np.isinf(series.to_numpy())).any():
        raise InputError(
            f"'{source}' target '{name}' has {int(infinite.sum())} infinite values, the first in "
            f"row {int(infinite.argmax()) + 1}; expected finite numbers; try without those rows"
            f"{advice}"
        )


def _constant(source: str, name: str, series: pd.Series) -> InputError:
    return InputError(
        f"'{source}' target '{name}' is always {series.dropna().iloc[0]!s:.40}; expected at least "
        "two values; try another --target"
    )


def _refused(
    source: str, names: Sequence[str], received: str, expected: str, frame: pd.DataFrame
) -> InputError:
    what = "targets" if len(names) > 1 else "target"
    shown = ", ".join(f"'{name}'" for name in names)
    tries = "--task regression" if all(is_number(frame[n]) for n in names) else "another --target"
    return InputError(f"'{source}' {what} {shown} {received}; {expected}; try {tries}")
