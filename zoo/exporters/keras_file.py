"""Keras's own format: one file that holds the model and everything around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.serving import Served


def write(predictor: Any, path: Path) -> None:
    """Write a run's predictor as a `.keras` file.

    It loads with `zoo.load`, or with `keras.saving.load_model` after `import zoo.serving`, and
    takes a dictionary of raw columns.
    """
    model = getattr(predictor.model, "generator", predictor.model)
    Served(model, predictor.state).save(path)
