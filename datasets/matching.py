"""New examples, read as the spec of an earlier data set says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from zoo.errors import InputError

from . import series
from .bad import BadExamples
from .base import ANNOTATED, Column, Raw, Spec, Split
from .boxes import recode
from .build import as_kind, make_split
from .columns import find_date_formats, refuse_infinite
from .files import TABLES, read_frame, read_raw, require_columns, suffix_of
from .folders import from_table
from .frames import force_text, is_number
from .prose import texts_of
from .targets import encode_target


def read_matching(path: Path, spec: Spec, targets: bool) -> Split:
    """Read a file as the spec says."""
    if suffix_of(path) in TABLES and spec.kind == "series":
        return series.read(read_frame(path), spec, str(path), targets)
    if suffix_of(path) in TABLES and spec.kind == "table":
        texts = [column.name for column in spec.inputs if column.kind != "number"]
        raw = Raw("table", frame=read_frame(path, texts))
    else:
        raw = read_raw({"all": path})
        if raw.kind == "table" and spec.kind == "image":
            shape = spec.inputs[0].shape
            raw = from_table(raw, path.parent, shape, BadExamples(), str(path))
    rows = raw.given.get("test", np.arange(len(raw)))
    return match(raw, rows, spec, str(path), targets)


def match(raw: Raw, rows: np.ndarray, spec: Spec, source: str, targets: bool) -> Split:
    """Return some rows of what was read, as the spec says."""
    if (raw.kind, spec.kind) == ("image", "vector"):
        raw = as_kind(raw, "vector", source)
    if spec.kind == "text":
        raw, rows = texts_of(raw, rows, spec, source)
    if raw.kind != spec.kind:
        raise InputError(
            f"'{source}' is of kind {raw.kind}; expected {spec.kind}, as the model was trained on; "
            f"try a file of kind {spec.kind}"
        )
    if spec.kind == "table":
        assert raw.frame is not None
        raw.frame = _matching_frame(raw.frame, spec.inputs, source)
    elif spec.kind != "text":
        _refuse_shape(raw, spec, source)
    values = _targets(raw, rows, spec, source) if targets and spec.targets else None
    return make_split(raw, rows, spec.inputs, values)


def _matching_frame(frame: pd.DataFrame, columns: tuple[Column, ...], source: str) -> pd.DataFrame:
    require_columns(frame, [column.name for column in columns], source)
    for column in columns:
        series = frame[column.name]
        if column.kind != "number" and is_number(series):
            frame[column.name] = force_text(series)
        _refuse_column(frame[column.name], column, source)
    return frame


def _refuse_column(series: pd.Series, column: Column, source: str) -> None:
    refuse_infinite(series, column.name, source)
    expected = ""
    if column.kind == "number" and not is_number(series):
        expected = "numbers"
    if column.kind == "date" and column.format not in find_date_formats(series.cat.categories):
        expected = f"dates as {column.format}" if len(series.cat.categories) else ""
    if expected:
        held = _odd(series, column)
        raise InputError(
            f"'{source}' column '{column.name}' holds {held!r}; expected {expected}, "
            "as in the training data; try correcting it, or an empty field where it is missing"
        )


def _odd(series: pd.Series, column: Column) -> str:
    """Return the first value that is not what the column promises."""
    values = series.dropna().astype(object)
    if column.kind == "number":
        read = pd.to_numeric(values, errors="coerce")
    else:
        read = pd.to_datetime(values, format=column.format, errors="coerce", utc=True)
    return str(values[read.isna()].iloc[0]) if read.isna().any() else str(values.iloc[0])


def _refuse_shape(raw: Raw, spec: Spec, source: str) -> None:
    received, expected = raw.shape, spec.inputs[0].shape
    if expected[:1] == (None,):
        received = (None, *received[1:])  # series of any length
    if received != expected:
        raise InputError(
            f"'{source}' has examples of shape {raw.shape}; expected {expected}, as in the "
            "training data; try resizing them"
        )


def _targets(raw: Raw, rows: np.ndarray, spec: Spec, source: str) -> Any:
    """Return targets for all rows, of which only those wanted need to have one."""
    if spec.task in ANNOTATED:
        return _annotations(raw, spec, source)
    if raw.frame is None:
        raise InputError(
            f"'{source}' has no targets; expected {', '.join(spec.targets[:5])}, as in the "
            "training data; try predict, which needs none"
        )
    require_columns(raw.frame, spec.targets, source)
    wanted = raw.frame.iloc[rows]
    values = encode_target(wanted, spec.targets, spec.task, spec.classes, source)
    everywhere = np.zeros((len(raw.frame), *values.shape[1:]), values.dtype)
    everywhere[rows] = values
    return everywhere


def _annotations(raw: Raw, spec: Spec, source: str) -> Any:
    annotation = raw.annotation
    if annotation is None or annotation.task != spec.task:
        raise InputError(
            f"'{source}' has no {spec.targets[0]}; expected data annotated for {spec.task}; "
            "try predict, which needs none"
        )
    if spec.task == "detection":
        return recode(annotation, spec.classes, source)
    if annotation.classes != spec.classes:
        raise InputError(
            f"'{source}' has the classes {', '.join(annotation.classes)}; expected "
            f"{', '.join(spec.classes)}, as in the training data; try renaming them"
        )
    return annotation.values
