"""Which times of series train, validate and test, and what is odd about them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from zoo.errors import InputError

from .base import Series
from .splits import NAMES, Splitting
from .times import Clock
from .windows import PARTS, UNUSED, SeriesTable, Windows

SHOWN = 3


def split_by_time(
    table: SeriesTable,
    order: np.ndarray,
    given: dict[str, np.ndarray],
    how: Splitting,
    horizon: int,
    source: str,
) -> np.ndarray:
    """Return the part of each row; the same times are cut off from each series.

    A part that is made holds the horizon at least, so that there is a window to measure.
    """
    parts = np.full(len(table), UNUSED if given else PARTS["train"])
    for name, found in given.items():
        parts[found] = PARTS[name]
    parts = parts[order]
    if "validation" in given and "test" not in given:
        fractions = {}
    else:
        fractions = {"test": how.test_fraction, "validation": how.validation_fraction}
    times = np.unique(table.times[parts == PARTS["train"]])
    count = len(times)
    for name, fraction in fractions.items():
        if name in given or not fraction:
            continue
        size = max(math.ceil(fraction * count), horizon)
        cut = (parts == PARTS["train"]) & (table.times >= times[max(len(times) - size, 0)])
        parts[cut] = PARTS[name]
        times = times[: max(len(times) - size, 1)]
    _refuse_backward(table, parts, source)
    return parts


def _refuse_backward(table: SeriesTable, parts: np.ndarray, source: str) -> None:
    used = parts != UNUSED
    back = (np.diff(parts[used]) < 0) & (np.diff(table.owners[used]) == 0)
    if back.any():
        row = np.flatnonzero(used)[int(back.argmax()) + 1]
        time = table.clock.write(table.times[row : row + 1])[0]
        raise InputError(
            f"'{source}' has rows of {NAMES[parts[row]]} at {time}, after those of a later split; "
            "expected training before validation before test in each series; try other splits"
        )


def completed(series: Series, clock: Clock, table: SeriesTable, parts: np.ndarray) -> Series:
    """Return what is known of the series, with what was left open chosen."""
    season = series.season or clock.season
    horizon = series.horizon or season
    usual = max(math.ceil(3.5 * horizon), 2 * season)
    most = max((_stretch(table, parts) - horizon) // 2, 1)
    return replace(
        series, horizon=horizon, season=season, history=series.history or min(usual, most),
        unit=clock.unit, step=clock.step, format=clock.format, day=clock.day,
    )  # fmt: skip


def _stretch(table: SeriesTable, parts: np.ndarray) -> int:
    """Return how long the longest unbroken stretch of training rows is."""
    trained = table.begins[parts == PARTS["train"]]
    return int(np.unique(trained, return_counts=True)[1].max()) if len(trained) else 0


def too_short(
    table: SeriesTable, parts: np.ndarray, series: Series, windows: Windows, source: str
) -> InputError:
    longest = _stretch(table, parts)
    if windows.missing:
        held = f"has no window of {series.history + series.horizon} rows with all values"
    else:
        held = f"has {longest} training rows at most without a gap between them"
    return InputError(
        f"'{source}' {held}; expected {series.history} rows of history and {series.horizon} of "
        "horizon; try a smaller --horizon or --history, or more rows"
    )


def gaps(table: SeriesTable, series: Series) -> list[str]:
    """Say where the steps are others than most."""
    steps = np.diff(table.times)
    odd = (table.begins[1:] == np.arange(1, len(table))) & ~table.border
    if not odd.any():
        return []
    widest = int(np.where(odd, steps, -np.inf).argmax())
    count = int(odd.sum())
    broken = int(
        (np.abs(steps[odd] / series.step - np.round(steps[odd] / series.step)) > 1e-6).sum()
    )
    irregular = f", {broken:,} no multiple of it" if broken else ""
    where = table.clock.write(table.times[widest : widest + 1])[0]
    return [
        f"the step is {table.clock.span(series.step)}, but for {count:,} gap{'s' * (count > 1)}"
        f"{irregular}; the longest lasts {table.clock.span(steps[widest])}, after {where}"
    ]


def short(table: SeriesTable, series: Series) -> list[str]:
    """Say which series are shorter than a window."""
    sizes = np.bincount(table.owners, minlength=len(table.names))
    length = series.history + series.horizon
    short = [f"'{table.names[i]}' ({sizes[i]})" for i in np.flatnonzero(sizes < length)]
    if not short or not series.group:
        return []
    more = f" and {len(short) - SHOWN} more" if short[SHOWN:] else ""
    return [
        f"{len(short)} of {len(table.names)} series are left out, shorter than a window of "
        f"{length} rows: {', '.join(short[:SHOWN])}{more}"
    ]
