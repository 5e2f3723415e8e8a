"""Where each head of a Transformer looks."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from zoo.reports.style import new_figure, shorten, styled

NAMED = 40  # with more tokens there is no room for them
LARGEST = 12  # layers and heads that are drawn


@styled
def draw(tokens: Sequence[str], weights: np.ndarray) -> Figure:
    """Draw a square for each head: a row a token that looks, a column one that is looked at.

    In each row the place that is looked at most is darkest: shares fall with the number of tokens.

    Args:
        tokens: as a person reads them.
        weights: `(layers, heads, T, T)`, from 0 to 1; of more than twelve layers or heads the first
            are drawn.
    """
    weights = weights[:LARGEST, :LARGEST]
    layers, heads = weights.shape[:2]
    named = len(tokens) <= NAMED
    each = max(1.8, 0.14 * len(tokens) + 0.5) if named else 2.4
    figure = new_figure(each * heads + 0.6, each * layers + 1.0)
    shades = weights / np.maximum(weights.max(axis=-1, keepdims=True), 1e-9)
    for layer, row in enumerate(figure.subplots(layers, heads, squeeze=False)):
        for head, axes in enumerate(row):
            axes.imshow(shades[layer, head], cmap=matplotlib.colormaps["Blues"], vmin=0, vmax=1)
            axes.set_title(f"layer {layer + 1}, head {head + 1}", fontsize=8)
            axes.grid(False)
            _name(axes, tokens if named else (), first=head == 0, last=layer == layers - 1)
    figure.suptitle(
        f"Where each of {len(tokens)} tokens looks, darkest where most",
        fontsize=9,
        x=0.02,
        ha="left",
    )
    figure.supxlabel("token that is looked at", fontsize=8)
    figure.supylabel("token that looks", fontsize=8)
    return figure


def _name(axes: matplotlib.axes.Axes, tokens: Sequence[str], first: bool, last: bool) -> None:
    """Write tokens beside the first square of a row and below the last of a column."""
    places = range(len(tokens))
    names = [shorten(token) for token in tokens]
    axes.set_yticks(places if first else (), names if first else (), fontsize=8)
    axes.set_xticks(places if last else (), names if last else (), rotation=90, fontsize=8)
