"""Curves of activation functions."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from zoo.reports.style import COLORS, QUIET, new_figure, shorten, styled


@styled
def draw(x: np.ndarray, curves: Mapping[str, np.ndarray]) -> Figure:
    """Draw functions, each in a small panel of its own, all on the same axes.

    Args:
        x: where they were evaluated, (n,).
        curves: their values by name, each (n,).
    """
    columns = min(4, len(curves))
    lines = math.ceil(len(curves) / columns)
    figure = new_figure(2.3 * columns, 2.1 * lines)
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, (name, y) in zip(panels, curves.items(), strict=False):
        axes.axhline(0, color=QUIET, linewidth=0.8)
        axes.axvline(0, color=QUIET, linewidth=0.8)
        axes.plot(x, y, color=COLORS[0], linewidth=2)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 5, 10]))
        axes.set_title(shorten(name, 24))
    for axes in panels[max(0, len(curves) - columns) : len(curves)]:
        axes.tick_params(labelbottom=True)
    for axes in panels[len(curves) :]:
        axes.set_visible(False)
    return figure
