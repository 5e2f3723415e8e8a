"""Delimited text: CSV and its relatives, read in chunks so that a million rows stay small."""

from __future__ import annotations

import csv
import gzip
import re
import warnings
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pandas as pd

from zoo.errors import InputError
from zoo.progress import Progress

from .frames import Chunk, categorize, is_text, join

CHUNK = 65_536  # rows
SAMPLE = 1 << 20  # bytes
BLANKS = ("?",)  # missing, besides pandas' own: empty, NA, N/A, NaN, nan, null, None, ...


@dataclass(frozen=True)
class Layout:
    """How a file is written, as its first megabyte shows."""

    header: tuple[str, ...]
    separator: str
    decimal: str
    whole: bool  # the sample is the whole file


def read_delimited(path: Path, texts: Collection[str] = ()) -> pd.DataFrame:
    """Read a file with a header line; its columns become float64 or categories of strings.

    Args:
        path: a .csv, .tsv or either with .gz.
        texts: columns to read as strings, even where they look like numbers.
    """
    with _reported(path):
        layout = _layout(path)
        known = set(texts) | _texts(path, layout)
        chunks, mixed = _read(path, layout, known)
        if mixed:  # numbers that meet strings further down: as strings, as they are written
            del chunks
            chunks, _ = _read(path, layout, known | mixed)
        frame = join(chunks)
        if not layout.whole and len(frame) and frame.iloc[:, -1].isna().any():
            _refuse_short_rows(path, layout, len(frame))
    return frame


def _read(path: Path, layout: Layout, texts: set[str]) -> tuple[list[Chunk], set[str]]:
    """Return all chunks, and the columns that hold strings though their first rows did not."""
    chunks: list[Chunk] = []
    mixed: set[str] = set()
    with (
        Progress(f"Reading {path.name}") as progress,
        _pandas(path, layout, texts, chunksize=CHUNK) as reader,
    ):
        for frame in reader:
            chunk = {name: _column(frame[name]) for name in frame.columns}
            mixed |= {name for name in chunk if name not in texts and is_text(chunk[name])}
            chunks.append(chunk)
            progress.advance(len(frame))
    return chunks, mixed


def _column(series: pd.Series) -> pd.Series:
    if series.dtype.kind in "iuf":
        return series.astype(np.float64)
    return categorize(series)


def _texts(path: Path, layout: Layout) -> set[str]:
    """Return the columns whose first rows are not numbers; true and false are strings too."""
    head = _pandas(path, layout, set(), nrows=5_000)
    return {name for name in head.columns if head[name].dtype.kind not in "iuf"}


def _pandas(path: Path, layout: Layout, texts: set[str], **options: Any) -> Any:
    return pd.read_csv(
        path,
        sep=layout.separator,
        decimal=layout.decimal,
        header=0,
        names=list(layout.header),
        index_col=False,
        dtype={name: object for name in layout.header if name in texts},
        na_values=list(BLANKS),
        skipinitialspace=True,
        engine="c",
        low_memory=False,
        **options,
    )


def _layout(path: Path) -> Layout:
    with open_binary(path) as file:
        sample = file.read(SAMPLE)
        whole = not file.read(1)
    if not sample.strip():
        raise InputError(f"'{path}' is empty; expected a header line and rows; try another file")
    text = _decoded(path, sample if whole else _complete_lines(path, sample))
    separator = _separator(path, text.partition("\n")[0])
    rows = _sample_rows(text, separator, whole)
    header = next(rows, None)
    if not header:
        raise InputError(
            f"'{path}' has a header that cannot be read; expected a closing quote for each one "
            "opened; the file looks cut off: try getting it again"
        )
    _refuse_header(path, header)
    for number, row in rows:
        _refuse_ragged(path, len(header[1]), number, row)
    names = tuple(name.strip() or f"column {i}" for i, name in enumerate(header[1], start=1))
    european = separator == ";" and re.search(r"(^|;)-?\d+,\d+(;|\r?$)", text, re.MULTILINE)
    return Layout(names, separator, "," if european else ".", whole)


