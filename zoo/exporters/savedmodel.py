"""TensorFlow's SavedModel: raw input in, preprocessing inside, named outputs."""

from __future__ import annotations

import contextlib
import io
import json
import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from zoo.exporters import card
from zoo.exporters.folding import folded
from zoo.files import write_atomic
from zoo.startup import quiet


def write(predictor: Any, path: Path) -> None:
    """Write a run's predictor as a SavedModel with the signatures of its task.

    Batch normalization is folded into the convolutions before it.

    `serving_default` takes raw input, `tensors` what the model itself takes; a language model has
    `generate` too. `assets/zoo.json` holds classes, preprocessing, provenance, the argument of
    every raw input and the order of the outputs, and `assets/card.md` the model card.
    """
    archive = keras.export.ExportArchive()
    model = folded(getattr(predictor.model, "generator", predictor.model))
    archive.track(model)
    for resource in predictor.preprocessor.trackables():
        archive.track(resource)
    signatures = predictor.task.signatures(model, predictor.preprocessor)
    arguments = argument_names(signatures["serving_default"][1])
    outputs: dict[str, list[str]] = {}
    for name, (function, inputs) in signatures.items():
        names = arguments if name == "serving_default" else {n: n for n in inputs}
        called = _called(function, names, outputs.setdefault(name, []))
        archive.add_endpoint(name, called, [_specs(inputs, names)])
    with quiet(), contextlib.redirect_stdout(io.StringIO()):
        archive.write_out(str(path), verbose=False)
    state = {**predictor.state, "arguments": arguments, "outputs": outputs}
    (path / "assets").mkdir(exist_ok=True)
    write_atomic(path / "assets" / "zoo.json", json.dumps(state, ensure_ascii=False))
    write_atomic(path / "assets" / "card.md", card.text(predictor, arguments))


def argument_names(inputs: Iterable[str]) -> dict[str, str]:
    """Return the argument of a signature for each raw input: its own name where that is possible.

    TensorFlow would turn anything but letters, digits and underscores into underscores, and fail
    where two names become one, or differ in case only.
    """
    inputs = list(inputs)
    names: dict[str, str] = {}
    taken: set[str] = set()
    for raw in sorted(inputs, key=lambda name: _spelled(name) != name):  # possible names go first
        stem = name = _spelled(raw)
        number = 1
        while name.lower() in taken:
            number += 1
            name = f"{stem}_{number}"
        names[raw] = name
        taken.add(name.lower())
    return {raw: names[raw] for raw in inputs}


def _spelled(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    word = re.sub(r"\W+", "_", plain).strip("_") or "column"
    if not word[0].isalpha():
        word = f"column_{word}"
    return f"{word}_" if keyword.iskeyword(word) or word == "self" else word


def _called(
    function: Callable[..., Any], names: Mapping[str, str], order: list[str]
) -> Callable[..., Any]:
    """Return a function of one dictionary by argument for one of keywords by raw name.

    When it is traced it writes down the order of its outputs: TensorFlow keeps them by name.
    """

    def call(inputs: dict[str, Any]) -> Any:
        answers = function(**{raw: inputs[name] for raw, name in names.items()})
        order[:] = answers
        return answers

    return call


def _specs(inputs: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, tf.TensorSpec]:
    return {
        names[raw]: tf.TensorSpec(spec.shape, spec.dtype, name=names[raw])
        for raw, spec in inputs.items()
    }
