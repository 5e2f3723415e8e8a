"""Times of a series: read from a column, as numbers on one scale, and written as they came.

The scale is seconds since 1970, months since the year 0 where the times are months apart, or the
column's own numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .columns import find_date_formats
from .frames import is_number, is_text

FORMATS = (
    "%Y-%m", "%Y/%m", "%m/%Y", "%b %Y", "%B %Y", "%b-%y", "%Y-%m-%d %H", "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p", "%Y%m%d",
)  # fmt: skip
TRIED = 20  # times by which formats are found
MONTH = 28 * 86400.0  # seconds of the shortest
WRITTEN = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
DAY, WEEK = 86400.0, 7 * 86400.0


@dataclass(frozen=True)
class Clock:
    """How times are written, and how far apart they are.

    Attributes:
        format: their `strptime` format; "" for numbers.
        unit: of the scale: "second", "month" or "number".
        step: from one time to the next on that scale.
        day: of months, the day each time names; 0 for the last of a month.
    """

    format: str
    unit: str = "second"
    step: float = 0.0
    day: int = 0

    def read(self, column: pd.Series) -> np.ndarray:
        """Return each time on the scale, float64 with NaN where it cannot be read."""
        if self.unit == "number":
            return (
                column.to_numpy(np.float64) if is_number(column) else np.full(len(column), np.nan)
            )
        codes, texts = _texts(column)
        found = _parse(texts, self.format)
        if self.unit == "month":
            months = (found.year * 12 + found.month - 1).to_numpy(np.float64)
            return np.append(months, np.nan)[codes]
        return np.append(_seconds(found), np.nan)[codes]

    def write(self, times: np.ndarray) -> np.ndarray:
        """Return times of the scale as strings like those they were read from, of any shape."""
        flat = np.asarray(times, np.float64).ravel()
        if self.unit == "number":
            return np.array([f"{time:.15g}" for time in flat], object).reshape(times.shape)
        if self.unit == "month":
            months = flat.round().astype(np.int64)
            first = pd.PeriodIndex.from_fields(  # type: ignore[attr-defined]
                year=months // 12, month=months % 12 + 1, freq="M"
            ).to_timestamp()
            last = first.days_in_month
            moments = first + pd.to_timedelta(np.minimum(self.day or 31, last) - 1, unit="D")
        else:
            moments = pd.to_datetime(np.round(flat * 1e6).astype(np.int64), unit="us")
        if "%z" in self.format:
            moments = moments.tz_localize("UTC")
        return moments.strftime(self.format).to_numpy(object).reshape(times.shape)

    def span(self, length: float) -> str:
        """Say in words how long a difference on the scale is."""
        if self.unit == "number":
            return f"{length:.15g}"
        if self.unit == "month":
            return _counted(length / 12, "year") if length % 12 == 0 else _counted(length, "month")
        for size, word in WRITTEN:
            if length >= size and length % size == 0:
                return _counted(length / size, word)
        return f"{length:g} seconds"

    @property
    def season(self) -> int:
        """After how many steps a series is likely to repeat; 1 where nothing is known.

        A day of what is measured several times a day, a week of days, a year of weeks and months.
        """
        if self.unit == "month":
            return _parts(12, self.step)
        if self.unit == "number":
            return 1
        if self.step == WEEK:
            return 52
        if self.step >= DAY:
            return _parts(WEEK, self.step)
        return _parts(DAY if self.step >= 60 else 60.0, self.step)


def find(column: pd.Series) -> tuple[Clock | None, list[str]]:
    """Return how a column writes times, without their step, and notes; None where it has none.

    The format is the one in which most can be read: those few that cannot are for the caller.
    """
    if is_number(column):
        values = column.dropna()
        if len(values) and (values % 1 == 0).all() and values.between(19000101, 21001231).all():
            clock = Clock("%Y%m%d")
            if not np.isnan(clock.read(column)[column.notna().to_numpy()]).any():
                return clock, []
        return (Clock("", "number"), []) if len(values) else (None, [])
    if not is_text(column):
        return None, []
    texts = pd.Series(column.cat.categories, dtype=object)
    formats = find_date_formats(texts)
    if not formats:
        likely = [form for text in texts.iloc[:TRIED] for form in find_date_formats([text])]
        formats = list(dict.fromkeys([*likely, *FORMATS]))
        read = [np.count_nonzero(_parse(texts, form).notna()) for form in formats]
        best = int(np.argmax(read))
        return (Clock(formats[best]), []) if 2 * read[best] > len(texts) else (None, [])
    notes = []
    if len(formats) > 1:
        name = f"column '{column.name}'"
        notes = [f"{name} is read as {formats[0]}; {formats[1]} would fit too"]
    return Clock(formats[0]), notes


def with_step(clock: Clock, column: pd.Series, owners: np.ndarray) -> Clock | None:
    """Return a clock that knows its step, the most frequent difference; None without any.

    Args:
        clock: as `find` returned.
        column: the times.
        owners: which series each row is of.
    """
    times = clock.read(column)
    step = usual_step(times, owners)
    if step is None or clock.unit == "number" or step < MONTH:
        return None if step is None else Clock(clock.format, clock.unit, step)
    moments = pd.to_datetime(times, unit="s")
    days, last = moments.day.to_numpy(), moments.is_month_end
    if not (len(set(days)) == 1 or last.all()):
        return Clock(clock.format, "second", step)
    day = 0 if last.all() else int(days[0])
    months = Clock(clock.format, "month", day=day)
    return Clock(clock.format, "month", usual_step(months.read(column), owners) or 1.0, day)


def usual_step(times: np.ndarray, owners: np.ndarray) -> float | None:
    """Return the most frequent difference between times that follow each other in a series."""
    order = np.lexsort((times, owners))
    times, owners = times[order], owners[order]
    steps = np.diff(times)[owners[1:] == owners[:-1]]
    steps = steps[steps > 0]
    if not len(steps):
        return None
    found, counts = np.unique(_rounded(steps), return_counts=True)
    return float(found[counts.argmax()])


def follow(times: np.ndarray, step: float) -> np.ndarray:
    """Tell of each time but the first whether it comes a step after the one before."""
    return np.isclose(np.diff(times), step, rtol=1e-6, atol=0.0)


def _rounded(steps: np.ndarray) -> np.ndarray:
    """Return differences as they are meant: those of decimal fractions differ in the last bits."""
    distinct, position = np.unique(steps, return_inverse=True)
    return np.array([float(f"{step:.9g}") for step in distinct])[position]


def _parse(texts: Iterable[str], form: str) -> pd.DatetimeIndex:
    found = pd.to_datetime(pd.Series(texts, dtype=object), format=form, errors="coerce", utc=True)
    return pd.DatetimeIndex(found).tz_localize(None)


def _seconds(moments: pd.DatetimeIndex) -> np.ndarray:
    seconds = moments.as_unit("us").asi8 / 1e6
    return np.where(moments.isna(), np.nan, seconds)


def _texts(column: pd.Series) -> tuple[np.ndarray, pd.Series]:
    """Return the code of each row, -1 where it is missing, and the text of each code."""
    if is_text(column):
        return column.cat.codes.to_numpy(), pd.Series(column.cat.categories, dtype=object)
    codes, values = pd.factorize(column)
    return codes, pd.Series([f"{value:.0f}" for value in values], dtype=object)


def _parts(whole: float, step: float) -> int:
    return int(whole // step) if whole % step == 0 else 1


def _counted(count: float, word: str) -> str:
    return f"{count:g} {word}{'' if count == 1 else 's'}"
