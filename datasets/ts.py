"""Files of series as the UCR and UEA archives of time series classification have them: `.ts`.

Dau and others, The UCR Time Series Archive, 2018, arXiv:1810.07758; Bagnall and others, The UEA
Multivariate Time Series Classification Archive, 2018, arXiv:1811.00075. After `@data` a line is an
example: `:` between its dimensions, commas between a dimension's values, `?` a missing one, and
last its class (`@classLabel true cat dog`) or number (`@targetLabel true`).

Examples become float32 `(steps, dimensions)`, NaN where a value is missing. Where they differ in
length all have the longest one's, and NaN at the end is padding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from zoo.errors import InputError
from zoo.progress import Progress
from zoo.untrusted import memory

from .arrays import LARGEST
from .bad import BadExamples
from .base import Raw
from .delimited import reported

_TRY = "try getting the file again"
_YES, _NO = "true", "false"


class _Broken(Exception):
    """What is wrong with an example, and what was expected."""


@dataclass(frozen=True)
class _Header:
    """What is said before `@data`.

    Attributes:
        dimensions: of each example; None where that is not said.
        steps: of each example; None where lengths differ or are not said.
        target: "class" or "target", what each line ends with; "" for nothing.
        classes: the classes there are; empty where that is not said.
    """

    dimensions: int | None
    steps: int | None
    target: str
    classes: tuple[str, ...]


def read_series(path: Path, bad: BadExamples) -> Raw:
    """Read one file, its examples as long as the longest.

    Raises:
        InputError: it is no such file, or, unless they are to be skipped, an example is broken.
    """
    with reported(path):
        text = path.read_text(encoding="utf-8-sig")
    if "\0" in text:
        raise InputError(
            f"'{path}' holds zero bytes; expected text; try `file {path}` to see what it is"
        )
    lines = text.splitlines()
    fields, start = _fields(path, lines)
    header = _header(path, fields)
    examples, targets = [], []
    with Progress(f"Reading {path.name}") as progress:
        for number, line in _content(lines, start):
            try:
                values, target = _example(line, header)
            except _Broken as problem:
                bad.found(path, f"line {number}", (*problem.args, "getting the file again"))  # type: ignore[arg-type]
                continue
            header = replace(header, dimensions=values.shape[1])  # the first one's hold for all
            examples.append(values)
            targets.append(target)
            progress.advance(1)
    bad.finished(path, len(examples))
    if not examples:
        raise InputError(f"'{path}' has no examples after @data; expected one a line; {_TRY}")
    return _raw(path, header, examples, targets)


def same_length(raws: dict[str, Raw]) -> dict[str, Raw]:
    """Return what several files hold with all examples as long as the longest of any."""
    arrays = {split: raw.array for split, raw in raws.items() if raw.array is not None}
    most = max(array.shape[1] for array in arrays.values())
    uneven = any(raw.uneven or len(arrays[s][0]) < most for s, raw in raws.items())
    for split, raw in raws.items():
        missing = most - arrays[split].shape[1]
        width = ((0, 0), (0, missing), (0, 0))
        raw.array = np.pad(arrays[split], width, constant_values=np.nan)
        raw.uneven = uneven
    return raws


def _content(lines: list[str], start: int) -> Iterator[tuple[int, str]]:
    """Yield what is written on lines from a place on, with the lines' numbers."""
    for number, line in enumerate(lines[start:], start=start + 1):
        if line.strip() and line.lstrip()[0] not in "#%":
            yield number, line.strip()


def _fields(path: Path, lines: list[str]) -> tuple[dict[str, list[str]], int]:
    """Return the words after each `@name`, and the place after `@data`."""
    fields: dict[str, list[str]] = {}
    for number, line in _content(lines, 0):
        name, *words = line.split()
        if name.lower() == "@data":
            return fields, number
        if not name.startswith("@"):
            raise InputError(
                f"'{path}' line {number} is {line[:40]!r}; expected fields such as @classLabel, "
                "then @data; try another file, or its own name if it is no file of series"
            )
        fields[name[1:].lower()] = words
    raise InputError(f"'{path}' has no line @data; expected one before the examples; {_TRY}")


def _header(path: Path, fields: dict[str, list[str]]) -> _Header:
    if _flag(path, fields, "timestamps"):
        raise InputError(
            f"'{path}' has time stamps (@timeStamps true); expected values at equal distances; "
            "try writing it without them"
        )
    counts = {name: _count(path, fields, name) for name in ("dimensions", "serieslength")}
    univariate = _flag(path, fields, "univariate")
    if univariate and counts["dimensions"] not in (None, 1):
        raise InputError(
            f"'{path}' says @univariate true and @dimensions {counts['dimensions']}; expected one "
            "dimension; try correcting one of them"
        )
    target = "class" if _flag(path, fields, "classlabel") else ""
    target = "target" if _flag(path, fields, "targetlabel") else target
    even = _flag(path, fields, "equallength")
    return _Header(
        dimensions=1 if univariate else counts["dimensions"],
        steps=counts["serieslength"] if even else None,
        target=target,
        classes=tuple(fields["classlabel"][1:]) if target == "class" else (),
    )


