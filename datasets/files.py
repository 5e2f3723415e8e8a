"""Users' files: found, recognized by their suffix, and read whole."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from zoo.errors import InputError, missing_extra, nearest
from zoo.progress import Progress
from zoo.untrusted import MOST_EXPANDED, memory, refuse_remote, refused_kind

from . import delimited, jsonlines
from .arrays import read_arrays
from .bad import BadExamples
from .base import Raw
from .delimited import CHUNK
from .frames import Chunk, canonical, conflicts, force_text, is_number, join
from .pictures import SUFFIXES as PICTURES
from .splits import NAMES, consecutive, split_name
from .text import read_text
from .ts import read_series, same_length

TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".jsonl", ".ndjson")
SUFFIXES = (*TABLES, ".npz", ".ts", ".txt")
MOST_OF_TEXT = 64  # times the memory: a text is not kept there, but its tokens are counted
SEARCHED = 10_000  # files among which pictures are looked for, for a message


def suffix_of(path: Path) -> str | None:
    """Return the suffix that says how to read a file, or None."""
    return next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), None)


def find_parts(reference: str) -> dict[str, Path]:
    """Return the files behind a path, by split; a single file is "all" of the data."""
    refuse_remote(reference)
    path = Path(reference)
    if not os.path.exists(path):
        raise _missing(path)
    if not path.is_dir():
        return {"all": _readable(path)}
    parts: dict[str, Path] = {}
    for file in files_in(path):
        split = _split_of(file)
        if split:
            if split in parts:
                raise InputError(
                    f"'{path}' has both {parts[split].name} and {file.name}; expected one file a "
                    "split; try removing one"
                )
            parts[split] = file
    if "train" not in parts:
        raise _nothing(path)
    return {split: parts[split] for split in NAMES if split in parts}


def has_parts(folder: Path) -> bool:
    """Tell whether a folder has a train file of a kind that is read."""
    return any(_split_of(file) == "train" for file in files_in(folder))


def _split_of(file: Path) -> str | None:
    """Return the split that a file's name says it holds: train.csv, GunPoint_TRAIN.ts."""
    name, suffix = file.name.partition(".")[0], suffix_of(file)
    return split_name(name.rpartition("_")[2] if suffix == ".ts" else name) if suffix else None


def read_raw(parts: dict[str, Path], bad: BadExamples | None = None) -> Raw:
    """Read the files of a data set, and remember which rows came from which."""
    bad = bad or BadExamples()
    suffixes = {split: suffix_of(_readable(path)) for split, path in parts.items()}
    families = {"table" if suffix in TABLES else suffix for suffix in suffixes.values()}
    if len(families) > 1:
        shown = ", ".join(path.name for path in parts.values())
        raise InputError(f"Received files of different kinds: {shown}; expected one kind; "
                         "try converting one")  # fmt: skip
    family = families.pop()
    if family == "table":
        return _read_tables(parts, bad)
    if family == ".txt":
        return _stack({split: read_text(path) for split, path in parts.items()}, parts)
    if family == ".ts":
        series = {split: read_series(path, bad) for split, path in parts.items()}
        return _stack(same_length(series), parts)
    return _stack({split: read_arrays(path, bad) for split, path in parts.items()}, parts)


def read_frame(
    path: Path, texts: Collection[str] = (), bad: BadExamples | None = None
) -> pd.DataFrame:
    """Read one table; `texts` are the columns to read as strings whatever they look like."""
    path, bad = _readable(path), bad or BadExamples()
    suffix = suffix_of(path)
    if suffix == ".parquet":
        frame = _read_parquet(path)
    elif suffix in (".jsonl", ".ndjson"):
        frame = jsonlines.read_json_lines(path, bad)
    else:
        frame = delimited.read_delimited(path, texts, bad)
    if not len(frame):
        raise InputError(f"'{path}' has columns but no rows; expected rows; try another file")
    for name in texts:
        if name in frame and is_number(frame[name]):
            frame[name] = force_text(frame[name])
    return frame


