"""Histogram of anomaly scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from zoo.reports.style import COLORS, QUIET, new_figure, styled


@styled
def draw(scores: Sequence[float]) -> Figure:
    """Draw how anomaly scores are spread, with the levels that one in 20 and one in 100 pass."""
    known = np.asarray(scores, dtype=float)
    known = known[np.isfinite(known)]
    figure = new_figure(6, 3.6)
    axes = figure.add_subplot()
    axes.hist(known, bins=min(60, max(10, int(len(known) ** 0.5))), color=COLORS[5])
    for percent, dashes in ((95, (2, 2)), (99, (6, 2))) if len(known) else ():
        level = float(np.percentile(known, percent))
        label = f"{percent} % are below {level:.3g}"
        axes.axvline(level, color=QUIET, linewidth=1.2, dashes=dashes, label=label)
    axes.set(xlabel="anomaly score", ylabel="examples")
    if len(known):
        axes.legend()
    return figure
