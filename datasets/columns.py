"""What kind of input each column of a table is, and which columns are none."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from zoo.errors import InputError

from .bad import ADVICE
from .base import Column
from .frames import is_number, is_text

FEW = 20  # distinct values that are categories however short the table
LONG = 60  # characters: longer on average is prose
_IDENTIFIER = re.compile(r"(.*[_ ])?(id|idx|index|row|rowid|rownames|uuid)|column \d+", re.I)
_DATES = {
    "-": ("%Y-%m-%d", "%d-%m-%Y", "%m-%d-%Y"),
    "/": ("%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y"),
    ".": ("%d.%m.%Y", "%Y.%m.%d"),
}
_TIME = re.compile(r"([T ])\d{1,2}:\d{2}(:\d{2})?(\.\d{1,6})?(Z|[+-]\d{2}:?\d{2})?")
_DAY = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}")


def find_columns(
    frame: pd.DataFrame, names: Iterable[str], source: str
) -> tuple[tuple[Column, ...], list[str]]:
    """Return the columns a model may see, and a note for each one that it may not.

    Args:
        frame: of float64, categories of strings, and objects.
        names: the columns to judge.
        source: the file or data set, for messages.
    """
    columns, notes = [], []
    for name in names:
        reason = useless(frame[name], name)
        if reason:
            notes.append(f"column '{name}' is ignored: {reason}")
            continue
        column, note = _column(frame[name], name)
        columns.append(column)
        notes.extend(note)
        refuse_infinite(frame[name], name, source, f", {ADVICE}")
    return tuple(columns), notes


def refuse_infinite(series: pd.Series, name: str, source: str, advice: str = "") -> None:
    """Raise an InputError where a column of numbers has infinite ones."""
    if is_number(series) and (infinite := np.isinf(series.to_numpy())).any():
        raise InputError(
            f"'{source}' column '{name}' has {int(infinite.sum())} infinite values, the first in "
            f"row {int(infinite.argmax()) + 1}; expected finite numbers; try leaving them empty, "
            f"which means missing, or --drop {name}{advice}"
        )


def find_date_formats(values: Iterable[str]) -> list[str]:
    """Return the `strptime` formats in which all the values can be read, the likeliest first."""
    values = pd.Series(list(values), dtype=object)
    day = _DAY.match(values.iloc[0]) if len(values) else None
    if not day:
        return []
    rest = values.iloc[0][day.end() :]
    time = _TIME.fullmatch(rest)
    if rest and not time:
        return []
    suffix = _time_format(time) if time else ""
    formats = [day_format + suffix for day_format in _DATES[day[1]]]
    return [form for form in formats if all_read(values, form)]


def _time_format(time: re.Match[str]) -> str:
    separator, seconds, fraction, zone = time.groups()
    parts = [(seconds, ":%S"), (fraction, ".%f"), (zone, "%z")]
    return f"{separator}%H:%M" + "".join(form for found, form in parts if found)


def all_read(values: pd.Series, form: str) -> bool:
    """Tell whether all texts can be read in a `strptime` format."""
    return all(
        pd.to_datetime(part, format=form, errors="coerce", utc=True).notna().all()
        for part in (values.iloc[:100], values)
    )


def useless(series: pd.Series, name: str) -> str:
    """Say why a column cannot be an input, or nothing."""
    present = series.notna()
    if not present.any():
        return "all its values are missing"
    if is_number(series):
        return _useless_number(series.to_numpy(), name)
    if not is_text(series):
        return f"it holds values such as {str(series[present].iloc[0])[:40]}"
    return _useless_text(series, int(present.sum()))


def _useless_number(values: np.ndarray, name: str) -> str:
    if np.nanmin(values) == np.nanmax(values) and not np.isnan(values).any():
        return f"it is always {values[0]:g}"
    counts = len(values) > FEW and np.isfinite(values).all() and (np.diff(values) == 1).all()
    if counts and _IDENTIFIER.fullmatch(name):
        return "it counts the rows"
    return ""


def _useless_text(series: pd.Series, present: int) -> str:
    names = series.cat.categories
    if len(names) == 1 and present == len(series):
        return f"it is always '{str(names[0])[:40]}'"
    if len(names) <= FEW or find_date_formats(names):
        return ""
    if 2 * len(names) > present:
        hint = f" ({numbers_but_for(few)})" if len(few := strays(series)) else ""
        return f"{len(names):,} different texts in {present:,} rows, an identifier or prose{hint}"
    if names.str.len().to_numpy().mean() > LONG:
        return "its values are prose"
    return ""


def strays(series: pd.Series) -> pd.Index:
    """Return the texts that keep a column from being one of numbers, none where they are many."""
    names = series.cat.categories
    wrong = names[as_numbers(names).isna()]
    few = len(names) > FEW and len(wrong) * 10 <= len(names) and not find_date_formats(names)
    return wrong if few else names[:0]


def as_numbers(names: pd.Index) -> pd.Series:
    """Return texts as numbers, NaN for those that are none."""
    return pd.to_numeric(pd.Series(names, dtype=object), errors="coerce").astype(np.float64)


def numbers_but_for(texts: pd.Index) -> str:
    """Point out the few texts that keep a column from being one of numbers."""
    more = f" and {len(texts) - 3:,} more" if len(texts) > 3 else ""
    named = ", ".join(repr(text[:40]) for text in texts[:3])
    return f"numbers but for {named}{more}; leave those cells empty, {ADVICE}"


def _column(series: pd.Series, name: str) -> tuple[Column, list[str]]:
    if is_number(series):
        return Column(name, "number"), []
    formats = find_date_formats(series.cat.categories)
    if not formats:
        few = strays(series)
        held = f"column '{name}' is read as categories: it holds {numbers_but_for(few)}"
        return Column(name, "category"), [held] if len(few) else []
    note = []
    if len(formats) > 1:
        note = [f"column '{name}' is read as {formats[0]}; {formats[1]} would fit too"]
    return Column(name, "date", format=formats[0]), note
