"""From a table with times to a data set of windows, split by time; and new tables read alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zoo.errors import InputError

from .bad import BadExamples
from .base import Column, Dataset, Raw, Series, Spec
from .periods import completed, gaps, short, split_by_time, too_short
from .series_rows import (
    Named,
    find_columns,
    find_owners,
    ordered,
    refuse_columns,
    refuse_double,
    refuse_texts,
    refuse_unread,
    timed,
)
from .splits import NAMES, fingerprint, read_split_column
from .times import Clock, usual_step, with_step
from .windows import PARTS, SeriesSplit, SeriesTable, divide
from .windows import find as find_windows

if TYPE_CHECKING:
    from .build import Origin, Request


def build(raw: Raw, request: Request, origin: Origin, bad: BadExamples) -> Dataset:
    """Return the data set that a request makes of a table with times.

    What is asked of its series goes before what it says of them itself.
    """
    asked, source = request.series, origin.source
    assert raw.frame is not None
    own = raw.series or Series("")
    series = Series(
        asked.time or own.time,
        asked.group or own.group,
        *(getattr(asked, n) or getattr(own, n) for n in ("horizon", "history", "season")),
    )
    aside = (series.time, series.group, request.split_column)
    named_columns = {"target": request.target, "known": asked.known, "drop": request.drop}
    refuse_columns(raw.frame, aside, named_columns, source)
    frame, given, unstepped, notes = timed(raw, series.time, source, bad)
    if request.split_column:
        given = read_split_column(frame[request.split_column], request.split_column, source)
    targets = request.target or tuple(n for n in raw.target if n not in request.drop)
    columns, ignored = find_columns(frame, targets, asked, {*request.drop, *aside}, source)
    owners, names = find_owners(frame, series.group, source)
    clock = with_step(unstepped, frame[series.time], owners)
    if clock is None:
        raise InputError(
            f"'{source}' has {len(frame)} rows and no two times of one series; expected several "
            "rows of each, one a time; try another file, or another --time or --group"
        )
    table, order, sorted_note = ordered(frame, columns.all, clock, owners, names, series.time)
    refuse_double(table, series, source)
    parts = split_by_time(
        table, order, given, request.splitting, series.horizon or clock.season, source
    )
    series = completed(series, clock, table, parts)
    windows = find_windows(table, series, len(columns.targets), columns.ahead)
    starts = divide(windows.starts, parts, series)
    if not len(starts["train"]):
        raise too_short(table, parts, series, windows, source)
    notes += [*sorted_note, *ignored, *gaps(table, series), *short(table, series)]
    notes += windows.notes()
    return _dataset(table, columns, series, starts, parts, origin, [*raw.notes, *notes])


def _dataset(
    table: SeriesTable,
    columns: Named,
    series: Series,
    starts: dict[str, np.ndarray],
    parts: np.ndarray,
    origin: Origin,
    notes: list[str],
) -> Dataset:
    inputs = _inputs(columns, series)
    spec = Spec("series", inputs, columns.targets, "forecasting", series=series)
    splits: dict[str, Any] = {
        split: SeriesSplit(
            table, inputs, series, len(columns.targets), starts[split],
            np.flatnonzero(parts == PARTS[split]),
        )
        for split in NAMES
    }  # fmt: skip
    content: list[bytes | np.ndarray] = [
        "\0".join((*columns.all, *table.names)).encode(),
        table.values.ravel(),
        table.times,
    ]
    content += [table.owners.astype(np.int64), f"{series.history} {series.horizon}".encode()]
    return Dataset(
        origin.name, spec, **splits, fingerprint=fingerprint(content, starts),
        provenance=origin.provenance, licence=origin.licence, notes=notes,
    )  # fmt: skip


def read(frame: pd.DataFrame, spec: Spec, source: str, targets: bool) -> SeriesSplit:
    """Read a table as an earlier data set was read.

    Args:
        frame: the table.
        spec: of the earlier data set.
        source: the file or data set, for messages.
        targets: whether what is to be forecast is there, for all windows; without it there is one
            window a series, which ends with the last row that has a target.
    """
    series = spec.series
    assert series is not None
    columns = named(spec)
    from .files import require_columns

    aside = [name for name in (series.time, series.group) if name]
    require_columns(frame, [*aside, *columns.all], source)
    for name in columns.all:
        refuse_texts(frame[name], name, source)
    clock = Clock(series.format, series.unit, series.step, series.day)
    refuse_unread(clock.read(frame[series.time]), frame[series.time], clock, source)
    owners, names = find_owners(frame, series.group, source)
    table, *_ = ordered(frame, columns.all, clock, owners, names, series.time)
    refuse_double(table, series, source)
    _refuse_step(table, source)
    split = SeriesSplit(
        table, spec.inputs, series, len(columns.targets), np.zeros(0, int), np.arange(len(table))
    )
    if targets:
        windows = find_windows(table, series, len(columns.targets), columns.ahead)
        split.starts, split.notes = windows.starts, windows.notes()
        if not len(windows.starts):
            raise too_short(table, np.zeros(len(table), int), series, windows, source)
        return split
    split.starts, split.notes = _latest(split, columns, source)
    return split


def _refuse_step(table: SeriesTable, source: str) -> None:
    """Raise an InputError where times are other steps apart than those learned from."""
    clock, found = table.clock, usual_step(table.times, table.owners)
    if found is not None and not np.isclose(found, clock.step, rtol=1e-6, atol=0.0):
        raise InputError(
            f"'{source}' has a row each {clock.span(found)}; expected one each "
            f"{clock.span(clock.step)}, as in the training data; try another file"
        )


def _latest(split: SeriesSplit, columns: Named, source: str) -> tuple[np.ndarray, list[str]]:
    """Return the window of each series that ends with its last target, and notes of others."""
    table, series = split.table, split.series
    starts, why, how = [], {}, "try a longer file"
    for owner, name in enumerate(table.names):
        rows = np.flatnonzero(table.owners == owner)
        answered = ~np.isnan(table.values[rows, : len(columns.targets)]).all(axis=1)
        last = rows[answered][-1] if answered.any() else rows[0] - 1
        start = last + 1 - series.history
        need = last + 1 + (series.horizon if columns.known else 0)
        if start < rows[0]:
            why[name] = f"has {last + 1 - rows[0]} of {series.history} rows of history"
        elif need > rows[-1] + 1:
            why[name] = f"lacks {columns.known[0]} of the {series.horizon} steps ahead"
            how = f"append {series.horizon} rows with all but {', '.join(columns.targets)}"
        elif table.begins[need - 1] > start:
            why[name] = "has a gap in its last rows"
        elif (
            np.isnan(table.values[start : last + 1]).any()
            or np.isnan(table.values[start:need, list(columns.ahead)]).any()
        ):
            why[name] = "lacks a value in its last rows"
        else:
            starts.append(start)
    told = [f"{f'series {n!r}' if series.group else 'it'} {text}" for n, text in why.items()]
    if not starts:
        raise InputError(
            f"'{source}' cannot be continued: {told[0]}; expected {series.history} rows, one each "
            f"{split.table.clock.span(series.step)}, with all values; {how}"
        )
    return np.array(starts), [f"{text}, and is left out" for text in told]


def named(spec: Spec) -> Named:
    """Return the columns of an earlier data set, each in its part."""
    assert spec.series is not None
    others = spec.inputs[len(spec.targets) :]
    past = tuple(c.name for c in others if c.shape[0] == spec.series.history)
    return Named(spec.targets, past, tuple(c.name for c in others if c.name not in past))


def _inputs(columns: Named, series: Series) -> tuple[Column, ...]:
    whole = series.history + series.horizon
    return tuple(
        Column(name, "series", (whole if name in columns.known else series.history,))
        for name in columns.all
    )
