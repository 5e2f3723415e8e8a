"""The weights a run begins with: another run's, those of a file, or published ones."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import registry, weights
from zoo.errors import InputError
from zoo.predictors.loading import saved_state
from zoo.registry import Row
from zoo.runs import Run
from zoo.weights import huggingface, imagenet, torch_file, torch_order
from zoo.weights.transfer import transfer

TORCH = (".pth", ".pt")
Tensors = dict[str, np.ndarray]


def begin(
    model: keras.Model, row: Row, reference: str, task: Any, options: Mapping[str, Any]
) -> str:
    """Give a model the weights that a reference names; return what a person should be told.

    The head is taken too where it is for the same classes.

    Args:
        model: takes them.
        row: of the registry.
        reference: a run's directory, one as Hugging Face has it, a `.safetensors` or PyTorch file,
            or "imagenet".
        task: what the model is for.
        options: that the builder was told, of which one may name a backbone.

    Raises:
        InputError: there are none, or they are of another architecture.
    """
    backbone = options.get("backbone", row.options.get("backbone"))
    named = registry.get(backbone) if backbone else row
    tensors, classes = _found(model, named, reference)
    head = classes is None or classes == tuple(getattr(task, "classes", ()))
    given = transfer(model, tensors, reference, head)
    new = len(model.weights) - given
    return f"Weights: {given} arrays of '{reference}'" + (f"; {new} others are new" if new else "")


def _found(model: keras.Model, row: Row, reference: str) -> tuple[Tensors, tuple[str, ...] | None]:
    """Return arrays by name, and the classes their head is for, None where nobody says."""
    if reference == "imagenet":
        return imagenet.read(row.name, row.weights), ()
    if os.path.isfile(os.path.join(reference, "config.yaml")):
        run = Run.open(reference)
        state = saved_state(run.preprocessor_path)
        return weights.read(run.model_weights), tuple(state["spec"]["classes"])
    path = Path(reference)
    if huggingface.is_directory(path):
        published = huggingface.read(path)
        return huggingface.named(model, published), published.classes
    if path.suffix == ".safetensors" and path.is_file():
        return weights.read(path), None
    if path.suffix in TORCH and path.is_file():
        return torch_order.named(model, torch_file.read(path)), None
    raise InputError(
        f"--weights received '{reference}'. Expected a run, a directory with config.json and "
        "model.safetensors, a .safetensors or PyTorch file, or imagenet. Try `zoo runs list`."
    )
