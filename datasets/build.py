"""From everything a loader read to a data set: targets chosen, columns judged, splits made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from zoo.errors import InputError, nearest

from . import prose
from . import series as time_series
from .arrays import as_vectors
from .bad import BadExamples
from .base import (
    ANNOTATED,
    LABELLED,
    PAIRED,
    TRANSLATED,
    ArraySplit,
    Column,
    Dataset,
    Raw,
    Spec,
    TableSplit,
)
from .columns import find_columns
from .frames import is_text
from .pictures import identity
from .prose import OF_TEXT
from .series_rows import Asked
from .splits import Splitting, fingerprint, make_splits, read_split_column
from .targets import Target, choose_target, read_target
from .text import TextSplit, running
from .unusable import leave_out

_SUPERVISED = (*LABELLED, *ANNOTATED, *PAIRED)
_POSSIBLE = {
    "table": (*LABELLED, "reconstruction"),
    "vector": (*LABELLED, "reconstruction"),
    "image": (*LABELLED, *ANNOTATED, "reconstruction", "image-synthesis", *TRANSLATED),
    "text": (*LABELLED, *OF_TEXT),
    "series": ("forecasting",),
}


@dataclass(frozen=True)
class Request:
    """What a user asked of a data set; the arguments of `load`."""

    kind: str | None = None
    target: tuple[str, ...] = ()
    task: str | None = None
    drop: tuple[str, ...] = ()
    split_column: str | None = None
    splitting: Splitting = field(default_factory=Splitting)
    series: Asked = field(default_factory=Asked)


@dataclass(frozen=True)
class Origin:
    """What a data set is called and where it comes from."""

    name: str
    source: str
    provenance: str
    licence: str = "unknown"


def build(raw: Raw, request: Request, origin: Origin, bad: BadExamples | None = None) -> Dataset:
    """Return the data set that a request makes of what was read."""
    bad = bad or BadExamples()
    request = replace(request, task=request.task or raw.task)
    if raw.kind == "table":
        raw = prose.from_table(raw, request, origin.source, bad)
    raw = as_kind(raw, request.kind, origin.source, request.series.time)
    _refuse_task(raw.kind, request.task, origin.source)
    if raw.kind == "series":
        return time_series.build(raw, request, origin, bad or BadExamples())
    request.series.refuse_alone()
    _refuse_columns(raw, request, origin.source)
    if raw.kind == "table" and bad.policy == "skip":
        raw = leave_out(raw, {*request.drop, request.split_column}, bad, origin.source)
    if raw.kind == "text" and raw.frame is None:
        raw = running(raw, request.splitting, origin.source)
    target = _target(raw, request, origin.source)
    task = request.task or (target.task if target else _without_target(raw.kind))
    supervised = task in _SUPERVISED
    rows = np.arange(len(raw))
    notes = list(raw.notes)
    if target and supervised and not target.present.all():
        rows = np.flatnonzero(target.present)
        missing = len(raw) - len(rows)
        notes.append(f"{missing:,} of {len(raw):,} rows are left out: their target is missing")
    given = raw.given
    if request.split_column and raw.frame is not None:
        series = raw.frame[request.split_column]
        given = read_split_column(series, request.split_column, origin.source)
    splits = make_splits(rows, _labels(target), given, request.splitting, origin.source)
    if target and supervised:
        refuse_unseen(target, splits, origin.source)
    inputs, ignored = _inputs(raw, request, target, origin.source)
    spec = Spec(
        kind=raw.kind,
        inputs=inputs,
        targets=target.names if target and supervised else (),
        task=task,
        classes=target.classes if target and supervised else (),
        values=_values(target) if target and supervised else (),
    )
    values = target.values if target and supervised else None
    if task == "summarization" and values is not None:
        notes += prose.longer(raw.documents, values, rows)
    content = [*_content(raw, inputs), *([] if values is None else [_bytes(values)])]
    parts: dict[str, Any] = {n: make_split(raw, s, inputs, values) for n, s in splits.items()}
    return Dataset(
        origin.name,
        spec,
        **parts,
        fingerprint=fingerprint(content, splits),
        provenance=origin.provenance,
        licence=origin.licence,
        notes=notes + ignored,
    )


def make_split(
    raw: Raw, rows: np.ndarray, inputs: tuple[Column, ...], values: np.ndarray | None
) -> TableSplit | ArraySplit | TextSplit:
    """Return random access to some rows."""
    if raw.kind == "text":
        return TextSplit(raw.documents, rows, raw.column, values)
    if raw.kind == "table":
        assert raw.frame is not None
        return TableSplit(raw.frame, rows, inputs, values)
    assert raw.array is not None
    return ArraySplit({inputs[0].name: raw.array}, rows, values)


def as_before(spec: Spec) -> Request:
    """Return the request that makes time series as they were made for an earlier data set."""
    assert spec.series is not None
    known = spec.series
    asked = Asked(known.time, known.group, known.horizon, known.history, known.season)
    columns = time_series.named(spec)
    covariates = len(columns.all) > len(columns.targets)
    return Request(
        target=spec.targets, series=replace(asked, known=columns.known, covariates=covariates)
    )


def as_kind(raw: Raw, kind: str | None, source: str, time: str = "") -> Raw:
    """Return pictures as vectors and tables as series where that is asked for; no other can be."""
    if raw.kind == "table" and (time or kind == "series"):
        return replace(raw, kind="series")
    if kind in (None, raw.kind):
        return raw
    if (raw.kind, kind) == ("image", "vector") and isinstance(raw.array, np.ndarray):
        array = as_vectors(raw.array)
        return Raw("vector", raw.frame, array, target=raw.target, given=raw.given, notes=raw.notes)
    raise InputError(
        f"'{source}' is of kind {raw.kind} and cannot be read as '{kind}'; expected {raw.kind}; "
        "try without --kind"
    )


def refuse_unseen(target: Target, splits: dict[str, np.ndarray], source: str) -> None:
    """Raise an InputError for a class that only validation or test rows have."""
    if not target.classes:
        return
    seen = _seen(target, splits["train"])
    for name in ("validation", "test"):
        unseen = sorted(_seen(target, splits[name]) - seen)
        if unseen:
            shown = ", ".join(repr(target.classes[code]) for code in unseen[:5])
            raise InputError(
                f"'{source}' has the class {shown} in its {name} split only; expected every class "
                "among the training rows; try another split, or without those rows"
            )


def _seen(target: Target, rows: np.ndarray) -> set[int]:
    if target.task == "classification":
        return set(np.unique(target.values[rows]).tolist())
    return set(np.flatnonzero(_shown(target)[rows].any(axis=0)).tolist())


def _shown(target: Target) -> np.ndarray:
    """Return which classes each example has of several it may have, bool `(rows, classes)`."""
    values: Any = target.values
    if target.task == "segmentation":
        return values.shown()
    if target.task == "detection":
        codes = values[..., 4]
        return np.stack([(codes == c).any(axis=1) for c in range(len(target.classes))], axis=1)
    return values > 0


def _target(raw: Raw, request: Request, source: str) -> Target | None:
    """Return what is to be predicted, which also decides how rows are split."""
    if raw.annotation is not None:
        return _annotated(raw, request, source)
    unsupervised = request.task is not None and request.task not in _SUPERVISED
    known = request.target or raw.target
    if raw.frame is None or (unsupervised and (raw.kind == "text" or not known)):
        if request.target or request.task in _SUPERVISED:
            raise InputError(
                f"'{source}' has no targets; expected an array y for "
                f"{request.task or 'a --target'}; try --task {_without_target(raw.kind)}"
            )
        return None
    usual = [] if request.target else raw.target
    reserved = {*request.drop, request.split_column}
    columns = [name for name in raw.frame.columns if name not in reserved]
    other = _without_target(raw.kind)
    names = choose_target(columns, request.target, usual, source, other)
    task = None if unsupervised else request.task
    if raw.kind == "image" and task is None and _whole(raw.frame[names[0]]) and len(names) == 1:
        task = "classification"
    return read_target(raw.frame, names, task, source)


def _annotated(raw: Raw, request: Request, source: str) -> Target | None:
    """Return the masks or boxes of pictures, unless something else is asked of them."""
    annotation = raw.annotation
    assert annotation is not None
    if request.task not in (None, annotation.task):
        if request.task in _SUPERVISED:
            raise InputError(
                f"'{source}' is annotated for {annotation.task}; expected data for {request.task}; "
                f"try --task {annotation.task}"
            )
        return None
    name = "mask" if annotation.task == "segmentation" else "boxes"
    present = np.ones(len(raw), bool)
    return Target(annotation.task, (name,), annotation.classes, annotation.values, present)


def _whole(series: pd.Series) -> bool:
    return not is_text(series) and series.dtype != object and bool((series % 1 == 0).all())


def _values(target: Target) -> tuple[int, ...]:
    """Return what stands for each class in the files of masks."""
    masks: Any = target.values
    return masks.legend.by_class() if target.task == "segmentation" else ()


def _labels(target: Target | None) -> np.ndarray | None:
    """Return what to stratify by: classes, or the tenth of its range a single number is in."""
    if target is None or target.task in PAIRED:
        return None
    if target.task == "classification":
        return target.values
    if target.task != "regression":
        return _shown(target)
    numbers = target.values
    if numbers.shape[1] > 1 or len(numbers) < 100:
        return None
    return np.searchsorted(np.quantile(numbers[:, 0], np.arange(0.1, 1.0, 0.1)), numbers[:, 0])


def _inputs(
    raw: Raw, request: Request, target: Target | None, source: str
) -> tuple[tuple[Column, ...], list[str]]:
    if raw.kind == "text":
        return (Column(raw.column, "text"),), []
    if raw.array is not None:
        return (Column(raw.kind, raw.kind, raw.shape),), []
    assert raw.frame is not None
    aside = {*request.drop, request.split_column, *(target.names if target else ())}
    names = [name for name in raw.frame.columns if name not in aside]
    columns, notes = find_columns(raw.frame, names, source)
    if not columns:
        why = f": {'; '.join(notes)}" if notes else ""
        raise InputError(
            f"'{source}' has no column left to learn from{why}; expected one at least; "
            "try a file with more columns"
        )
    return columns, notes


def _content(raw: Raw, inputs: Sequence[Column]) -> list[bytes | np.ndarray]:
    """Return what a fingerprint is made of."""
    if raw.kind == "text":
        return [document.encode() for document in raw.documents]
    if raw.array is not None:
        return [str(raw.array.shape).encode(), identity(raw.array)]
    assert raw.frame is not None
    pieces: list[bytes | np.ndarray] = []
    for column in inputs:
        series = raw.frame[column.name]
        pieces.append(f"{column.name}\0{column.kind}".encode())
        if is_text(series):
            pieces.append("\0".join(series.cat.categories).encode())
            pieces.append(series.cat.codes.to_numpy(np.int32))
        else:
            pieces.append(series.to_numpy())
    return pieces


def _bytes(values: np.ndarray) -> bytes | np.ndarray:
    return "\0".join(values).encode() if values.dtype == object else identity(values)


def _without_target(kind: str) -> str:
    others = {"image": "image-synthesis", "text": "language-modelling"}
    return others.get(kind, "reconstruction")


def _refuse_task(kind: str, task: str | None, source: str) -> None:
    possible = _POSSIBLE[kind]
    if task is not None and task not in possible:
        raise InputError(
            f"'{source}' is of kind {kind} and cannot do {task}.{nearest(task, possible)} Expected "
            f"one of: {', '.join(possible)}; try one of these with --task"
        )


def _refuse_columns(raw: Raw, request: Request, source: str) -> None:
    """Check the columns that options name."""
    named = [("--drop", name) for name in request.drop]
    if request.split_column:
        named.append(("--split-column", request.split_column))
    tabular = raw.frame is not None and (raw.kind == "table" or not raw.target)  # or it names them
    columns = list(raw.frame.columns) if tabular and raw.frame is not None else []
    for option, name in named:
        if name not in columns:
            raise InputError(
                f"'{source}' has no column '{name}' for {option}.{nearest(name, columns)} Expected "
                f"one of: {', '.join(columns) or 'none, as it is no table'}; try another {option}"
            )
