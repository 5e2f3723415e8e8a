"""Decision boundary of a classifier of points in the plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from zoo.reports.style import color, new_figure, shorten, styled


def grid(points: np.ndarray, side: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return an even grid a little wider than some points.

    Args:
        points: (n, 2).
        side: how many lines and columns it has.

    Returns:
        x (side,), y (side,), and the grid's points (side * side, 2), line by line, so that
        predictions for them reshape to (side, side, classes).
    """
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.where(high > low, 0.08 * (high - low), 1.0)
    x, y = np.linspace(low - margin, high + margin, side).T
    return x, y, np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


@styled
def draw(
    x: np.ndarray,
    y: np.ndarray,
    probabilities: np.ndarray,
    points: np.ndarray,
    codes: np.ndarray,
    classes: Sequence[object],
    names: tuple[str, str] = ("x", "y"),
    title: str = "",
) -> Figure:
    """Draw the predicted probabilities as background, borders as lines, and points on top.

    Args:
        x, y: coordinates of an even grid, (columns,) and (lines,).
        probabilities: predicted at the grid, (lines, columns, classes); for two classes also
            (lines, columns), of the second.
        points: examples, (n, 2).
        codes: their actual classes, (n,).
        classes: names in code order.
        names: of the two axes.
        title: above the picture.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    if probabilities.ndim == 2:
        probabilities = np.stack([1 - probabilities, probabilities], axis=-1)
    figure = new_figure(5.2, 4.6)
    axes = figure.add_subplot()
    _background(axes, np.asarray(x), np.asarray(y), probabilities)
    size = 16 if len(points) <= 400 else 9
    for code, name in enumerate(classes):
        mine = points[codes == code]
        axes.scatter(
            mine[:, 0], mine[:, 1], s=size, color=color(code), label=shorten(name),
            edgecolors="white", linewidths=0.5,
        )  # fmt: skip
    axes.set(xlabel=shorten(names[0], 40), ylabel=shorten(names[1], 40))
    axes.set_title(title)
    axes.grid(False)
    figure.legend(loc="outside right upper", markerscale=1.6)
    return figure


def _background(axes: Any, x: np.ndarray, y: np.ndarray, probabilities: np.ndarray) -> None:
    """Mix the classes' colors by probability, on white paper; draw a line where the guess turns."""
    inks = np.array([to_rgb(color(code)) for code in range(probabilities.shape[-1])])
    mixed = 0.55 + 0.45 * probabilities @ inks  # (lines, columns, 3)
    half_x, half_y = (x[1] - x[0]) / 2, (y[1] - y[0]) / 2
    extent = (x[0] - half_x, x[-1] + half_x, y[0] - half_y, y[-1] + half_y)
    axes.imshow(
        np.clip(mixed, 0, 1), origin="lower", extent=extent, aspect="auto", interpolation="bilinear"
    )
    for code in range(1 if probabilities.shape[-1] == 2 else 0, probabilities.shape[-1]):
        others = np.delete(probabilities, code, axis=-1).max(axis=-1)
        lead = probabilities[..., code] - others
        if lead.min() < 0 < lead.max():
            axes.contour(x, y, lead, levels=[0.0], colors="#333333", linewidths=1)
