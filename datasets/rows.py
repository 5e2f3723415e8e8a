"""Rows of delimited text one at a time: exact, and slower than pandas.

Read so are the first megabyte of a file, and all of one that pandas stumbles over.
"""

from __future__ import annotations

import csv
import io
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import pandas as pd

from .bad import BadExamples, Problem


class Row(NamedTuple):
    """One row, over several lines where a quoted field is.

    Attributes:
        line: the number of its first line, from 1.
        lines: as they are written, their ends included.
        fields: how many; 0 for a blank line, which pandas passes over.
        closed: whether every quote that was opened is closed.
    """

    line: int
    lines: Sequence[str]
    fields: int
    closed: bool = True

    @property
    def text(self) -> str:
        """All its lines."""
        return self.lines[0] if len(self.lines) == 1 else "".join(self.lines)

    @property
    def where(self) -> str:
        """What a message calls it."""
        last = self.line + len(self.lines) - 1
        return f"line {last}" if last == self.line else f"row of lines {self.line} to {last}"


class _Lines:
    """Lines that can be put back."""

    def __init__(self, lines: Iterable[str]):
        self._lines, self._waiting = iter(lines), deque[str]()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return self._waiting.popleft() if self._waiting else next(self._lines)

    def put_back(self, lines: Sequence[str]) -> None:
        self._waiting.extendleft(reversed(lines))


def split_rows(lines: Iterable[str], separator: str) -> Iterator[Row]:
    """Yield every row, the header first.

    A quote that is never closed, or closed by one that opens another field, would swallow good
    rows: where what it took are rows by themselves, its line alone is the row that is not closed.
    """
    following, number, expected = _Lines(lines), 1, 0
    blank = " \t\r\n".replace(separator, "")
    for line in following:
        if '"' in line:
            row = _quoted(number, line, following, separator, expected)
        else:
            row = Row(number, [line], line.count(separator) + 1 if line.strip(blank) else 0)
        yield row
        number += len(row.lines)
        expected = expected or row.fields


def _quoted(number: int, line: str, following: _Lines, separator: str, expected: int) -> Row:
    taken, closed = [line], True

    def feed() -> Iterator[str]:
        nonlocal closed
        yield line
        for other in following:
            taken.append(other)
            yield other
        closed = False  # the file ends, and a quote is still open

    fields = 1
    try:
        fields = len(next(csv.reader(feed(), delimiter=separator, skipinitialspace=True)))
    except csv.Error:  # a field longer than any is
        closed = False
    if (fields != expected or not closed) and _are_rows(taken[1:], separator, expected):
        following.put_back(taken[1:])
        return Row(number, [line], fields, closed=False)
    return Row(number, taken, fields, closed)


def _are_rows(lines: Sequence[str], separator: str, expected: int) -> bool:
    """Tell rows from the lines of a text: most have as many fields as the header."""
    alike = sum(line.count(separator) + 1 == expected for line in lines)
    return 2 * alike > len(lines)


def problem_of(row: Row, expected: int, name: str) -> Problem | None:
    """Return what is wrong with a row of the file `name`, None for a good one."""
    text = row.text
    if problem := not_text(text, name):
        return problem
    if not row.closed:
        limit = f"a closing quote within {csv.field_size_limit():,} characters"
        return "ends inside a quoted field", limit, "getting it again where the file is cut off"
    if row.fields != expected:
        held = "has 1 field" if row.fields == 1 else f"has {row.fields} fields"
        return held, f"{expected} as in the header", "quoting fields that contain the separator"
    return None


def not_text(text: str, name: str) -> Problem | None:
    """Return what keeps a line from being text; it was decoded with "surrogateescape"."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            wrong = f"is not UTF-8 text: byte 0x{ord(text[error.start]) & 0xFF:02x} cannot be read"
            return wrong, "UTF-8", f"iconv -f CP1252 -t UTF-8 {name}"
    if "\0" in text:
        return "holds zero bytes", "UTF-8 text", f"`file {name}` to see what it is"
    return None


def find_bad_lines(
    lines: Iterable[str], separator: str, expected: int, path: Path, bad: BadExamples
) -> tuple[array[int], int]:
    """Report the bad rows of a file; return the lines they take, in order, and count the others."""
    found, good = array("q"), 0
    for row in _below_header(lines, separator):
        if problem := problem_of(row, expected, path.name):
            bad.found(path, row.where, problem)
            found.extend(range(row.line, row.line + len(row.lines)))
        else:
            good += 1
    bad.finished(path, good)
    return found, good


def line_numbers(
    lines: Iterable[str], separator: str, expected: int, wanted: Iterable[int]
) -> list[int]:
    """Return the line of each of some good rows, which are counted from 0, in order."""
    good = (row for row in _below_header(lines, separator) if not problem_of(row, expected, ""))
    looked_for = set(wanted)
    return [row.line for index, row in enumerate(good) if index in looked_for]


def _below_header(lines: Iterable[str], separator: str) -> Iterator[Row]:
    rows = (row for row in split_rows(lines, separator) if row.fields)
    next(rows, None)
    return rows


class Good(io.TextIOBase):
    """A file for pandas to read, without some of its lines.

    Args:
        file: opened at its start.
        left_out: numbers of lines, from 1, in order.
    """

    def __init__(self, file: IO[str], left_out: Sequence[int] = ()):
        self._file, self._line = file, 0
        self._left_out = iter(left_out)
        self._next = next(self._left_out, None)

    def read(self, size: int | None = -1) -> str:
        """Return about as many characters; zero bytes, where pandas would stop, are refused."""
        size = -1 if size is None else size
        text = self._file.read(size) if self._next is None else self._lines(size)
        if "\0" in text:
            raise pd.errors.ParserError("zero bytes")
        return text

    def _lines(self, size: int) -> str:
        """Return the good ones of the next lines, of which there are some until the file ends."""
        while lines := self._file.readlines(size):
            good = [line for line in lines if not self._is_left_out()]
            if good:
                return "".join(good)
        return ""

    def _is_left_out(self) -> bool:
        self._line += 1
        if self._next != self._line:
            return False
        self._next = next(self._left_out, None)
        return True
