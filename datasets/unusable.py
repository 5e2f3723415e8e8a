"""Rows of a table with values that cannot be used, left out where bad examples are to be skipped.

Those are infinite numbers, and the few texts in a column that holds numbers otherwise.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from .bad import SHOWN, BadExamples, Problem
from .base import Raw
from .columns import as_numbers, strays, useless
from .frames import is_number, is_text, keep_rows


def leave_out(raw: Raw, aside: Collection[str | None], bad: BadExamples, source: str) -> Raw:
    """Return the rows whose values can be used, but for columns that are of no use anyway.

    Args:
        raw: a table.
        aside: the columns that are neither inputs nor targets.
        bad: told of each row that is left out.
        source: the file or data set, for messages.
    """
    assert raw.frame is not None
    names = [name for name in raw.frame.columns if name not in aside]
    found: dict[int, Problem] = {}
    for name in reversed(names):  # what is wrong first in a row is told
        found |= _infinite(raw.frame[name], name) | _texts(raw.frame[name], name)
    if not found:
        return raw
    rows = sorted(found)
    named = raw.places(rows[:SHOWN]) if raw.places else []  # looked up in the file, so only a few
    places = named + [(source, f"row {row + 1}") for row in rows[len(named) :]]
    for row, (file, where) in zip(rows, places, strict=True):
        bad.found(file, where, found[row])
    bad.finished(source, len(raw) - len(rows))
    return _without(raw, rows, names)


def _infinite(series: pd.Series, name: str) -> dict[int, Problem]:
    """Return the rows with an infinite number, each with what is wrong."""
    if not is_number(series):
        return {}
    rows = np.flatnonzero(np.isinf(series.to_numpy()))
    if not len(rows) or useless(series, name):
        return {}
    why = f"has an infinite value in column '{name}'"
    problem = why, "finite numbers", "leaving it empty, which means missing"
    return dict.fromkeys(rows.tolist(), problem)


def _texts(series: pd.Series, name: str) -> dict[int, Problem]:
    """Return the rows with a text in a column of numbers."""
    if not is_text(series):
        return {}
    rows = np.flatnonzero(series.isin(strays(series)))
    why = "has '{}' among the numbers of column '{}'"
    return {
        int(row): (why.format(series[row][:40], name), "a number", "leaving it empty")
        for row in rows
    }


def _without(raw: Raw, rows: list[int], names: Collection[str]) -> Raw:
    """Return the other rows; a column that had some texts among its numbers is one of numbers."""
    assert raw.frame is not None
    good = np.ones(len(raw), bool)
    good[rows] = False
    frame, given = keep_rows(raw.frame, raw.given, good)
    for name in names:
        if is_text(raw.frame[name]) and len(strays(raw.frame[name])):
            numbers = as_numbers(frame[name].cat.categories).to_numpy()
            frame[name] = np.append(numbers, np.nan)[frame[name].cat.codes]  # -1 where missing
    return Raw("table", frame, target=raw.target, given=given, notes=raw.notes)
