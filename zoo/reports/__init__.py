"""Pictures of what a run learned, and its page. Drawn by name; matplotlib is imported on use.

figure = zoo.reports.draw("confusion", {"classes": ["cat", "dog"], "matrix": [[9, 1], [2, 8]]})
zoo.reports.save(figure, "confusion.png")
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import unknown
from zoo.files import damaged

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zoo.runs import Run

PICTURES = {
    "curves": "zoo.reports.curves:draw",
    "comparison": "zoo.reports.curves:draw_comparison",
    "confusion": "zoo.reports.classification:draw_confusion",
    "calibration": "zoo.reports.classification:draw_calibration",
    "roc": "zoo.reports.classification:draw_roc",
    "residuals": "zoo.reports.regression:draw_residuals",
    "anomaly_scores": "zoo.reports.anomaly:draw",
    "detections": "zoo.reports.detection:draw_boxes",
    "precision_recall": "zoo.reports.detection:draw_precision_recall",
    "samples": "zoo.reports.samples:draw",
    "answer": "zoo.reports.answers:draw",
    "augmented": "zoo.reports.augmented:draw",
    "attention": "zoo.reports.attention:draw",
    "boundary": "zoo.reports.boundary:draw",
    "mistaken_series": "zoo.reports.mistakes:draw",
    "masks": "zoo.reports.segmentation:draw_masks",
    "activations": "zoo.reports.activations:draw",
    "forecasts": "zoo.reports.forecasting:draw_forecasts",
    "error_by_step": "zoo.reports.forecasting:draw_error_by_step",
}
FROM_TABLES = (
    "confusion",
    "calibration",
    "roc",
    "precision_recall",
    "residuals",
    "anomaly_scores",
    "forecasts",
    "error_by_step",
)


def draw(name: str, *data: Any, **options: Any) -> Figure:
    """Draw a picture by its name in `PICTURES` from the data its function takes."""
    if name not in PICTURES:
        raise unknown("picture", name, PICTURES)
    module, function = PICTURES[name].split(":")
    return getattr(importlib.import_module(module), function)(*data, **options)


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure as PNG, whole or not at all; return the path."""
    from zoo.reports.style import save as save_png

    return save_png(figure, path)


def draw_run(run: Run) -> list[Path]:
    """Draw into `plots/` all that the log and the last evaluation of a run can show."""
    figures = {}
    if rows := run.log:
        with _drawable(run.log_path):
            figures["curves"] = draw("curves", rows)
    tables = (run.metrics or {}).get("tables", {})
    for name in FROM_TABLES:
        if tables.get(name):
            with _drawable(run.metrics_path):
                figures[name] = draw(name, tables[name])
    return [save(figure, run.plots / f"{name}.png") for name, figure in figures.items()]


@contextlib.contextmanager
def _drawable(path: Path) -> Iterator[None]:
    """Say in one line that a run's file holds what cannot be drawn."""
    try:
        yield
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise damaged(path, "numbers to draw, as `zoo train` and `zoo evaluate` write") from error


def write(run: Run) -> Path:
    """Draw what a run can show, write its `report.html`, and return the path of that."""
    from zoo.reports import page

    _ = run.config  # whatever is wrong with it is found before anything is drawn
    draw_run(run)
    return page.write(run)
