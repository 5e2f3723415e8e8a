"""NumPy archives: an array of examples and, mostly, one of targets."""

from __future__ import annotations

import lzma
import math
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from zoo.errors import InputError
from zoo.untrusted import LARGEST_COUNT, check_members

from .bad import BadExamples
from .base import Raw
from .frames import canonical
from .splits import consecutive, split_name

_BROKEN = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError,
    OSError, RuntimeError, MemoryError, OverflowError, IndexError, KeyError,
)  # fmt: skip
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
LARGEST = float(np.finfo(np.float32).max)
_FINITE = (
    "finite numbers, as arrays have no missing ones",
    "filling them, or a CSV file, where they may be missing",
)
_EXPECTED = "expected arrays x and y, or x_train, y_train, x_test, y_test"


def read_arrays(path: Path, bad: BadExamples) -> Raw:
    """Read an .npz file; uint8 with three or four dimensions are pictures, all else vectors."""
    arrays = _load(path)
    parts = _parts(path, arrays, bad)
    x = _stacked(path, "x", [part[0] for part in parts.values()])
    array, kind = as_examples(path, x)
    targets = [part[1] for part in parts.values() if part[1] is not None]
    sizes = {split: len(part[0]) for split, part in parts.items()}
    given = {} if list(parts) == ["all"] else consecutive(sizes)
    if not targets:
        return Raw(kind, array=array, given=given)
    frame, notes = _targets(path, _stacked(path, "y", targets))
    return Raw(kind, frame, array, target=tuple(frame.columns), given=given, notes=notes)


def as_vectors(array: np.ndarray) -> np.ndarray:
    """Return examples as float32 vectors, matrices and so on."""
    return array.astype(np.float32)


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            check_members(archive, path.stat().st_size)
            return {
                member.filename.removesuffix(".npy").lower(): _read(archive, member)
                for member in archive.infolist()
            }
    except ValueError as error:
        raise InputError(
            f"'{path}' is refused: {_one_line(error)}; expected arrays of numbers or strings; "
            "try x.astype('float32') before np.savez"
        ) from error
    except _BROKEN as error:
        raise InputError(
            f"'{path}' is not a whole .npz file ({_one_line(error)}); {_EXPECTED}; "
            "try getting it again, or np.savez(path, x=x, y=y)"
        ) from error


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """Read one array; its header may promise no more than there is, and no Python objects."""
    name = member.filename
    if not name.endswith(".npy") or "/" in name:
        raise ValueError(f"its member '{name[:60]}' is no array")
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(f"its member '{name}' is of version {version}")
        try:
            shape, _, dtype = _HEADERS[version](file)
        except Exception as error:  # a header is Python source, read by several parsers
            raise ValueError(f"its member '{name}' has no header of an array") from error
        if dtype.hasobject:
            raise ValueError(f"its member '{name}' holds an array of Python objects")
        if math.prod(shape) * dtype.itemsize != member.file_size - file.tell():
            raise ValueError(f"its member '{name}' promises an array of shape {shape}, not there")
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _parts(
    path: Path, arrays: dict[str, np.ndarray], bad: BadExamples
) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
    """Return examples and targets by split; "all" where the file has none."""
    names = {"all": "x"} if "x" in arrays else {}
    for name in arrays:
        split = split_name(name.removeprefix("x_")) if name.startswith("x_") else None
        if split:
            names[split] = name
    if not names or ("all" in names and len(names) > 1) or not {"all", "train"} & set(names):
        found = ", ".join(arrays) or "nothing"
        raise InputError(f"'{path}' holds {found}; {_EXPECTED}; try np.savez(path, x=x, y=y)")
    parts = {split: (arrays[name], arrays.get("y" + name[1:])) for split, name in names.items()}
    for split, (x, y) in parts.items():
        _refuse_lengths(path, names[split], x, y)
    if len({y is None for _, y in parts.values()}) > 1:
        raise InputError(f"'{path}' has targets for some splits only; {_EXPECTED}; try adding them")
    return {split: _good(path, names[split], x, y, bad) for split, (x, y) in parts.items()}


