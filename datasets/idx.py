"""IDX files, the form MNIST is published in: big-endian arrays, packed with gzip or not."""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from zoo.errors import InputError
from zoo.untrusted import check_expansion

from .arrays import as_examples
from .base import Raw
from .files import files_in
from .splits import consecutive

NAME = re.compile(r"(?:.*-)?(train|t10k|test)-(images|labels)[-.]idx\d-ubyte(?:\.gz)?")
_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_EXPECTED = "expected train-images-idx3-ubyte, train-labels-idx1-ubyte and the same of t10k"


def find_idx(folder: Path) -> dict[tuple[str, str], Path]:
    """Return the IDX files of a folder by split, "train" or "test", and "images" or "labels"."""
    return by_name(files_in(folder))


def by_name(paths: Iterable[Path]) -> dict[tuple[str, str], Path]:
    """Return the IDX files among some by split and what they hold, as `find_idx` does."""
    found: dict[tuple[str, str], Path] = {}
    for path in paths:
        if match := NAME.fullmatch(path.name):
            key = ("train" if match[1] == "train" else "test", match[2])
            if key in found:
                raise InputError(
                    f"'{path.parent}' has both {found[key].name} and {path.name}; expected one "
                    "file of each kind; try removing one"
                )
            found[key] = path
    return found


def read_idx_files(files: dict[tuple[str, str], Path], source: str) -> Raw:
    """Read pictures and labels of a training split and, where there is one, a test split."""
    splits = [split for split in ("train", "test") if (split, "images") in files]
    absent = [s for s in splits if (s, "labels") not in files]
    if "train" not in splits or absent:
        found = ", ".join(path.name for path in files.values())
        raise InputError(f"'{source}' holds {found}; {_EXPECTED}; try adding what is missing")
    parts = [_part(files, split) for split in splits]
    sizes = {split: len(labels) for split, (_, labels) in zip(splits, parts, strict=True)}
    given = consecutive(sizes) if len(splits) > 1 else {}
    array, kind = as_examples(files[splits[0], "images"], np.concatenate([x for x, _ in parts]))
    labels = pd.Categorical(np.concatenate([y for _, y in parts]).astype(str))
    return Raw(kind, pd.DataFrame({"label": labels}), array, target=("label",), given=given)


def _part(files: dict[tuple[str, str], Path], split: str) -> tuple[np.ndarray, np.ndarray]:
    images, labels = (read_idx(files[split, what]) for what in ("images", "labels"))
    if labels.ndim != 1 or len(labels) != len(images):
        raise InputError(
            f"'{files[split, 'labels']}' holds labels of shape {labels.shape} for {len(images):,} "
            "pictures; expected one each; try getting both files again"
        )
    return images, labels


def read_idx(path: Path) -> np.ndarray:
    """Return the array of an IDX file.

    Raises:
        InputError: it is cut off, damaged, promises more than there is, or is no IDX file.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            zeros, kind, dimensions = struct.unpack(">HBB", file.read(4))
            if zeros or kind not in _TYPES:
                raise ValueError("it begins otherwise")
            shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
            dtype = np.dtype(_TYPES[kind])
            size = math.prod(shape) * dtype.itemsize
            check_expansion(size, path.stat().st_size)
            data = file.read(size + 1)
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as error:
        raise InputError(
            f"'{path}' is no IDX file ({str(error)[:100]}); expected an array as MNIST has them; "
            "try getting it again"
        ) from error
    if len(data) != size:
        held = "more" if len(data) > size else f"only {len(data):,}"
        raise InputError(
            f"'{path}' promises {size:,} bytes of shape {shape} and holds {held}; expected "
            "a whole file; try getting it again"
        )
    return np.frombuffer(data, dtype).reshape(shape)