def _flag(path: Path, fields: dict[str, list[str]], name: str) -> bool:
    word = fields.get(name, [_NO])[:1]
    if word not in ([_YES], [_NO]):
        received = "nothing" if not word else repr(word[0])
        raise InputError(
            f"'{path}' says {received} after @{name}; expected true or false; try correcting it"
        )
    return word == [_YES]


def _count(path: Path, fields: dict[str, list[str]], name: str) -> int | None:
    if name not in fields:
        return None
    words = fields[name]
    digits = len(words) == 1 and words[0].isdecimal() and len(words[0]) < 10
    if not digits or not int(words[0]):
        raise InputError(
            f"'{path}' says {' '.join(words)[:40]!r} after @{name}; expected a number; "
            "try correcting it"
        )
    return int(words[0])


def _example(line: str, header: _Header) -> tuple[np.ndarray, str]:
    """Return an example `(steps, dimensions)` and its target.

    Raises:
        _Broken: it is not what the header, or the examples before it, say.
    """
    *parts, target = line.split(":") if header.target else [*line.split(":"), ""]
    if not parts:
        raise _Broken(f"has no ':' and {header.target} at its end", "one after the values")
    if header.dimensions not in (None, len(parts)):
        several = "dimension" if len(parts) == 1 else "dimensions"
        raise _Broken(f"has {len(parts)} {several}", f"{header.dimensions} as all have")
    columns = [_values(part) for part in parts]
    for column in columns:
        expected = header.steps or len(columns[0])
        if len(column) != expected:
            raise _Broken(f"has {len(column)} values in a dimension", f"{expected} in each")
    _check_target(target.strip(), header)
    return np.stack(columns, axis=1).astype(np.float32), target.strip()


def _values(text: str) -> np.ndarray:
    """Return a dimension's values, NaN for a missing one."""
    values = np.empty(text.count(",") + 1)
    for place, word in enumerate(map(str.strip, text.split(","))):
        try:
            values[place] = np.nan if word == "?" else float(word)
        except ValueError:
            raise _Broken(f"holds {word[:40]!r}", "numbers, or ? where one is missing") from None
        if abs(values[place]) > LARGEST:
            raise _Broken(f"holds {word[:40]}", f"numbers up to {LARGEST:.1e}")
    return values


def _check_target(target: str, header: _Header) -> None:
    """Refuse what is neither a class, or number, nor ? for a missing one."""
    if target == "?" or not header.target:
        return
    if header.target == "target":
        try:
            finite = np.isfinite(float(target))
        except ValueError:
            finite = False
        if not finite:
            raise _Broken(f"has the target {target[:40]!r}", "a number")
    elif not target or (header.classes and target not in header.classes):
        expected = f"one of {', '.join(header.classes)}"[:200] if header.classes else "a name"
        raise _Broken(f"has the class {target[:40]!r}", expected)


def _raw(path: Path, header: _Header, examples: list[np.ndarray], targets: list[str]) -> Raw:
    lengths = [len(example) for example in examples]
    shape = (len(examples), max(lengths), examples[0].shape[1])
    if 4 * np.prod(shape, dtype=float) > memory() / 4:
        raise InputError(
            f"'{path}' has {shape[0]:,} series, the longest of {shape[1]:,} steps; expected as "
            "much as fits into memory where all are as long; try without the longest"
        )
    array = np.full(shape, np.nan, np.float32)
    for row, example in zip(array, examples, strict=True):
        row[: len(example)] = example
    uneven = min(lengths) < max(lengths)
    names = (header.target,) if header.target else ()
    notes = _notes(lengths, sum(int(np.isnan(example).sum()) for example in examples))
    frame = _frame(header.target, targets)
    return Raw("vector", frame, array, target=names, notes=notes, uneven=uneven)


def _frame(name: str, targets: list[str]) -> pd.DataFrame | None:
    if not name:
        return None
    known = [None if target == "?" else target for target in targets]
    if name == "class":
        return pd.DataFrame({name: pd.Categorical(known)})
    return pd.DataFrame({name: np.array([np.nan if t is None else float(t) for t in known])})


def _notes(lengths: list[int], missing: int) -> list[str]:
    notes = []
    if min(lengths) < max(lengths):
        notes.append(
            f"series have {min(lengths):,} to {max(lengths):,} steps: the shorter are padded at "
            "their end, which recurrent networks and tcn do not read"
        )
    if missing:
        notes.append(
            f"{missing:,} values are missing: each counts as its dimension's mean in training"
        )
    return notes
