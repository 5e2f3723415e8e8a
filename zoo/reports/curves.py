"""Learning curves: of one run, and of several side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from zoo.reports.diagnosis import best_epoch
from zoo.reports.style import QUIET, TRAIN, VALIDATION, color, new_figure, shorten, styled

Rows = Sequence[Mapping[str, Any]]
POSITION = ("epoch", "step", "seconds", "learning_rate", "skipped")
COLUMNS = 3
LINES = ("-", "--")


@styled
def draw(rows: Rows) -> Figure:
    """Draw the training and validation curve of every metric of a log, the best epoch marked."""
    figure, panels = _panels(metric_names(rows))
    for name, axes in panels.items():
        _line(axes, *series(rows, name), label="training", color=TRAIN)
        _line(axes, *series(rows, "val_" + name), label="validation", color=VALIDATION)
        _finish(axes)
    first = next(iter(panels.values()))
    if (best := best_epoch(rows)) is not None:
        for axes in panels.values():
            axes.axvline(epoch(rows, best), color=QUIET, linewidth=1, dashes=(2, 2), zorder=1)
        measure = "training" if rows[best].get("val_loss") is None else "validation"
        first.set_xlabel(f"epoch  (dashed: lowest {measure} loss, epoch {epoch(rows, best):g})")
    if first.get_legend_handles_labels()[0]:
        first.legend()
    return figure


@styled
def draw_comparison(logs: Mapping[str, Rows]) -> Figure:
    """Draw the curves of several runs together: validation solid, training dotted.

    Args:
        logs: the rows of each log by the run's name.
    """
    metrics = dict.fromkeys(name for rows in logs.values() for name in metric_names(rows))
    figure, panels = _panels(list(metrics))
    styles: list[dict[str, Any]] = [
        {"color": color(i), "linestyle": LINES[i // 8 % 2]} for i in range(len(logs))
    ]
    for name, axes in panels.items():
        for rows, style in zip(logs.values(), styles, strict=True):
            validation = series(rows, "val_" + name)
            training = {**style, "linestyle": ":", "linewidth": 1.2} if validation[0] else style
            _line(axes, *series(rows, name), **training)
            _line(axes, *validation, **style)
        _finish(axes)
    keys = [*styles, {"color": QUIET}, {"color": QUIET, "linestyle": ":", "linewidth": 1.2}]
    names = [*(shorten(name, 40) for name in logs), "validation", "training"]
    lines = [Line2D([], [], **key) for key in keys]
    figure.legend(lines, names, loc="outside upper left", ncols=4)
    return figure


def metric_names(rows: Rows) -> list[str]:
    """Return the metrics of a log without `val_`, the loss first."""
    columns = dict.fromkeys(key for row in rows for key in row)
    keys = [key for key in columns if key not in POSITION and series(rows, key)[0]]
    names = dict.fromkeys(key.removeprefix("val_") for key in keys)
    return sorted(names, key=lambda name: name != "loss")


def series(rows: Rows, key: str) -> tuple[list[float], list[float]]:
    """Return the epochs and the values of one column, where it has finite ones."""
    points = [(epoch(rows, i), row.get(key)) for i, row in enumerate(rows)]
    kept = [(x, y) for x, y in points if isinstance(y, (int, float)) and math.isfinite(y)]
    return [x for x, _ in kept], [y for _, y in kept]


def epoch(rows: Rows, index: int) -> float:
    """Return the epoch of a row: what it says, or else its place."""
    return rows[index].get("epoch", index + 1)


def _panels(names: Sequence[str]) -> tuple[Figure, dict[str, Any]]:
    columns = min(len(names), COLUMNS) or 1
    lines = math.ceil(len(names) / columns) or 1
    figure = new_figure(max(5.2, 4.2 * columns), 3.4 * lines)
    panels = {}
    for index, name in enumerate(names or ["loss"]):
        axes = figure.add_subplot(lines, columns, index + 1)
        axes.set_title(name.replace("_", " "))
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        panels[name] = axes
    return figure, panels


def _line(axes: Any, x: list[float], y: list[float], **style: Any) -> None:
    if x:
        axes.plot(x, y, marker="o" if len(x) < 12 else None, markersize=4, **style)


def _finish(axes: Any) -> None:
    """Name a single epoch, and use a logarithmic axis where a curve's end would look flat."""
    epochs = {x for line in axes.lines for x in line.get_xdata()}
    if len(epochs) == 1:
        axes.set_xticks([*epochs])
    values = [y for line in axes.lines for y in line.get_ydata()]
    if not values or min(values) <= 0 or max(values) < 100 * min(values):
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