def _read_tables(parts: dict[str, Path], bad: BadExamples) -> Raw:
    frames = {split: read_frame(path, (), bad) for split, path in parts.items()}
    first, *others = parts
    columns = list(frames[first].columns)
    for split in others:
        require_columns(frames[split], columns, str(parts[split]))
        frames[split] = frames[split][columns]
    kinds: dict[str, str] = {}
    mixed = {name for frame in frames.values() for name in conflicts(_chunk(frame), kinds)}
    for split, path in parts.items():
        if any(is_number(frames[split][name]) for name in mixed):
            frames[split] = read_frame(path, mixed, BadExamples(bad.policy))[columns]
    sizes = [len(frame) for frame in frames.values()]
    given = _given(dict(zip(parts, sizes, strict=True)))
    frame = join([_chunk(frame) for frame in frames.values()])
    return Raw("table", frame, given=given, places=partial(_places, list(parts.values()), sizes))


def _places(paths: list[Path], sizes: list[int], rows: Sequence[int]) -> list[tuple[str, str]]:
    """Return file and line of some rows of all the files' good ones, in order."""
    places, start = [], 0
    for path, size in zip(paths, sizes, strict=True):
        inside = [row - start for row in rows if start <= row < start + size]
        places += [(str(path), where) for where in _where(path, inside)]
        start += size
    return places


def _where(path: Path, rows: list[int]) -> list[str]:
    if not rows:
        return []
    if suffix_of(path) == ".parquet":
        return [f"row {row + 1}" for row in rows]
    reader = jsonlines if suffix_of(path) in (".jsonl", ".ndjson") else delimited
    return [f"line {line}" for line in reader.find_lines(path, rows)]


def require_columns(frame: pd.DataFrame, names: Collection[str], source: str) -> None:
    """Raise an InputError for the first column that a table lacks."""
    for name in names:
        if name not in frame:
            found = ", ".join(map(str, frame.columns))
            raise InputError(
                f"'{source}' has no column '{name}'.{nearest(name, frame.columns)} Expected the "
                f"columns of the training data; found {found or 'none'}; try renaming one"
            )


def _stack(raws: dict[str, Raw], parts: dict[str, Path]) -> Raw:
    """Join arrays or texts that came in several files."""
    if len(raws) == 1:
        return next(iter(raws.values()))
    first, *others = raws.values()
    given = _given({split: len(raw) for split, raw in raws.items()})
    if first.kind == "text":
        return Raw("text", documents=[raw.documents[0] for raw in raws.values()], given=given)
    for raw, path in zip(others, list(parts.values())[1:], strict=True):
        _refuse_unlike(first, raw, path)
    labelled = first.frame is not None
    frame = join([_chunk(raw.frame) for raw in raws.values()]) if labelled else None  # type: ignore[arg-type]
    array = np.concatenate([raw.array for raw in raws.values() if raw.array is not None])
    return replace(first, frame=frame, array=array, given=given)


def _refuse_unlike(first: Raw, other: Raw, path: Path) -> None:
    expected, received = _shape(first), _shape(other)
    if expected != received:
        raise InputError(
            f"'{path}' holds {received}; expected {expected} as in the training file; "
            "try the same arrays in each file"
        )


def _shape(raw: Raw) -> str:
    targets = list(raw.frame.columns) if raw.frame is not None else "no targets"
    return f"{raw.kind} arrays of {raw.shape} with {targets}"


def _given(sizes: dict[str, int]) -> dict[str, np.ndarray]:
    if "all" in sizes:
        sizes["train"] = sizes.pop("all")
        sizes = {name: sizes[name] for name in NAMES if name in sizes}
    if list(sizes) == ["train"]:
        return {}
    return consecutive(sizes)


