"""Pictures beside their masks: what is there, and what a model sees."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from zoo.reports.style import COLORS, new_figure, shorten, styled

SIDE = 2.1  # inches of a picture's longer side
STRENGTH = 0.6  # of a mask's color over its picture
LISTED = 24  # classes in the legend
GOLDEN = 0.618034  # of the color circle: hues so far apart differ for long


@styled
def draw_masks(
    pictures: np.ndarray, actual: np.ndarray | None, predicted: np.ndarray, classes: Sequence[str]
) -> Figure:
    """Draw a line a picture: itself, its mask over it where that is known, and the predicted one.

    Args:
        pictures: uint8 `(n, height, width, 1 or 3)`.
        actual, predicted: codes `(n, height, width)`, actual ones or None; what is no class is
            left gray.
        classes: in code order; the first, often the background, is dark.
    """
    count, height, width = predicted.shape
    scale = SIDE / max(height, width)
    masks = {"predicted": predicted} if actual is None else {"mask": actual, "predicted": predicted}
    shown = np.unique([*masks.values()])
    shown = shown[shown < len(classes)][:LISTED]
    panels = 1 + len(masks)
    tall = max(count * height * scale + 0.4, 0.3 * len(shown))
    figure = new_figure(panels * width * scale + 1.9, tall)
    grid = figure.subplots(count, panels, squeeze=False)
    for line, picture, *codes in zip(grid, pictures, *masks.values(), strict=True):
        gray = np.broadcast_to(picture.mean(axis=-1, keepdims=True) / 255, (height, width, 3))
        seen = np.broadcast_to(picture / 255, (height, width, 3))
        images = [seen, *(_over(gray, mask) for mask in codes)]
        for axes, image in zip(line, images, strict=True):
            axes.imshow(image, interpolation="nearest")
            axes.set_axis_off()
    for axes, title in zip(grid[0], ("picture", *masks), strict=True):
        axes.set_title(title)
    handles = [Patch(color=color(code), label=shorten(classes[code])) for code in shown]
    figure.legend(handles=handles, loc="outside right upper")
    return figure


def _over(gray: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return a picture with its mask's colors over it."""
    colored = np.array(gray)
    for code in np.unique(mask[mask != 255]):
        there = mask == code
        colored[there] = (1 - STRENGTH) * gray[there] + STRENGTH * np.array(color(int(code)))
    return colored


def color(code: int) -> tuple[float, float, float]:
    """Return the color of a class: dark, the house's, then hues that do not come again soon."""
    if code == 0:
        return to_rgb("#202020")
    if code < len(COLORS):  # the last is gray
        return to_rgb(COLORS[code - 1])
    return colorsys.hsv_to_rgb(code * GOLDEN % 1, 0.75, 0.55 + 0.4 * (code % 2))
