"""What a person should know of a data set before training on it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from .base import PAIRED, TRANSLATED, UNPAIRED, ArraySplit, Dataset, TableSplit
from .boxes import count
from .frames import is_number, is_text
from .masks import count_pixels
from .pictures import Pictures, identity
from .series_audit import describe
from .splits import NAMES
from .text import TextSplit
from .windows import SeriesSplit

TOP = 5  # of the values of a category


def audit(data: Dataset, whole_rows: bool = False) -> dict[str, Any]:
    """Return sizes, columns, balance, and what may be wrong, as plain numbers and lists.

    Args:
        data: what to look at.
        whole_rows: whether a row of a table repeats another only if it does in all columns, not
            just in those that a model reads.
    """
    splits = {name: getattr(data, name) for name in NAMES}
    report: dict[str, Any] = {
        "name": data.name,
        "kind": data.spec.kind,
        "task": data.spec.task,
        "targets": list(data.spec.targets),
        "provenance": data.provenance,
        "licence": data.licence,
        "fingerprint": data.fingerprint,
        "splits": {name: len(split) for name, split in splits.items()},
        "skipped": data.skipped,
        "notes": list(data.notes),
    }
    if isinstance(data.train, SeriesSplit):
        return report | describe(data)
    if isinstance(data.train, TableSplit):
        report |= _table(data, data.train.frame, splits)
    elif data.spec.task in TRANSLATED and data.spec.targets:
        report["sides"] = _sides(data)
    elif isinstance(data.train, ArraySplit):
        ((name, array),) = data.train.arrays.items()
        if isinstance(array, Pictures):
            report["files"] = _files(array)
        else:
            report["arrays"] = [_array(name, array)]
    else:
        report["text"] = _text(splits)
    if data.spec.targets and data.spec.task not in TRANSLATED:
        report["balance"] = {name: _balance(data, split) for name, split in splits.items()}
    repeated = _repeated(splits, whole_rows)
    if data.spec.task == UNPAIRED and data.spec.targets:
        del repeated["duplicate_rows"]  # the smaller kind is repeated until it is as large
    return report | repeated


def _table(data: Dataset, frame: pd.DataFrame, splits: dict[str, TableSplit]) -> dict[str, Any]:
    rows = np.sort(np.concatenate([split.rows for split in splits.values()]))
    inputs = {column.name: column for column in data.spec.inputs}
    columns, contents = [], defaultdict(list)
    for name in frame.columns:
        series = frame[name] if len(rows) == len(frame) else frame[name].iloc[rows]
        role = "input" if name in inputs else "target" if name in data.spec.targets else "ignored"
        column = {"name": name, "role": role, **_column(series)}
        if name in inputs:
            column["kind"] = inputs[name].kind
            column["format"] = inputs[name].format
        columns.append(column)
        contents[_column_key(series)].append(name)
    return {
        "columns": columns,
        "constant_columns": [c["name"] for c in columns if c["constant"]],
        "duplicate_columns": [names for names in contents.values() if len(names) > 1],
    }


def _column(series: pd.Series) -> dict[str, Any]:
    about: dict[str, Any]
    missing = int(series.isna().sum())
    if is_number(series):
        distinct = int(series.nunique())
        infinite = int(np.isinf(series.to_numpy()).sum())
        about = {"kind": "number", "missing": missing, "distinct": distinct, "infinite": infinite}
        about |= _range(series)
    elif is_text(series):
        counts = series.value_counts()
        counts = counts[counts > 0]
        top = [[str(value), int(count)] for value, count in counts.iloc[:TOP].items()]
        about = {"kind": "text", "missing": missing, "distinct": len(counts), "top": top}
    else:
        about = {"kind": "nested", "missing": missing, "distinct": None}
    return {**about, "constant": about["distinct"] in (0, 1) and missing in (0, len(series))}


def _range(values: pd.Series | np.ndarray) -> dict[str, float | None]:
    """Describe the finite numbers."""
    present = np.asarray(values, np.float64)
    present = present[np.isfinite(present)]
    if not len(present):
        return {"minimum": None, "mean": None, "maximum": None, "deviation": None}
    with np.errstate(over="ignore", invalid="ignore"):  # 1e300 squared is infinite
        return {
            "minimum": float(present.min()),
            "mean": float(present.mean()),
            "maximum": float(present.max()),
            "deviation": float(present.std()),
        }


def _column_key(series: pd.Series) -> bytes:
    """Return the same for columns that hold the same, however their values are called."""
    if is_number(series):
        values = series.to_numpy()
    else:
        values = pd.factorize(series.cat.codes if is_text(series) else series.astype(str))[0]
    return hashlib.sha256(np.ascontiguousarray(values).data).digest()


def _array(name: str, array: np.ndarray) -> dict[str, Any]:
    flat = array.reshape(len(array), -1)
    low, high = np.fmin.reduce(flat, axis=0), np.fmax.reduce(flat, axis=0)  # NaN left out
    numbers = {key: _range(array)[key] for key in ("minimum", "mean", "maximum")}
    return {
        "name": name,
        "shape": list(array.shape[1:]),
        "type": str(array.dtype),
        **numbers,
        "constant": int((low == high).sum()),
    }


def _sides(data: Dataset) -> list[dict[str, Any]]:
    """Describe both kinds of pictures, of which one becomes the other."""
    (inputs,) = data.train.arrays.values()
    return [
        {"name": name, **({"files": _files(side)} if isinstance(side, Pictures) else
                          {"array": _array(name, side)})}
        for name, side in zip(data.spec.classes, (inputs, data.train.target), strict=True)
    ]  # fmt: skip


def _files(pictures: Pictures) -> dict[str, Any]:
    """Describe picture files: their number, sizes from the smallest to the largest, and color."""
    looks = dict(zip(pictures.paths, pictures.looks, strict=True)).values()  # each file once
    sizes = sorted({(look.height * look.width, look.height, look.width) for look in looks})
    return {
        "files": len(looks),
        "smallest": list(sizes[0][1:]),
        "largest": list(sizes[-1][1:]),
        "sizes": len(sizes),
        "gray": sum(look.gray for look in looks),
        "seen": list(pictures.shape[1:]),
    }


def _text(splits: dict[str, TextSplit]) -> dict[str, Any]:
    documents = [str(document) for split in splits.values() for document in split.documents]
    lengths = [len(document) for document in documents]
    return {
        "documents": len(documents),
        "characters": sum(lengths),
        "distinct_characters": len(set().union(*documents)),
        "shortest": min(lengths),
        "longest": max(lengths),
        "split_characters": {
            name: sum(len(str(document)) for document in split.documents)
            for name, split in splits.items()
        },
    }


def _balance(data: Dataset, split: Any) -> Any:
    """Return rows, boxes or the share of pixels of each class, or the range of each number."""
    classes = data.spec.classes
    if data.spec.task == "segmentation":
        pixels = count_pixels(split.target, split.rows, len(classes))
        shares = pixels / max(pixels.sum(), 1)
        return {name: float(share) for name, share in zip(classes, shares, strict=True)}
    values = split.targets()
    if data.spec.task == "classification":
        counts = np.bincount(values, minlength=len(classes))
    elif data.spec.task == "detection":
        counts = count(values, classes)
    elif data.spec.task == "multi-label":
        counts = values.sum(axis=0)
    elif data.spec.task in PAIRED:
        return {data.spec.targets[0]: _range(np.array([len(text) for text in values]))}
    else:
        return {name: _range(values[:, i]) for i, name in enumerate(data.spec.targets)}
    return {name: int(count) for name, count in zip(classes, counts, strict=True)}


def _repeated(splits: dict[str, Any], whole_rows: bool) -> dict[str, Any]:
    """Count rows whose inputs occur more than once, and those that cross from split to split."""
    keys = {name: _row_keys(split, whole_rows) for name, split in splits.items()}
    everything = np.concatenate(list(keys.values()))
    shared = {
        f"{first} and {second}": int(np.isin(keys[second], keys[first]).sum())
        for first, second in combinations(NAMES, 2)
    }
    return {
        "duplicate_rows": int(len(everything) - len(np.unique(everything))),
        "shared_rows": shared,
    }


def _row_keys(split: Any, whole_rows: bool) -> np.ndarray:
    """Return one 64-bit number a row, the same for the same inputs."""
    if isinstance(split, TableSplit):
        read = slice(None) if whole_rows else [column.name for column in split.inputs]
        rows = split.frame.loc[:, read].iloc[split.rows]
        lists = {str(name): rows[name].map(repr) for name in rows if rows[name].dtype == object}
        rows = rows.assign(**lists)  # as they are, they have no hash
        return pd.util.hash_pandas_object(rows, index=False).to_numpy()
    if isinstance(split, TextSplit):
        return _hashed([document.encode() for document in split.documents])
    arrays = [identity(array) for array in split.arrays.values()]
    return _hashed([b"".join(a[row].tobytes() for a in arrays) for row in split.rows])


def _hashed(rows: list[bytes]) -> np.ndarray:
    keys = [hashlib.blake2b(row, digest_size=8).digest() for row in rows]
    return np.frombuffer(b"".join(keys), np.uint64)