def _chunk(frame: pd.DataFrame) -> Chunk:
    return {str(name): frame[name] for name in frame.columns}


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise missing_extra("pyarrow", "parquet", "Reading Parquet files") from error
    chunks = []
    try:
        file = pyarrow.parquet.ParquetFile(path)
        _refuse_double(path, file.schema_arrow.names)
        _refuse_repeated(path, file.metadata.num_rows * len(file.schema_arrow.names))
        with Progress(f"Reading {path.name}") as progress:
            for batch in file.iter_batches(batch_size=CHUNK):
                frame = batch.to_pandas(ignore_metadata=True)
                chunks.append({name: canonical(frame[name]) for name in frame.columns})
                progress.advance(len(frame))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InputError(
            f"'{path}' cannot be read as Parquet: {error!s:.120}; expected a whole file; "
            "try getting or writing it again"
        ) from error
    return join(chunks) if chunks else pd.DataFrame()


def _refuse_repeated(path: Path, cells: int) -> None:
    """Raise an InputError for a table that is nearly all one value, said a billion times."""
    most = max(4 * delimited.CELLS, MOST_EXPANDED * path.stat().st_size // 8)
    if cells > most:
        raise InputError(
            f"'{path}' has {cells:,} cells; expected {most:,} at most in a file of its size; try a "
            "part of it"
        )


def _refuse_double(path: Path, names: list[str]) -> None:
    double = [name for name, times in Counter(names).items() if times > 1]
    if double:
        raise InputError(
            f"'{path}' has more than one column named '{double[0]}'; expected different names; "
            "try renaming one"
        )


def _readable(path: Path) -> Path:
    refuse_remote(path)
    if not os.path.exists(path):
        raise _missing(path)
    if path.is_dir():
        raise InputError(f"'{path}' is a folder; expected a file; try one of the files in it")
    if not suffix_of(path):
        kind, hint = refused_kind(path)
        held = f"is {kind}" if kind else "has a suffix that is not known"
        raise InputError(
            f"'{path}' {held}; expected {', '.join(SUFFIXES)}; "
            f"try {hint if kind else 'converting or renaming it'}"
        )
    if str(path).encode(errors="replace").decode() != str(path):
        raise InputError(f"'{path}' has a name that is not UTF-8; expected one; try renaming it")
    size = path.stat().st_size
    if not size:
        raise InputError(f"'{path}' is empty; expected data; try another file")
    if size > memory() * (MOST_OF_TEXT if suffix_of(path) == ".txt" else 1):
        raise InputError(
            f"'{path}' holds {size:,} bytes, and this machine {memory():,} of memory; expected "
            "data that fits, as it is kept there; try a part of it"
        )
    return path


def files_in(folder: Path) -> list[Path]:
    """Return what is in a folder, nothing where that is none or cannot be read."""
    try:
        return [folder / name for name in sorted(os.listdir(folder))]
    except (OSError, ValueError):
        return []


def _missing(path: Path) -> InputError:
    usable = [file.name for file in files_in(path.parent) if suffix_of(file)]
    return InputError(
        f"'{path}' does not exist.{nearest(path.name, usable)} Expected a file or a folder with "
        "train, validation and test files; try another path, or a name of `zoo data list`"
    )


def _nothing(path: Path) -> InputError:
    if any(file.suffix.lower() in PICTURES for file in islice(path.rglob("*"), SEARCHED)):
        return InputError(
            f"'{path}' holds pictures in no layout that is known; expected a folder of them a "
            "class, also within train, validation and test, or images and masks, or what Pascal "
            "VOC or COCO make; try sorting them so"
        )
    usable = [file for file in files_in(path) if file.is_file() and suffix_of(file)]
    hint = str(usable[0]) if usable else f"files that end in {', '.join(SUFFIXES)}"
    return InputError(
        f"'{path}' has no usable train file; expected train.csv and, if there are, validation.csv "
        f"and test.csv, the same of another kind, or a folder of pictures a class; try {hint}"
    )