def _complete_lines(path: Path, sample: bytes) -> bytes:
    end = sample.rfind(b"\n")
    if end < 0:
        raise InputError(
            f"'{path}' has one line of more than {len(sample):,} characters; expected one row a "
            "line; try a file with line breaks"
        )
    return sample[: end + 1]


def _decoded(path: Path, sample: bytes) -> str:
    if b"\0" in sample:
        raise InputError(
            f"'{path}' holds zero bytes; expected UTF-8 text; try `file {path}` to see what it is"
        )
    return sample.decode("utf-8-sig")


def _separator(path: Path, header: str) -> str:
    if ".tsv" in path.suffixes:
        return "\t"
    return max(",;\t|", key=header.count)


def _sample_rows(text: str, separator: str, whole: bool) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and fields; pandas reports better what csv cannot read."""
    lines = text.splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True)
    try:
        for row in reader:
            cut = not whole and reader.line_num == len(lines)  # perhaps inside quotes
            if row and not cut:
                yield reader.line_num, row
    except csv.Error:
        if reader.line_num <= 1:
            raise


def _refuse_header(path: Path, header: tuple[int, list[str]]) -> None:
    names = [name.strip() for name in header[1]]
    double = sorted({name for name in names if name and names.count(name) > 1})
    if double:
        raise InputError(
            f"'{path}' has more than one column named '{double[0]}'; expected different names; "
            "try renaming one in the header line"
        )


def _refuse_ragged(path: Path, expected: int, line: int, row: list[str]) -> None:
    if len(row) != expected:
        raise InputError(
            f"'{path}' line {line} has {len(row)} fields; expected {expected} as in the header; "
            "try quoting fields that contain the separator"
        )


def _refuse_short_rows(path: Path, layout: Layout, rows: int) -> None:
    """Find rows with too few fields, which pandas fills up in silence.

    Separators are counted, which is quick; only where that leaves a doubt are rows parsed.
    """
    separator = layout.separator.encode()
    count = quotes = 0
    with open_binary(path) as file:
        while block := file.read(SAMPLE):
            count += block.count(separator)
            quotes += block.count(b'"')
    expected = len(layout.header)
    if not quotes and count == (rows + 1) * (expected - 1):
        return
    with open_text(path) as lines:
        reader = csv.reader(lines, delimiter=layout.separator, skipinitialspace=True)
        for row in reader:
            if row:
                _refuse_ragged(path, expected, reader.line_num, row)


def open_binary(path: Path) -> IO[bytes]:
    """Open a file as bytes, unpacked where its name ends in .gz."""
    if path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    return path.open("rb")


def open_text(path: Path) -> IO[str]:
    """Open a file as UTF-8 text, unpacked where its name ends in .gz."""
    if path.suffix == ".gz":
        return cast(IO[str], gzip.open(path, "rt", encoding="utf-8-sig", newline=""))
    return path.open(encoding="utf-8-sig", newline="")


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Turn what goes wrong while reading into one line."""
    with warnings.catch_warnings(), reported(path):
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            yield
        except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error) as error:
            raise InputError(f"'{path}' {_explained(str(error))}") from error


def _explained(message: str) -> str:
    if found := re.search(r"EOF inside string starting at row (\d+)", message):
        return (
            f"ends inside a quoted field that begins in row {found[1]}; expected a closing quote; "
            "the file looks cut off: try getting it again"
        )
    if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message):
        return (
            f"line {found[2]} has {found[3]} fields; expected {found[1]} as in the header; "
            "try quoting fields that contain the separator"
        )
    return f"cannot be read as delimited text: {message}; expected one row a line, as in the header"


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Turn what goes wrong with any file of text, packed or not, into one line."""
    try:
        yield
    except UnicodeDecodeError as error:
        wrong = error.object[error.start]
        raise InputError(
            f"'{path}' is not UTF-8 text: byte 0x{wrong:02x} cannot be read; expected UTF-8; "
            f"try: iconv -f CP1252 -t UTF-8 {path.name}"
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"'{path}' is not a whole gzip file ({error}); expected one; try getting it again"
        ) from error
