"""Artifacts that stand alone: raw input in, named outputs out, checked against their run."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from zoo.errors import ExportMismatchError, InputError, unknown
from zoo.exporters import keras_file, parity, savedmodel
from zoo.files import write_atomic, writing
from zoo.predictors import load
from zoo.runs import Run

FORMATS = {
    "savedmodel": (savedmodel.write, "savedmodel"),
    "keras": (keras_file.write, "model.keras"),
}
EXAMPLES = 64


def write(run: Run, format: str, output: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """Export a run, then load the artifact in a fresh process and compare the two.

    The artifact is written under a temporary name and takes its place when it has passed.

    Raises:
        ExportMismatchError: it answers differently from the run.
    """
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    writer, name = FORMATS[format]
    path = Path(output) if output is not None else run.export_path(format) / name
    if format == "savedmodel" and output is None:
        path = run.export_path(format)
    if output is not None and path.exists():
        raise InputError(f"'{path}' exists already. Expected a new path, so nothing is overwritten.")
    predictor = load(run)
    examples = parity.examples(run, predictor, EXAMPLES)
    temporary = path.with_name(f".{path.stem}-{os.getpid()}.tmp{path.suffix}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            writer(predictor, temporary)
            result = {"format": format, "path": str(path)} | parity.compare(
                predictor, temporary, examples
            )
            if result["largest_difference"] > result["tolerance"]:
                raise ExportMismatchError(_mismatch(result))
            _store(temporary, path, result)
            _replace(temporary, path)
        finally:
            _remove(temporary)
    return result


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


def _replace(temporary: Path, path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    os.replace(temporary, path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
