"""Pictures of a classifier's mistakes: confusion matrix, calibration, ROC curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from zoo.reports.style import COLORS, QUIET, new_figure, shorten, styled

FAINT = "#b0b8c4"
COUNTED = 50  # with more classes the cells are too small for their counts


@styled
def draw_confusion(table: Mapping[str, Any]) -> Figure:
    """Draw a confusion matrix: counts as text, shares of each row as shading.

    Args:
        table: `classes`, the names in code order, and `matrix`, counts by actual and predicted.
    """
    names = [shorten(name) for name in table["classes"]]
    counts = np.asarray(table["matrix"])  # (classes, classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size, longest = _cell(len(names)) * len(names), 0.08 * max(map(len, names))
    figure = new_figure(max(3.4, size + longest + 0.8), max(2.8, size + longest + 0.8))
    axes = figure.add_subplot()
    axes.imshow(shares, cmap=matplotlib.colormaps["Blues"], vmin=0, vmax=1)
    if len(names) <= COUNTED:
        _write_counts(axes, counts, shares)
    _name_axes(axes, names)
    return figure


@styled
def draw_calibration(table: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw how often predictions of a given confidence are right, and how many there are.

    Args:
        table: one row a bin with `confidence` (mean), `accuracy` and `count`.
    """
    bins = [row for row in table if row["count"]]
    confidence = np.array([row["confidence"] for row in bins])
    accuracy = np.array([row["accuracy"] for row in bins])
    count = np.array([row["count"] for row in bins])
    figure = new_figure(4.6, 5)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot([0, 1], [0, 1], color=QUIET, linewidth=1, dashes=(4, 3), label="perfect")
    upper.plot(confidence, accuracy, marker="o", color=COLORS[0], label="model")
    error = np.sum(count * np.abs(confidence - accuracy)) / max(count.sum(), 1)
    upper.set(ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.02))
    upper.set_title(f"calibration error {error:.3f}")
    upper.legend(loc="upper left")
    lower.bar(confidence, count, width=0.04, color=COLORS[5])
    lower.set(xlabel="confidence", ylabel="examples")
    return figure


@styled
def draw_roc(table: Sequence[Mapping[str, float]]) -> Figure:
    """Draw the ROC curve of a binary classifier.

    Args:
        table: the curve's points, each with `false_positive_rate` and `true_positive_rate`.
    """
    x = [point["false_positive_rate"] for point in table]
    y = [point["true_positive_rate"] for point in table]
    figure = new_figure(4.4, 4.2)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, dashes=(4, 3), label="chance")
    axes.plot(x, y, color=COLORS[0], label="model")
    axes.fill_between(x, y, color=COLORS[0], alpha=0.08, linewidth=0)
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set_title(f"area under the curve {np.trapezoid(y, x):.3f}")
    axes.legend(loc="lower right")
    return figure


def _cell(classes: int) -> float:
    """Return a cell's side in inches: large enough for its count, small enough for a page."""
    return (
        0.42
        if classes <= 12
        else 0.3
        if classes <= 25
        else 0.24
        if classes <= COUNTED
        else 9 / classes
    )


def _write_counts(axes: Any, counts: np.ndarray, shares: np.ndarray) -> None:
    size = 9 if len(counts) <= 12 else 7 if len(counts) <= 25 else 5.5
    size *= min(1, 4 / len(str(counts.max())))
    for row, column in np.argwhere(counts if len(counts) > 6 else counts >= 0):
        ink = "white" if shares[row, column] > 0.55 else "#333333" if counts[row, column] else FAINT
        axes.text(
            column, row, str(counts[row, column]), ha="center", va="center", color=ink, size=size
        )


def _name_axes(axes: Any, names: Sequence[str]) -> None:
    step = -(-len(names) // 60)
    places, shown = range(0, len(names), step), names[::step]
    small = 9 if len(names) <= 25 else 7
    tilted = max(map(len, names)) > 3 or len(names) > 25
    axes.set_xticks(places, shown, size=small, rotation=90 if tilted else 0)
    axes.set_yticks(places, shown, size=small)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.grid(False)
    axes.set(xlabel="predicted", ylabel="actual")
