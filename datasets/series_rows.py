"""The rows of time series: which columns are what, times read, in order of series and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from zoo.errors import InputError, unknown

from .bad import BadExamples
from .base import Raw, Series
from .columns import refuse_infinite
from .frames import is_number, is_text, keep_rows
from .times import Clock, find
from .windows import SeriesTable


@dataclass(frozen=True)
class Asked:
    """What a user asked of time series; the arguments of `load`.

    Attributes:
        time, group, horizon, history, season: as in `Series`; "" and 0 where nothing was said.
        known: columns known ahead of their time.
        covariates: whether the model looks at more than each target's own past.
    """

    time: str = ""
    group: str = ""
    horizon: int = 0
    history: int = 0
    season: int = 0
    known: tuple[str, ...] = ()
    covariates: bool = True

    def refuse_alone(self) -> None:
        """Raise an InputError for options that only time series have."""
        for name in ("horizon", "history", "season", "group", "known"):
            if value := getattr(self, name):
                value = ", ".join(value) if name == "known" else value
                raise InputError(
                    f"--{name} received {value} without --time; expected the column of times, "
                    "without which a table is no time series; try --time COLUMN"
                )


@dataclass(frozen=True)
class Named:
    """The columns of a table by their part: targets first, then others, then those known ahead."""

    targets: tuple[str, ...]
    past: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """All of them, in the order of a `SeriesTable`."""
        return (*self.targets, *self.past, *self.known)

    @property
    def ahead(self) -> range:
        """Where those known ahead are."""
        return range(len(self.all) - len(self.known), len(self.all))


def timed(
    raw: Raw, time: str, source: str, bad: BadExamples
) -> tuple[pd.DataFrame, dict[str, np.ndarray], Clock, list[str]]:
    """Return the rows whose time can be read, those of the splits there are, and the clock."""
    assert raw.frame is not None
    clock, notes = find(raw.frame[time])
    if clock is None:
        shown = raw.frame[time].dropna()
        held = f"holds {str(shown.iloc[0])[:40]!r}" if len(shown) else "is empty"
        raise InputError(
            f"'{source}' column '{time}' {held}; expected times, as 2024-01-31 or "
            "2024-01-31 13:00, or numbers; try another --time"
        )
    read = ~np.isnan(clock.read(raw.frame[time]))
    if read.all():
        return raw.frame, raw.given, clock, notes
    rows = np.flatnonzero(~read)
    places = raw.places(rows[:5].tolist()) if raw.places else []
    places += [(source, f"row {row + 1}") for row in rows[len(places) :]]
    for row, (file, where) in zip(rows, places, strict=True):
        value = raw.frame[time].iloc[row]
        held = "no time" if pd.isna(value) else f"'{str(value)[:40]}'"
        why = f"has {held} in column '{time}'"
        bad.found(file, where, (why, f"times as {clock.format or 'numbers'}", "correcting it"))
    bad.finished(source, int(read.sum()))
    return *keep_rows(raw.frame, raw.given, read), clock, notes


def refuse_unread(times: np.ndarray, column: pd.Series, clock: Clock, source: str) -> None:
    if np.isnan(times).any():
        row = int(np.isnan(times).argmax())
        raise InputError(
            f"'{source}' row {row + 1} has {str(column.iloc[row])[:40]!r} in column "
            f"'{column.name}'; expected times as {clock.format or 'numbers'}, as in the training "
            "data; try correcting it"
        )


def refuse_columns(
    frame: pd.DataFrame,
    aside: tuple[str, str, str | None],
    named: Mapping[str, Sequence[str]],
    source: str,
) -> None:
    """Check the columns that options name.

    Args:
        frame: the table.
        aside: the columns of times, series' names and splits; "" or None where there is none.
        named: other columns by the option that names them.
        source: the file or data set, for messages.
    """
    columns = [str(name) for name in frame.columns]
    time, group, split = aside
    if not time:
        raise InputError(
            f"'{source}' was given as series without --time; expected the column of times; try "
            f"--time with one of: {', '.join(columns)}"
        )
    pairs = [("--time", time), ("--group", group), ("--split-column", split)]
    pairs += [(f"--{option}", name) for option, names in named.items() for name in names]
    for option, name in pairs:
        if name and name not in columns:
            error = unknown(f"column for {option}", name, columns)
            raise InputError(f"'{source}': {error}")
    used: dict[str, str] = {}
    for option, name in pairs:
        if name and used.setdefault(name, option) != option:
            raise InputError(
                f"'{source}' column '{name}' was given for {used[name]} and {option}; expected one "
                "of them; try without one"
            )


def find_columns(
    frame: pd.DataFrame,
    targets: Sequence[str],
    asked: Asked,
    aside: set[str | None],
    source: str,
) -> tuple[Named, list[str]]:
    """Return the columns that are used, each in its part, and notes of the others."""
    notes, numbers = [], []
    for name in frame.columns:
        if name in aside:
            continue
        named = name in targets or name in asked.known
        if named:
            refuse_texts(frame[name], name, source)
        elif not is_number(frame[name]):
            notes.append(f"column '{name}' is ignored: it holds no numbers")
            continue
        if frame[name].isna().all():
            if named:
                raise InputError(
                    f"'{source}' column '{name}' is empty; expected numbers; try another column"
                )
            notes.append(f"column '{name}' is ignored: all its values are missing")
            continue
        numbers.append(name)
    chosen = tuple(dict.fromkeys(targets)) or tuple(n for n in numbers if n not in asked.known)
    if not chosen:
        raise InputError(
            f"'{source}' has no column of numbers to forecast; expected one at least beside "
            f"--time; found {', '.join(map(str, frame.columns))}; try another file"
        )
    others = tuple(n for n in numbers if n not in chosen and n not in asked.known)
    found = Named(chosen, others, tuple(n for n in numbers if n in asked.known))
    if not asked.covariates and (unused := (*others, *found.known)):
        shown = ", ".join(unused[:5]) + (f" and {len(unused) - 5} more" if unused[5:] else "")
        notes.append(f"{shown}: not used, as the model sees nothing but each target's own past")
        found = Named(chosen)
    for name in found.all:
        refuse_infinite(frame[name], name, source)
    return found, notes


def refuse_texts(column: pd.Series, name: str, source: str) -> None:
    if not is_number(column):
        shown = column.dropna()
        raise InputError(
            f"'{source}' column '{name}' holds {str(shown.iloc[0])[:40]!r}; expected numbers; try "
            "correcting it, or an empty field where one is missing"
        )


def find_owners(frame: pd.DataFrame, group: str, source: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return which series each row is of, and their names."""
    if not group:
        return np.zeros(len(frame), int), ("",)
    column = frame[group]
    if column.isna().any():
        row = int(column.isna().to_numpy().argmax())
        raise InputError(
            f"'{source}' row {row + 1} has no value in column '{group}'; expected the name of a "
            "series in each row; try filling it, or without --group"
        )
    if is_text(column):
        used = column.cat.remove_unused_categories().cat
        return used.codes.to_numpy().astype(int), tuple(map(str, used.categories))
    codes, names = pd.factorize(column, sort=True)
    return codes, tuple(f"{name:.15g}" for name in names)


