"""TensorFlow's SavedModel: raw input in, preprocessing inside, named outputs."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import keras

from zoo.exporters import card
from zoo.files import write_atomic
from zoo.predictors import by_name
from zoo.startup import quiet


def write(predictor: Any, path: Path) -> None:
    """Write a run's predictor as a SavedModel with the signatures of its task.

    `serving_default` takes raw input, `tensors` what the model itself takes; a language model has
    `generate` too. `assets/zoo.json` holds classes, preprocessing and provenance, and
    `assets/card.md` the model card.
    """
    archive = keras.export.ExportArchive()
    model = getattr(predictor.model, "generator", predictor.model)
    archive.track(model)
    for resource in predictor.preprocessor.trackables():
        archive.track(resource)
    signatures = predictor.task.signatures(model, predictor.preprocessor)
    for name, (function, inputs) in signatures.items():
        archive.add_endpoint(name, by_name(function), [inputs])
    with quiet(), contextlib.redirect_stdout(io.StringIO()):
        archive.write_out(str(path), verbose=False)
    (path / "assets").mkdir(exist_ok=True)
    write_atomic(path / "assets" / "zoo.json", json.dumps(predictor.state, ensure_ascii=False))
    write_atomic(path / "assets" / "card.md", card.text(predictor))
