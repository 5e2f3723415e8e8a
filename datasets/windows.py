"""Windows of time series: random access to histories and what followed, of which none is copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from .base import Column, Series
from .times import Clock, follow

UNUSED = -1  # the part of rows that are in no split
PARTS = {"train": 0, "validation": 1, "test": 2}


@dataclass(frozen=True)
class SeriesTable:
    """Rows of one or several series, in order of series and time, which all splits share.

    Attributes:
        values: float64 `(rows, columns)`, NaN where one is missing; targets come first.
        times: on the scale of the clock, `(rows,)`.
        owners: which series each row is of, int `(rows,)`.
        names: of the series.
        clock: how times are written.
    """

    values: np.ndarray
    times: np.ndarray
    owners: np.ndarray
    names: tuple[str, ...]
    clock: Clock

    def __len__(self) -> int:
        return len(self.times)

    @cached_property
    def begins(self) -> np.ndarray:
        """The first row of the unbroken stretch of steps that each row is in."""
        if not len(self):
            return np.zeros(0, int)
        first = np.append(True, ~follow(self.times, self.clock.step) | self.border)
        return np.flatnonzero(first)[np.cumsum(first) - 1]

    @property
    def border(self) -> np.ndarray:
        """Tell of each row but the first whether it is of another series than the one before."""
        return self.owners[1:] != self.owners[:-1]

    def whole(self, columns: slice) -> np.ndarray:
        """Return how many rows before each, and in all, lack a value in some of the columns."""
        missing = np.isnan(self.values[:, columns]).any(axis=1)
        return np.append(0, np.cumsum(missing))


@dataclass
class SeriesSplit:
    """Windows: `history` steps to look back on, and `horizon` more to forecast.

    Attributes:
        table: all rows.
        inputs: the columns of `table.values`, in order.
        series: history, horizon and season.
        targets_count: how many columns are targets.
        starts: the first row of each window.
        rows: the rows of this split itself, from which statistics come.
        notes: what a user should be told of what was left out.
    """

    table: SeriesTable
    inputs: tuple[Column, ...]
    series: Series
    targets_count: int
    starts: np.ndarray
    rows: np.ndarray
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.starts)

    def batch(self, indices: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        """Return float64 `(B, history)` by column, with the horizon where it is known ahead."""
        starts = self.starts[indices]
        return {
            column.name: self._cut(starts, column.shape[0], i)
            for i, column in enumerate(self.inputs)
        }

    def targets(self) -> np.ndarray:
        return self.future(np.arange(len(self)))

    def future(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return what followed some windows' histories, float64 `(B, horizon, targets)`."""
        starts = self.starts[indices] + self.series.history
        return self._cut(starts, self.series.horizon, slice(self.targets_count))

    def last(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the last value before each forecast at every step, shaped as `future`."""
        rows = self.starts[indices] + self.series.history - 1
        values = self.table.values[rows, : self.targets_count]
        return np.repeat(values[:, None], self.series.horizon, axis=1)

    def seasonal(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the value of the season before for every step, shaped as `future`.

        Where the series does not reach back so far, or a value is missing, it is the last one.
        """
        first = self.starts[indices][:, None] + self.series.history
        rows = first - self.series.season + np.arange(self.series.horizon) % self.series.season
        known = rows >= self.table.begins[first - 1]
        values = self.table.values[np.maximum(rows, 0), : self.targets_count]
        usable = known[..., None] & ~np.isnan(values)
        return np.where(usable, values, self.last(indices))

    def moments(self, indices: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        """Return the times that are forecast, `(B, horizon)`, and of which series, by column."""
        rows = self.starts[indices] + self.series.history - 1
        ahead = self.table.clock.step * np.arange(1, self.series.horizon + 1)
        times = self.table.clock.write(self.table.times[rows][:, None] + ahead)
        if not self.series.group:
            return {self.series.time: times}
        names = np.array(self.table.names, dtype=object)
        return {self.series.time: times, self.series.group: names[self.table.owners[rows]]}

    def part(self, indices: np.ndarray) -> SeriesSplit:
        """Return some of the windows."""
        return replace(self, starts=self.starts[indices])

    def _cut(self, starts: np.ndarray, length: int, columns: int | slice) -> np.ndarray:
        return self.table.values[starts[:, None] + np.arange(length), columns]


@dataclass(frozen=True)
class Windows:
    """Where windows begin.

    Attributes:
        starts: their first rows.
        possible: how many there would be without gaps and missing values.
        crossing: how many of those cross a gap.
        missing: how many others lack a value.
    """

    starts: np.ndarray
    possible: int
    crossing: int
    missing: int

    def notes(self) -> list[str]:
        """Return what a user should be told of those that were left out."""
        out = self.crossing + self.missing
        if not out:
            return []
        reasons = [
            f"{count:,} {what}"
            for count, what in ((self.crossing, "cross a gap"), (self.missing, "lack a value"))
            if count
        ]
        return [f"{out:,} of {self.possible:,} windows are left out: {', '.join(reasons)}"]


def find(table: SeriesTable, series: Series, targets: int, ahead: Sequence[int]) -> Windows:
    """Find all windows within one series, without gaps and with every value they need.

    Args:
        table: the rows.
        series: history and horizon.
        targets: how many columns are targets.
        ahead: the columns that are known ahead of their time.
    """
    length = series.history + series.horizon
    starts = np.arange(max(len(table) - length + 1, 0))
    starts = starts[table.owners[starts] == table.owners[starts + length - 1]]
    joined = table.begins[starts + length - 1] <= starts
    before = table.whole(slice(None))
    missing = before[starts + series.history] > before[starts]
    for columns in (slice(targets), *(slice(i, i + 1) for i in ahead)):
        after = table.whole(columns)
        missing |= after[starts + length] > after[starts + series.history]
    good = joined & ~missing
    crossing = int((~joined).sum())
    return Windows(starts[good], len(starts), crossing, int((joined & missing).sum()))


def divide(starts: np.ndarray, parts: np.ndarray, series: Series) -> dict[str, np.ndarray]:
    """Return the windows of each split: its rows alone are forecast, others may be looked back on.

    Training looks back on its own rows only, so that nothing is learned of others.

    Args:
        starts: the windows.
        parts: of each row, one of `PARTS` or `UNUSED`.
        series: history and horizon.
    """
    found = {}
    for name, code in PARTS.items():
        inside = np.append(0, np.cumsum(parts == code))
        first = 0 if name == "train" else series.history
        length = series.history + series.horizon - first
        all_inside = inside[starts + first + length] - inside[starts + first] == length
        found[name] = starts[all_inside]
    return found
