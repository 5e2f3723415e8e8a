"""JSON lines: one object a line, each a row of a table."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from zoo.errors import InputError
from zoo.progress import Progress
from zoo.untrusted import DEEPEST, LARGEST_COUNT, check_depth, check_text

from .bad import BadExamples, Problem
from .delimited import CELLS, CHUNK, open_text, reported
from .frames import canonical, join
from .rows import not_text

SPARSEST = 20
_OBJECT = 'one object a line, like {"x": 1, "label": "a"}'


def read_json_lines(path: Path, bad: BadExamples) -> pd.DataFrame:
    """Read a .jsonl or .ndjson file, packed with gzip or not; keys that a row lacks are missing."""
    chunks = []
    with (
        reported(path),
        open_text(path, errors="surrogateescape") as file,
        Progress(f"Reading {path.name}") as progress,
    ):
        records = _records(path, file, bad)
        names: dict[str, None] = {}  # in the order in which they come
        rows = filled = 0
        while part := [record for _, record in islice(records, CHUNK)]:
            if not names.keys() >= set().union(*part):
                names |= dict.fromkeys(name for record in part for name in record)
            rows, filled = rows + len(part), filled + sum(map(len, part))
            _refuse_sparse(path, rows, len(names), filled)
            frame = pd.DataFrame.from_records(part, columns=list(names))
            chunks.append({name: canonical(frame[name]) for name in names})
            progress.advance(len(part))
    if not chunks:
        raise InputError(f"'{path}' is empty; expected one JSON object a line; try another file")
    return join(chunks)


def _refuse_sparse(path: Path, rows: int, columns: int, filled: int) -> None:
    """Raise an InputError where few values would make a table of very many cells."""
    if not columns:
        raise InputError(f"'{path}' has rows without keys; expected {_OBJECT}; try another file")
    if columns > LARGEST_COUNT:
        raise InputError(
            f"'{path}' has more than {LARGEST_COUNT:,} different keys; expected the same few in "
            "each row; try a list of values under one key"
        )
    if rows * columns > max(CELLS, SPARSEST * filled):
        raise InputError(
            f"'{path}' has {columns:,} different keys in {rows:,} rows, few of which have a value; "
            f"expected at least one cell in {SPARSEST} to be filled; try fewer keys"
        )


def find_lines(path: Path, rows: Collection[int]) -> list[int]:
    """Return the line numbers of some good rows of a file, which are counted from 0, in order."""
    with open_text(path, errors="surrogateescape") as file:
        records = enumerate(_records(path, file, BadExamples("skip")))
        return [number for row, (number, _) in records if row in rows]


def _records(
    path: Path, lines: Iterable[str], bad: BadExamples
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the good rows, each with its line number from 1."""
    good = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record, problem = _record(line, path.name)
        if problem:
            bad.found(path, f"line {number}", problem)
        else:
            good += 1
            yield number, record
    bad.finished(path, good)


def _record(line: str, name: str) -> tuple[Any, Problem | None]:
    if problem := not_text(line, name):
        return None, problem
    try:
        record = json.loads(line)
        if "\\u" in line and "\\ud" in line.lower():
            check_text(record)
        if line.count("[") + line.count("{") > DEEPEST:
            check_depth(record)
    except json.JSONDecodeError as error:
        why = f"is not JSON: {error.msg} at character {error.pos + 1}"
        return None, (why, "one object a line", "getting or writing the file again")
    except UnicodeEncodeError:
        return None, ("holds half of a surrogate pair", "whole characters", "writing it again")
    except (ValueError, RecursionError):  # digits and brackets without an end
        return None, ("holds a number or a nesting that is too long", _OBJECT, "writing it so")
    if not isinstance(record, dict):
        return None, (f"holds a {type(record).__name__}", _OBJECT, "writing it so")
    return record, None
