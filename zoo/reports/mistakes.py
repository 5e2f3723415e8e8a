"""Series that were taken for something else, drawn as lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from zoo.reports.style import COLORS, new_figure, shorten, styled

COLUMNS = 4
WIDTH, HEIGHT = 2.4, 1.5  # inches of a panel


@styled
def draw(series: np.ndarray, captions: Sequence[object]) -> Figure:
    """Draw series in a grid, each with its caption above it and a line a dimension.

    Args:
        series: `(n, steps, dimensions)`, NaN where there is nothing.
        captions: one a series.
    """
    columns = min(COLUMNS, len(series))
    rows = -(-len(series) // columns)
    figure = new_figure(columns * WIDTH, rows * HEIGHT)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, lines, caption in zip(panels, series, captions, strict=False):
        for dimension, line in enumerate(lines.T):
            axes.plot(line, color=COLORS[dimension % len(COLORS)], linewidth=1)
        axes.set_title(shorten(caption, 28), size=8)
        axes.tick_params(labelsize=7)
    for axes in panels[len(series) :]:
        axes.set_axis_off()
    return figure
