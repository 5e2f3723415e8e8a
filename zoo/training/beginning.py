"""The weights a run begins with: another run's, or those of a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import keras

from zoo import weights
from zoo.errors import InputError
from zoo.runs import Run
from zoo.weights.transfer import transfer


def begin(model: keras.Model, reference: str, task: Any) -> str:
    """Give a model the weights that a reference names; return what a person should be told.

    The head is taken too where it is for the same classes.

    Args:
        model: takes them.
        reference: a run's directory, or a `.safetensors` file.
        task: what the model is for.

    Raises:
        InputError: there are none, or they are of another architecture.
    """
    path, classes = _found(reference)
    tensors = weights.read(path)
    head = classes is None or classes == tuple(getattr(task, "classes", ()))
    given = transfer(model, tensors, reference, head)
    new = len(model.weights) - given
    rest = f"; {new} of the head are new" if new else ""
    return f"Weights: {given} arrays of '{reference}'{rest}"


def _found(reference: str) -> tuple[Path, tuple[str, ...] | None]:
    """Return the file, and the classes its head is for where they are known."""
    if os.path.isfile(os.path.join(reference, "config.yaml")):
        run = Run.open(reference)
        state = json.loads(run.preprocessor_path.read_text())
        return run.model_weights, tuple(state["spec"]["classes"])
    path = Path(reference)
    if path.suffix == ".safetensors" and path.is_file():
        return path, None
    raise InputError(
        f"--weights received '{reference}'. Expected a run, or a .safetensors file. "
        "Try `zoo runs list`."
    )
