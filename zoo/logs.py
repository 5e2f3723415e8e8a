"""The log of a run: CSV, a line an epoch, every bit of a number kept."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.files import append, damaged, plain, read_text, write_atomic
from zoo.untrusted import LARGEST_LOG


class Log:
    """A file that grows by whole lines.

    Args:
        path: of the file, which need not be there.
    """

    def __init__(self, path: Path):
        self.path = path
        self._columns: list[str] | None = None

    def rows(self) -> list[dict[str, Any]]:
        """Return one dictionary a line: int, float, text, or None where a value is absent."""
        if not self.path.exists():
            return []
        text = read_text(self.path, LARGEST_LOG)
        lines = self._lines(text)
        if lines and not text.endswith("\n"):
            lines.pop()  # half a line, left by a machine that lost power
        header, rows = (lines[0], lines[1:]) if lines else ([], [])
        if any(len(row) != len(header) for row in rows):
            raise damaged(self.path, f"{len(header)} values in every line")
        return [dict(zip(header, map(_value, row), strict=True)) for row in rows]

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a line.

        Raises:
            ValueError: the row has a column that the header has not.
        """
        if self._columns is None:
            there = self._lines(read_text(self.path, LARGEST_LOG)) if self.path.exists() else []
            self._columns = there[0] if there else []
        lines = [] if self._columns else [list(row)]
        self._columns = self._columns or list(row)
        if extra := [key for key in row if key not in self._columns]:
            raise ValueError(f"Expected only the columns {self._columns}. Received: {extra}")
        append(self.path, _text([*lines, [_cell(row.get(key)) for key in self._columns]]))

    def rewrite(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace all lines."""
        self._columns = list(dict.fromkeys(key for row in rows for key in row))
        lines = [[_cell(row.get(key)) for key in self._columns] for row in rows]
        write_atomic(self.path, _text([self._columns, *lines] if rows else []))

    def _lines(self, text: str) -> list[list[str]]:
        try:
            return list(csv.reader(io.StringIO(text)))
        except csv.Error as error:
            raise damaged(self.path, f"CSV: {error}") from error


def _text(lines: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def _cell(value: Any) -> str:
    """Return a value as it is written: every bit of a float, nothing for None."""
    value = plain(value)
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _value(text: str) -> Any:
    """Return what `_cell` wrote as int, float, text or None."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text or None
