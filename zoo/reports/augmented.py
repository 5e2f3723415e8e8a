"""Examples beside what augmentation makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from zoo.reports.samples import CELL, WIDEST, colored
from zoo.reports.style import QUIET, color, new_figure, shorten, styled

SMALLEST = 64  # pixels a side; smaller pictures are enlarged
IGNORED = 255  # class code of pixels that are of no class


@styled
def draw(
    pictures: np.ndarray,
    captions: Sequence[Sequence[str]] = (),
    masks: np.ndarray | None = None,
    boxes: np.ndarray | None = None,
) -> Figure:
    """Draw a line an example: the original, then its augmented versions.

    Args:
        pictures: (lines, columns, height, width, 1 or 3), floats in [0, 1].
        captions: a text a picture, or none; one that only repeats the original's is left out.
        masks: class codes (lines, columns, height, width), 255 for none.
        boxes: (lines, columns, most, 5): top, left, bottom, right as shares, and a class code;
            below zero for none.
    """
    lines, columns = pictures.shape[:2]
    tiles = colored(pictures.reshape(-1, *pictures.shape[2:]))
    if masks is not None:
        tiles = _tinted(tiles, masks.reshape(tiles.shape[:3]))
    times = -(-SMALLEST // max(tiles.shape[1:3]))
    tiles = tiles.repeat(times, axis=1).repeat(times, axis=2)
    height, width = tiles.shape[1:3]
    gap = round(0.22 * max(height, width))
    tops = [gap + i * (height + gap) for i in range(lines)]
    lefts = [gap * (j > 0) + j * (width + gap // 3) for j in range(columns)]
    sheet = np.ones((tops[-1] + height, lefts[-1] + width, 3))
    for i, tile in enumerate(tiles):
        top, left = tops[i // columns], lefts[i % columns]
        sheet[top : top + height, left : left + width] = tile
    axes = _axes(sheet, max(height, width))
    for left, heading in zip(lefts, ("original", "augmented"), strict=False):
        axes.text(left - 0.5, -0.2 * gap, heading, va="bottom", size=9, color=QUIET)
    for i, top in enumerate(tops):
        for j, left in enumerate(lefts):
            if captions and (j == 0 or captions[i][j] != captions[i][0]):
                text = shorten(captions[i][j], 24)
                axes.text(left - 0.5, top - 0.15 * gap - 0.5, text, va="bottom", size=6)
            if boxes is not None:
                _outline(axes, boxes[i, j], left - 0.5, top - 0.5, width, height)
    return axes.figure


def _axes(sheet: np.ndarray, side: int) -> Any:
    inch = min(CELL / side, WIDEST / sheet.shape[1])
    figure = new_figure(sheet.shape[1] * inch, sheet.shape[0] * inch + 0.3)
    axes = figure.add_subplot()
    axes.imshow(sheet, interpolation="nearest")
    axes.set_axis_off()
    return axes


def _tinted(tiles: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Lay the colors of classes over pictures; the first class stays as it is."""
    inks = np.array([to_rgb(color(code)) for code in range(IGNORED + 1)])[masks]
    share = np.where((masks > 0) & (masks < IGNORED), 0.5, 0.0)[..., None]
    tinted = (1 - share) * tiles + share * inks
    return np.where((masks == IGNORED)[..., None], 1 - 0.4 * (1 - tinted), tinted)


def _outline(axes: Any, boxes: np.ndarray, x: float, y: float, width: int, height: int) -> None:
    """Draw the boxes of one picture, whose corner is at `x` and `y`."""
    for top, left, bottom, right, code in boxes[boxes[:, 4] >= 0]:
        axes.add_patch(
            Rectangle(
                (x + left * width, y + top * height), (right - left) * width,
                (bottom - top) * height, fill=False, edgecolor=color(int(code)), linewidth=1.5,
            )
        )  # fmt: skip