def ordered(
    frame: pd.DataFrame,
    columns: Sequence[str],
    clock: Clock,
    owners: np.ndarray,
    names: tuple[str, ...],
    time: str,
) -> tuple[SeriesTable, np.ndarray, list[str]]:
    """Return the rows by series and time, in which order they are, and a note where that is new."""
    times = clock.read(frame[time])
    backward = (np.diff(times) < 0) & (owners[1:] == owners[:-1])
    order = np.lexsort((times, owners))
    values = frame[list(columns)].to_numpy(np.float64)[order]
    note = [f"column '{time}' goes back {int(backward.sum()):,} times: the rows are sorted by it"]
    table = SeriesTable(values, times[order], owners[order], names, clock)
    return table, order, note if backward.any() else []


def refuse_double(table: SeriesTable, series: Series, source: str) -> None:
    double = (np.diff(table.times) == 0) & ~table.border
    if double.any():
        row = int(double.argmax())
        where = f" of series '{table.names[table.owners[row]]}'" if series.group else ""
        hint = "keeping one" if series.group else "--group with the column that names the series"
        raise InputError(
            f"'{source}' has the time {table.clock.write(table.times[row : row + 1])[0]}{where} "
            f"twice, and {int(double.sum()) - 1:,} others; expected one row a time; try {hint}"
        )