def _good(
    path: Path, name: str, x: np.ndarray, y: np.ndarray | None, bad: BadExamples
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the examples that are finite numbers, and their targets."""
    finite = {name: _finite(x, LARGEST)}
    if y is not None:
        finite[f"y{name[1:]}"] = _finite(y, np.inf)
    good = np.logical_and.reduce(list(finite.values()))
    if good.all():
        return x, y
    for row in np.flatnonzero(~good):
        array = next(array for array, rows in finite.items() if not rows[row])
        held = (x if array == name else y)[row]  # type: ignore[index]
        why = f"has {'NaN' if np.isnan(held).any() else 'infinite'} values"
        bad.found(path, f"array {array}[{row}]", (why, *_FINITE))
    bad.finished(path, int(good.sum()))
    return x[good], None if y is None else y[good]


def _finite(values: np.ndarray, largest: float) -> np.ndarray:
    """Tell which examples are finite numbers only, none above the largest."""
    if values.dtype.kind != "f" or not values.size:
        return np.ones(len(values), bool)
    low, high = float(values.min()), float(values.max())  # NaN if there is one
    if np.isfinite([low, high]).all() and max(-low, high) <= largest:
        return np.ones(len(values), bool)
    flat = values.reshape(len(values), -1)
    return (np.isfinite(flat) & (np.abs(flat) <= np.float64(largest))).all(axis=1)


def _refuse_lengths(path: Path, name: str, x: np.ndarray, y: np.ndarray | None) -> None:
    if not x.ndim or not x.size:
        raise InputError(f"'{path}' array {name} is empty; expected examples; try another file")
    if y is not None and (not y.ndim or len(x) != len(y)):
        raise InputError(
            f"'{path}' has {len(x)} examples in {name} but {y.shape[0] if y.ndim else 1} in "
            f"y{name[1:]}; expected as many of both; try saving them again"
        )


def _stacked(path: Path, name: str, arrays: list[np.ndarray]) -> np.ndarray:
    """Join the arrays of several splits."""
    if len({array.shape[1:] for array in arrays}) > 1:
        shapes = " and ".join(str(array.shape[1:]) for array in arrays)
        raise InputError(
            f"'{path}' has {name} arrays of shapes {shapes}; expected one shape in all splits; "
            "try saving them again"
        )
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def as_examples(path: Path, x: np.ndarray) -> tuple[np.ndarray, str]:
    """Return examples and their kind: uint8 with three or four dimensions are pictures."""
    if x.dtype.kind not in "biuf":
        raise InputError(
            f"'{path}' array x holds {x.dtype}; expected numbers; try x.astype('float32')"
        )
    if x.dtype == np.uint8 and x.ndim in (3, 4):
        return _pictures(path, x), "image"
    return as_vectors(x if x.ndim > 1 else x[:, np.newaxis]), "vector"


def _pictures(path: Path, x: np.ndarray) -> np.ndarray:
    pictures = x if x.ndim == 4 else x[..., np.newaxis]
    if pictures.shape[-1] not in (1, 3, 4):
        raise InputError(
            f"'{path}' has pictures of shape {x.shape[1:]}; expected (height, width) or (height, "
            "width, channels) with 1, 3 or 4 channels; try --kind vector"
        )
    return pictures


def _text(path: Path, y: np.ndarray) -> np.ndarray:
    """Return strings, of which an array can hold any bytes and numbers."""
    try:
        text = np.char.decode(y, "utf-8") if y.dtype.kind == "S" else y
        "".join(text.tolist()).encode()
    except (UnicodeError, ValueError) as error:
        raise InputError(
            f"'{path}' array y holds strings that are not UTF-8 text; expected names of classes, "
            "or numbers; try saving them so"
        ) from error
    return text


def _targets(path: Path, y: np.ndarray) -> tuple[pd.DataFrame, list[str]]:
    """Return targets as a frame with one column, or y0, y1 ... for several."""
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim > 2 or y.dtype.kind not in "biufUS" or math.prod(y.shape[1:]) > LARGEST_COUNT:
        raise InputError(
            f"'{path}' array y has shape {y.shape} of {y.dtype}; expected one number or string an "
            "example, or a row of numbers; try saving it so"
        )
    if y.ndim == 1:
        return pd.DataFrame(
            {"y": canonical(pd.Series(_text(path, y) if y.dtype.kind in "US" else y))}
        ), []
    if ((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all():
        codes = canonical(pd.Series(y.argmax(axis=1).astype(str)))
        return pd.DataFrame({"y": codes}), [f"y is one-hot: classes 0 to {y.shape[1] - 1}"]
    return pd.DataFrame({f"y{i}": canonical(pd.Series(y[:, i])) for i in range(y.shape[1])}), []
