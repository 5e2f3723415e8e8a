"""What a classifier says of one picture: the picture, the likeliest classes, where it looked."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from zoo.reports.style import COLORS, new_figure, shorten, styled

MOST = 5  # classes
SIDE = 3.2  # inches


@styled
def draw(
    picture: np.ndarray,
    classes: Sequence[str],
    probabilities: np.ndarray,
    heat: np.ndarray | None = None,
) -> Figure:
    """Draw a picture, beside it the likeliest classes and, between them, where they come from.

    Args:
        picture: uint8 `(height, width, 1 or 3)`.
        classes: the names.
        probabilities: `(classes,)`.
        heat: `(h, w)` in [0, 1], as of Grad-CAM; or None.
    """
    panels = 1 if heat is None else 2
    width = SIDE * min(2.0, max(0.5, picture.shape[1] / picture.shape[0]))
    figure = new_figure(panels * width + 2.6, SIDE)
    *places, bars = figure.subplots(1, panels + 1, width_ratios=[width] * panels + [2.6])
    for axes in places:
        _show(axes, picture)
    if heat is not None:
        height, width = picture.shape[:2]
        extent = (-0.5, width - 0.5, height - 0.5, -0.5)
        places[1].imshow(
            heat, cmap=matplotlib.colormaps["inferno"], alpha=0.55, vmin=0, vmax=1,
            extent=extent, interpolation="bilinear",
        )  # fmt: skip
        places[1].set_title("Grad-CAM")
    best = np.argsort(-probabilities, kind="stable")[:MOST][::-1]
    bars.barh(range(len(best)), probabilities[best], color=COLORS[0], height=0.6)
    bars.set_yticks(range(len(best)), [shorten(classes[i]) for i in best])
    bars.set(xlim=(0, 1), xlabel="probability")
    bars.grid(axis="y", visible=False)
    return figure


def _show(axes: matplotlib.axes.Axes, picture: np.ndarray) -> None:
    gray = picture.shape[-1] == 1
    axes.imshow(picture[..., 0] if gray else picture, cmap="gray" if gray else None,
                vmin=0, vmax=255, interpolation="nearest")  # fmt: skip
    axes.set_axis_off()
