"""A grid of pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from zoo.reports.style import new_figure, shorten, styled

CELL = 1.1  # inches
WIDEST = 10  # inches
GAP = 0.08  # of a picture's side


@styled
def draw(
    pictures: np.ndarray, captions: Sequence[object] = (), columns: int | None = None
) -> Figure:
    """Draw pictures in a grid, each with its caption above it.

    Args:
        pictures: (n, height, width), or with 1 or 3 channels last; uint8, or floats in [0, 1].
        captions: one a picture, or none.
        columns: how many stand side by side; by default about as wide as high.
    """
    tiles = colored(np.asarray(pictures))  # (n, height, width, 3)
    count, height, width, _ = tiles.shape
    columns = columns or min(count, max(1, math.ceil((count * height / width) ** 0.5)))
    lines = -(-count // columns)
    side = max(height, width)
    gap = max(1, round(side * (0.24 if captions else GAP)))
    sheet = np.ones((lines * (height + gap), columns * (width + gap), 3))
    corners = [
        (i // columns * (height + gap) + gap, i % columns * (width + gap) + gap // 2)
        for i in range(count)
    ]
    for (top, left), tile in zip(corners, tiles, strict=True):
        sheet[top : top + height, left : left + width] = tile
    inch = min(CELL / side, WIDEST / sheet.shape[1])
    figure = new_figure(sheet.shape[1] * inch, sheet.shape[0] * inch)
    axes = figure.add_subplot()
    axes.imshow(sheet, interpolation="nearest")
    for (top, left), caption in zip(corners, captions, strict=False):
        x, y = left + width / 2, top - 0.5 - side * 0.03
        axes.text(x, y, shorten(caption, 20), ha="center", va="bottom", size=8)
    axes.set_axis_off()
    return figure


def colored(pictures: np.ndarray) -> np.ndarray:
    """Return pictures as floats (n, height, width, 3) in [0, 1]."""
    if pictures.ndim == 3:
        pictures = pictures[..., None]
    if pictures.ndim != 4 or pictures.shape[-1] not in (1, 3):
        raise ValueError(
            "Expected pictures of shape (n, height, width) or (n, height, width, 1 or 3). "
            f"Received: shape={pictures.shape}"
        )
    if pictures.dtype == np.uint8:
        pictures = pictures / 255
    tiles = np.clip(pictures, 0, 1)
    return np.broadcast_to(tiles, (*tiles.shape[:3], 3))
