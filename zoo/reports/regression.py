"""Pictures of a regression's errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from zoo.reports.style import COLORS, QUIET, new_figure, shorten, styled

SHOWN = 5000  # points; more only darken the cloud
TARGETS = 12
TICKS = 4


@styled
def draw_residuals(table: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Draw predicted against actual values and the errors' histogram, one line a target.

    Args:
        table: `actual` and `predicted`, each (examples,), by the target's name. The first 12
            targets are drawn.
    """
    names = list(table)[:TARGETS]
    figure = new_figure(8, 3.7 * len(names))
    panels = figure.subplots(len(names), 2, squeeze=False)
    for (left, right), name in zip(panels, names, strict=True):
        actual, predicted = (np.array(table[name][k], float) for k in ("actual", "predicted"))
        known = np.isfinite(actual + predicted)
        left.set_title(shorten(name, 40))
        if known.any():
            _scatter(left, actual[known], predicted[known])
            _histogram(right, predicted[known] - actual[known])
    return figure


def _scatter(axes: Any, actual: np.ndarray, predicted: np.ndarray) -> None:
    step = -(-len(actual) // SHOWN)
    both = np.concatenate([actual, predicted])
    low, high = both.min(), both.max()
    margin = 0.04 * (high - low) or 1.0
    ends = [low - margin, high + margin]
    axes.plot(ends, ends, color=QUIET, linewidth=1, dashes=(4, 3))
    axes.plot(
        actual[::step], predicted[::step], "o", color=COLORS[0], markersize=4, alpha=0.45, mew=0
    )
    axes.set(xlabel="actual", ylabel="predicted", xlim=ends, ylim=ends, aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        _sparse(axis)


def _histogram(axes: Any, errors: np.ndarray) -> None:
    axes.hist(errors, bins=min(40, max(8, int(len(errors) ** 0.5))), color=COLORS[5])
    axes.axvline(0, color=QUIET, linewidth=1, dashes=(4, 3))
    axes.set(xlabel="predicted minus actual", ylabel="examples")
    _sparse(axes.xaxis)
    axes.set_title(f"mean {errors.mean():.3g}, deviation {errors.std():.3g}")


def _sparse(axis: Any) -> None:
    """Leave room between the numbers of an axis; large ones are written as 250k."""
    low, high = axis.get_view_interval()
    largest = max(abs(low), abs(high))
    axis.set_major_locator(MaxNLocator(nbins=TICKS))
    if 1e4 <= largest < 1e15 and high - low > largest / 1e3:  # else they would all read alike
        axis.set_major_formatter(EngFormatter(sep=""))
