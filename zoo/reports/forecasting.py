"""Pictures of forecasts beside what came, and of their errors step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from zoo.reports.style import COLORS, QUIET, new_figure, shorten, styled

TRUTH, FORECAST, SEASONAL = "#222222", COLORS[0], COLORS[4]
ACROSS, MOST = 2, 12
BASELINES = {"naive": COLORS[4], "seasonal-naive": COLORS[2]}


@styled
def draw_forecasts(windows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw windows: the end of their history, the forecast and what came, two beside each other.

    Args:
        windows: of each `target`, `group` (may be empty) and `from`, its first time; `history`
            before it; `truth`, `forecast` and `seasonal` (the season before) from it, in the
            target's units; and, where quantiles are forecast, the outer ones `low` and `high`, and
            `band`, which they are. The first 12 are drawn.
    """
    windows = windows[:MOST]
    rows = -(-len(windows) // ACROSS)
    figure = new_figure(5.4 * ACROSS, 2.5 * rows + 0.4)
    panels = figure.subplots(rows, ACROSS, squeeze=False).ravel()
    for axes, window in zip(panels, windows, strict=False):
        _window(axes, window)
    for axes in panels[len(windows) :]:
        axes.set_axis_off()
    for axes in panels[max(len(windows) - ACROSS, 0) : len(windows)]:
        axes.set_xlabel("steps ahead")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels))
    return figure


def _window(axes: Any, window: Mapping[str, Any]) -> None:
    history, truth, forecast, seasonal = (
        np.array(window[name], float) for name in ("history", "truth", "forecast", "seasonal")
    )
    steps, past = np.arange(1, len(truth) + 1), np.arange(1 - len(history), 1)
    axes.axvspan(0.5, len(truth) + 0.5, color="#f4f6f8", zorder=0, linewidth=0)
    axes.plot(past, history, color=QUIET, linewidth=1.2, label="history")
    axes.plot(steps, seasonal, color=SEASONAL, linewidth=1.1, dashes=(3, 2), label="season before")
    if "low" in window:
        low, high = (np.array(window[name], float) for name in ("low", "high"))
        axes.fill_between(
            steps, low, high, color=FORECAST, alpha=0.22, linewidth=0,
            label="quantiles {:g} to {:g}".format(*window["band"]),
        )  # fmt: skip
    axes.plot(steps, truth, color=TRUTH, linewidth=1.3, label="what came")
    axes.plot(steps, forecast, color=FORECAST, linewidth=1.9, label="forecast")
    named = f"{window['target']}, {window['group']}" if window.get("group") else window["target"]
    axes.set_title(f"{shorten(named, 30)} from {shorten(window['from'], 25)}")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    axes.margins(x=0.01)


@styled
def draw_error_by_step(errors: Mapping[str, Sequence[float]]) -> Figure:
    """Draw the mean absolute error of every step of the horizon.

    Args:
        errors: of "model", "naive" and "seasonal-naive", in standardized units.
    """
    figure = new_figure(8, 3.6)
    axes = figure.subplots()
    for name, values in errors.items():
        steps = np.arange(1, len(values) + 1)
        marker = "o" if len(values) < 3 else None
        color, width = (COLORS[0], 2.2) if name == "model" else (BASELINES.get(name, QUIET), 1.4)
        axes.plot(steps, values, color=color, linewidth=width, marker=marker, label=name)
    axes.set(xlabel="steps ahead", ylabel="mean absolute error, standardized")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(x=0.01)
    axes.legend()
    return figure
