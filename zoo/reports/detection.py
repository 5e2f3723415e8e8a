"""Pictures of what a detector found: boxes on photos, and precision against recall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from zoo.reports.style import QUIET, color, new_figure, shorten, styled

COLUMNS = 2
WIDTH = 4.6  # inches of a picture
SHOWN = 0.3  # score of a box that is drawn
NAMED = 8  # classes that the legend names


@styled
def draw_boxes(examples: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> Figure:
    """Draw pictures with the boxes found on them, and dashed those that are there.

    Args:
        examples: each with `picture`, uint8 `(height, width, 1 or 3)`; `truth`, `(boxes, 5)`: top,
            left, bottom and right in pixels, and code; and `found`, `(boxes, 6)`: and score.
        classes: in code order.
    """
    columns = min(COLUMNS, len(examples))
    lines = -(-len(examples) // columns)
    height, width = examples[0]["picture"].shape[:2]
    figure = new_figure(columns * WIDTH, lines * WIDTH * min(2, height / width) + 0.5)
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, example in zip(panels, examples, strict=False):
        height, width = example["picture"].shape[:2]
        picture = np.broadcast_to(example["picture"], (height, width, 3))
        axes.imshow(picture, interpolation="bilinear", extent=(0, width, height, 0))
        for *edges, code in example["truth"]:
            _box(axes, edges, color(int(code)), linestyle="--")
        for *edges, code, score in example["found"]:
            if score >= SHOWN:
                _box(axes, edges, color(int(code)))
                _name(axes, edges, f"{shorten(classes[int(code)], 12)} {score:.2f}", int(code))
    _legend(figure, classes, any(len(example["truth"]) for example in examples))
    return figure


@styled
def draw_precision_recall(table: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw precision against recall of each class at an overlap of one half.

    Args:
        table: of each class its name as `class`, `precision` and `recall`.
    """
    figure = new_figure(4.8, 4.4)
    axes = figure.add_subplot()
    for i, row in enumerate(table):
        name = shorten(row["class"]) if i < NAMED else None
        style = "-" if i < NAMED else ":"
        axes.plot(row["recall"], row["precision"], style, color=color(i), label=name)
    axes.set(xlabel="recall", ylabel="precision")
    axes.set(xlim=(-0.01, 1.02), ylim=(-0.01, 1.02), aspect="equal")
    axes.set_title("boxes that overlap by one half")
    if table:
        axes.legend(loc="lower left")
    return figure


def _box(axes: Any, edges: Sequence[float], ink: str, linestyle: str = "-") -> None:
    top, left, bottom, right = edges
    style: Any = {"edgecolor": ink, "linestyle": linestyle, "linewidth": 1.1, "fill": False}
    axes.add_patch(Rectangle((left, top), right - left, bottom - top, **style))


def _name(axes: Any, edges: Sequence[float], text: str, code: int) -> None:
    behind = {"facecolor": color(code), "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
    axes.text(
        edges[1], edges[0], text, va="bottom", size=5.5, color="white", bbox=behind, clip_on=True
    )


def _legend(figure: Figure, classes: Sequence[str], annotated: bool) -> None:
    handles = [Line2D([], [], color=color(i)) for i in range(min(len(classes), NAMED))]
    names = [shorten(name) for name in classes[:NAMED]]
    if annotated:
        handles += [Line2D([], [], color=QUIET), Line2D([], [], color=QUIET, linestyle="--")]
        names += [f"found, score {SHOWN:g} or more", "annotated"]
    figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 5))
