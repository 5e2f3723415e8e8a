"""Delimited text: CSV and its relatives, read in chunks so that a million rows stay small."""

from __future__ import annotations

import csv
import gzip
import io
import re
import warnings
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pandas as pd

from zoo.errors import InputError
from zoo.progress import Progress
from zoo.untrusted import LARGEST_COUNT, Lines

from .bad import BadExamples
from .frames import Chunk, categorize, is_text, join
from .rows import Good, Row, find_bad_lines, line_numbers, not_text, problem_of, split_rows

CHUNK = 65_536  # rows
CELLS = 1 << 24  # of a chunk of a wide table: 128 MB
SAMPLE = 1 << 20  # bytes
BLANKS = ("?",)  # missing, besides pandas' own: empty, NA, N/A, NaN, nan, null, None, ...
_DECIMAL_COMMA = re.compile(r"(^|;)-?\d+,\d+(;|\r?$)", re.MULTILINE)


@dataclass(frozen=True)
class Layout:
    """How a file is written, as its first megabyte shows."""

    header: tuple[str, ...]
    separator: str
    decimal: str
    whole: bool  # the sample is the whole file
    clean: bool  # no row of the sample is bad


def read_delimited(
    path: Path, texts: Collection[str] = (), bad: BadExamples | None = None
) -> pd.DataFrame:
    """Read a file with a header line; its columns become float64 or categories of strings.

    Args:
        path: a .csv, .tsv or either with .gz.
        texts: columns to read as strings, even where they look like numbers.
        bad: what becomes of rows that cannot be read.
    """
    with _reported(path):
        layout = _layout(path)
        frame = _attempt(path, layout, texts) if layout.clean else None
        if frame is not None and not _may_be_short(path, layout, frame):
            return frame
        with open_text(path, errors="surrogateescape") as lines:
            columns = len(layout.header)
            left_out, good = find_bad_lines(
                lines, layout.separator, columns, path, bad or BadExamples()
            )
        if frame is None or left_out:
            frame = None  # before another takes as much memory
            frame = _frame(path, layout, texts, left_out)
        if len(frame) != good:  # as with single carriage returns here and there
            raise pd.errors.ParserError(f"{len(frame):,} rows were read of {good:,}")
        return frame


def find_lines(path: Path, rows: Collection[int]) -> list[int]:
    """Return the line numbers of some good rows of a file, in order."""
    layout = _layout(path)
    with open_text(path, errors="surrogateescape") as lines:
        return line_numbers(lines, layout.separator, len(layout.header), rows)


def _attempt(path: Path, layout: Layout, texts: Collection[str]) -> pd.DataFrame | None:
    """Read a file as if all its rows were good; None where one is not, as pandas notices."""
    try:
        return _frame(path, layout, texts)
    except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeError):
        return None


def _frame(
    path: Path, layout: Layout, texts: Collection[str], left_out: Sequence[int] = ()
) -> pd.DataFrame:
    known = set(texts) | _texts(path, layout, left_out)
    chunks, mixed = _read(path, layout, known, left_out)
    if mixed:  # numbers that meet strings further down: as strings, as they are written
        del chunks
        chunks, _ = _read(path, layout, known | mixed, left_out)
    return join(chunks)


def _read(
    path: Path, layout: Layout, texts: set[str], left_out: Sequence[int]
) -> tuple[list[Chunk], set[str]]:
    """Return all chunks, and the columns that hold strings though their first rows did not."""
    chunks: list[Chunk] = []
    mixed: set[str] = set()
    with (
        Progress(f"Reading {path.name}") as progress,
        open_text(path, errors="surrogateescape") as file,
        _pandas(Good(file, left_out), layout, texts, chunksize=_rows(layout, CHUNK)) as reader,
    ):
        rows = 0
        for frame in reader:
            rows += len(frame)
            if rows * len(layout.header) > cast(Any, file.buffer).raw.count:  # each cell has an end
                raise pd.errors.ParserError("rows have too few fields")
            chunk = {name: _column(frame[name]) for name in frame.columns}
            mixed |= {name for name in chunk if name not in texts and is_text(chunk[name])}
            chunks.append(chunk)
            progress.advance(len(frame))
    return chunks, mixed


