"""Rows of a table with infinite numbers, left out where bad examples are to be skipped."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from .bad import SHOWN, BadExamples
from .base import Raw
from .columns import useless
from .frames import is_number, is_text


def leave_out_infinite(
    raw: Raw, aside: Collection[str | None], bad: BadExamples, source: str
) -> Raw:
    """Return the rows without infinite numbers, but for columns that are of no use anyway.

    Args:
        raw: a table.
        aside: the columns that are neither inputs nor targets.
        bad: told of each row that is left out.
        source: the file or data set, for messages.
    """
    assert raw.frame is not None
    infinite = _infinite(raw.frame, aside)
    if not infinite:
        return raw
    rows = sorted(infinite)
    named = raw.places(rows[:SHOWN]) if raw.places else []  # looked up in the file, so only a few
    places = named + [(source, f"row {row + 1}") for row in rows[len(named) :]]
    for row, (file, where) in zip(rows, places, strict=True):
        why = f"has an infinite value in column '{infinite[row]}'"
        bad.found(file, where, (why, "finite numbers", "leaving it empty, which means missing"))
    bad.finished(source, len(raw) - len(rows))
    return _without(raw, rows)


def _infinite(frame: pd.DataFrame, aside: Collection[str | None]) -> dict[int, str]:
    """Return the rows that have an infinite number, each with the first column that has one."""
    found: dict[int, str] = {}
    for name in frame.columns:
        if name in aside or not is_number(frame[name]):
            continue
        rows = np.flatnonzero(np.isinf(frame[name].to_numpy()))
        if len(rows) and not useless(frame[name], name):
            found = {**dict.fromkeys(rows.tolist(), name), **found}
    return found


def _without(raw: Raw, rows: list[int]) -> Raw:
    assert raw.frame is not None
    good = np.ones(len(raw), bool)
    good[rows] = False
    frame = raw.frame[good].reset_index(drop=True)
    for name in frame.columns:
        if is_text(frame[name]):
            frame[name] = frame[name].cat.remove_unused_categories()
    number = np.cumsum(good) - 1  # of each row, once the bad ones are gone
    given = {split: number[part[good[part]]] for split, part in raw.given.items()}
    return Raw("table", frame, target=raw.target, given=given, notes=raw.notes)
