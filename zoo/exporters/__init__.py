"""Artifacts that stand alone: raw input in, named outputs out, checked against their run."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from zoo.errors import ExportMismatchError, InputError, WriteError, unknown
from zoo.exporters import keras_file, parity, savedmodel
from zoo.files import building, put, write_atomic
from zoo.predictors import load
from zoo.runs import Run

FORMATS = {
    "savedmodel": (savedmodel.write, ""),  # a folder
    "keras": (keras_file.write, "model.keras"),
}
EXAMPLES = 64


def write(
    run: Run,
    format: str,
    output: str | os.PathLike[str] | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> dict[str, Any]:
    """Export a run, then load the artifact in a fresh process and compare the two.

    The artifact is written under a temporary name and takes its place when it has passed.

    Raises:
        ExportMismatchError: it answers differently from the run.
    """
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    writer, name = FORMATS[format]
    path = run.export_path(format) / name if output is None else _new_path(output, format)
    predictor = load(run)
    examples = parity.examples(run, predictor, EXAMPLES)
    with building(path) as new:
        say(f"Writing {path}")
        with _reported(path):
            writer(predictor, new)
        say("Comparing it with the run in a fresh process")
        result = {"format": format, "path": str(path)} | parity.compare(predictor, new, examples)
        if result["largest_difference"] > result["tolerance"]:
            raise ExportMismatchError(_mismatch(result))
        _store(new, path, result)
        put(new, path)
    return result


@contextlib.contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Turn TensorFlow's refusal to write into the error a user can see."""
    try:
        yield
    except tf.errors.OpError as error:
        # "{{function_node ...}} FILE; REASON [Op:...] name: ...", for a file in a temporary folder
        reason = str(error.message).partition(" [Op:")[0].rpartition("; ")[2].strip()[:200]
        raise WriteError(
            f"Cannot write '{path}': {reason}. Expected a place that can be written to, with room "
            "left. Try another with --out PATH."
        ) from error


def _new_path(output: str | os.PathLike[str], format: str) -> Path:
    if "://" in str(output):
        raise InputError(f"--out received '{output}', a URL. Expected a path on this machine.")
    path = Path(output)
    if os.path.lexists(path):
        raise InputError(
            f"'{path}' exists already. Expected a new path, so that nothing is overwritten. Try "
            "another with --out PATH."
        )
    if format == "keras" and path.suffix != ".keras":
        raise InputError(f"--out received '{path}'. Expected a name that ends in .keras.")
    return path


def _mismatch(result: dict[str, Any]) -> str:
    return (
        f"The {result['format']} artifact differs from the run by "
        f"{result['largest_difference']:.3g} in '{result['worst_output']}' on {result['examples']} "
        f"examples. Expected at most {result['tolerance']:.3g}. Nothing was written."
    )


def _store(artifact: Path, path: Path, result: dict[str, Any]) -> None:
    """Keep the comparison in a SavedModel's assets, or beside a file."""
    text = json.dumps(result, indent=1) + "\n"
    if artifact.is_dir():
        write_atomic(artifact / "assets" / "parity.json", text)
    else:
        write_atomic(path.with_suffix(".parity.json"), text)