def _rows(layout: Layout, most: int) -> int:
    """Return how many rows to read at once: pandas makes room for those that are too short."""
    return max(1, min(most, CELLS // len(layout.header)))


def _column(series: pd.Series) -> pd.Series:
    if series.dtype.kind in "iuf":
        return series.astype(np.float64)
    return categorize(series)


def _texts(path: Path, layout: Layout, left_out: Sequence[int]) -> set[str]:
    """Return the columns whose first rows are not numbers; true and false are strings too."""
    with open_text(path, errors="surrogateescape") as file:
        head = _pandas(Good(file, left_out), layout, set(), nrows=_rows(layout, 5_000))
    return {name for name in head.columns if head[name].dtype.kind not in "iuf"}


def _pandas(file: Good, layout: Layout, texts: set[str], **options: Any) -> Any:
    return pd.read_csv(
        file,
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
    sample = sample if whole else _complete_lines(path, sample)
    text = sample.decode("utf-8-sig", "surrogateescape")
    separator = _separator(path, text.partition("\n")[0])
    rows = _sample_rows(text, separator, whole)
    header = _header(path, next(rows, None), separator)
    problems = [(row, problem_of(row, len(header), path.name)) for row in rows]
    good = (row.text for row, problem in problems if not problem)
    european = separator == ";" and any(map(_DECIMAL_COMMA.search, good))
    clean = not any(problem for _, problem in problems)
    return Layout(header, separator, "," if european else ".", whole, clean)


def _complete_lines(path: Path, sample: bytes) -> bytes:
    end = sample.rfind(b"\n")
    if end < 0:
        raise InputError(
            f"'{path}' has one line of more than {len(sample):,} characters; expected one row a "
            "line; try a file with line breaks"
        )
    return sample[: end + 1]


def _separator(path: Path, header: str) -> str:
    if ".tsv" in path.suffixes:
        return "\t"
    return max(",;\t|", key=header.count)


def _sample_rows(text: str, separator: str, whole: bool) -> Iterator[Row]:
    """Yield the rows of a sample, which may end inside of one."""
    for row in split_rows(io.StringIO(text, newline=""), separator):
        if not row.closed and not whole:
            return
        if row.fields:
            yield row


def _header(path: Path, row: Row | None, separator: str) -> tuple[str, ...]:
    """Return the names of the columns, all of them different."""
    if row and (problem := not_text(row.text, path.name)):
        BadExamples().found(path, "header", problem)
    if not row or not row.closed:
        raise InputError(
            f"'{path}' has a header that cannot be read; expected a closing quote for each one "
            "opened; the file looks cut off: try getting it again"
        )
    (fields,) = csv.reader(row.lines, delimiter=separator, strict=True, skipinitialspace=True)
    names = [name.strip() for name in fields]
    if len(names) > LARGEST_COUNT:
        raise InputError(
            f"'{path}' has {len(names):,} columns; expected {LARGEST_COUNT:,} at most; try a .npz "
            "file, which has one array"
        )
    double = sorted(name for name, times in Counter(names).items() if name and times > 1)
    if double:
        raise InputError(
            f"'{path}' has more than one column named '{double[0]}'; expected different names; "
            "try renaming one in the header line"
        )
    return tuple(name or f"column {i}" for i, name in enumerate(names, start=1))


def _may_be_short(path: Path, layout: Layout, frame: pd.DataFrame) -> bool:
    """Tell whether rows may have too few fields, which pandas fills up in silence.

    Separators are counted, which is quick; only where that leaves a doubt are rows parsed.
    """
    if layout.whole or not len(frame) or not frame.iloc[:, -1].isna().any():
        return False
    separator = layout.separator.encode()
    count = quotes = 0
    with open_binary(path) as file:
        while block := file.read(SAMPLE):
            count += block.count(separator)
            quotes += block.count(b'"')
    expected = len(layout.header)
    if not quotes and count == (len(frame) + 1) * (expected - 1):
        return False
    with open_text(path) as lines:
        reader = csv.reader(lines, delimiter=layout.separator, skipinitialspace=True)
        try:
            return any(row and len(row) != expected for row in reader)
        except csv.Error:  # a field longer than any is
            return True


def open_binary(path: Path) -> IO[bytes]:
    """Open a file as bytes, unpacked where its name ends in .gz."""
    unpacked = gzip.GzipFile if path.suffix == ".gz" else io.FileIO
    return io.BufferedReader(Lines(cast(IO[bytes], unpacked(path)), path), SAMPLE)


def open_text(path: Path, errors: str = "strict") -> io.TextIOWrapper:
    """Open a file as UTF-8 text, unpacked where its name ends in .gz."""
    return io.TextIOWrapper(open_binary(path), encoding="utf-8-sig", errors=errors, newline="")


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Turn what goes wrong while reading into one line."""
    with warnings.catch_warnings(), reported(path):
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            yield
        except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error) as error:
            raise InputError(
                f"'{path}' cannot be read as delimited text: {error}; expected one row a line, as "
                "in the header; try quoting fields that contain the separator"
            ) from error


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
    except OSError as error:
        raise InputError(
            f"'{path}' cannot be read: {error.strerror or error}; expected a file; try another"
        ) from error
