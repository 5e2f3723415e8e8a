"""What the values in masks mean: which class a gray level, a place in a palette or a color is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import InputError
from zoo.untrusted import read_bytes

from .base import UNKNOWN

if TYPE_CHECKING:
    from .masks import Seen

FILES = ("classes.txt", "labelmap.txt")
LARGEST_NAMES = 1 << 20  # bytes
MOST = 255  # classes: codes are bytes, and one says that nothing is known
SHADES = 64  # gray levels that may be classes without names
BINARY = {0, 255}
# A class a line, maybe with its color: "cat", "cat 128 0 0", or "cat:128,0,0::" as CVAT writes it.
_LINE = re.compile(r"(?P<name>.+?)(?:[\s:]+(?P<color>\d+[\s,]+\d+[\s,]+\d+)(?:[:\s].*)?)?")


@dataclass(frozen=True)
class Legend:
    """Classes of values.

    Attributes:
        classes: names in code order.
        color: whether the values are colors, red, green and blue as one number.
        values: int64, sorted.
        codes: uint8, the code of each value; `UNKNOWN` where nothing is said.
    """

    classes: tuple[str, ...]
    color: bool
    values: np.ndarray
    codes: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return the codes of values that are known."""
        return self.codes.take(np.searchsorted(self.values, values), mode="clip")

    def by_class(self) -> tuple[int, ...]:
        """Return the value of each class, in code order."""
        found = dict(zip(self.codes.tolist(), self.values.tolist(), strict=True))
        return tuple(found[code] for code in range(len(self.classes)))

    def said(self, value: int) -> str:
        """Return what a message calls a value."""
        return f"color {_spelled(value)}" if self.color else f"code {value}"

    def expected(self) -> str:
        """Return what a message says of the values there are."""
        known = self.values if self.color else self.values[self.codes != UNKNOWN]
        shown = ", ".join(_spelled(v) if self.color else str(v) for v in known[:8])
        return f"one of {shown}{' ...' if len(known) > 8 else ''}, each a class"


def read_legend(
    folder: Path,
    seen: Sequence[Seen],
    classes: tuple[str, ...] = (),
    values: tuple[int, ...] = (),
) -> Legend:
    """Return what the values in masks mean.

    Args:
        folder: where a file may name the classes.
        seen: the masks.
        classes: of an earlier data set, which are meant where no file names them.
        values: that stood for those, if that is known; 255 stands for what is unknown unless it is
            one of them.

    Raises:
        InputError: there are fewer than two classes or too many, or names that do not fit.
    """
    named, colors = _read_names(folder)
    if named and tuple(named) != classes:
        values = ()
    color = any(s.color for s in seen) or max(values, default=0) > 255
    usable = [s for s in seen if not (color and s.palette)]
    found = sorted({int(value) for s in usable for value in s.valued(color)})
    if color:
        names, table = _of_colors(found, named or classes, colors or [*values], folder)
    elif values:
        names, table = named or classes, {UNKNOWN: UNKNOWN, **{v: c for c, v in enumerate(values)}}
    else:
        names, table = _of_codes(found, named or classes, folder)
    if len(names) > MOST:
        raise InputError(f"'{folder}' has masks of {len(names):,} classes; expected {MOST} at "
                         "most; try another folder")  # fmt: skip
    if not classes and len({table.get(value, UNKNOWN) for value in found} - {UNKNOWN}) < 2:
        raise InputError(f"'{folder}' has masks of one class only; expected two classes at least; "
                         "try adding masks of another")  # fmt: skip
    known = sorted(table)
    return Legend(
        tuple(names), color, np.array(known), np.array([table[v] for v in known], np.uint8)
    )


def _of_codes(
    found: list[int], names: Sequence[str], folder: Path
) -> tuple[Sequence[str], dict[int, int]]:
    """Return class names and the code of each gray level."""
    if not names and set(found) <= BINARY:
        names = ("background", "foreground")
    elif not names:
        _refuse_shades(found, folder)
        names = [f"class_{value}" for value in found if value != UNKNOWN]
    meant = [re.fullmatch(r"class_(\d+)", name) for name in names]
    if all(meant):
        table = {int(match[1]): code for code, match in enumerate(meant) if match}
    elif len(names) == 2 and set(found) <= BINARY:
        table = {0: 0, 255: 1}
    else:
        table = {code: code for code in range(len(names))}
    return names, {UNKNOWN: UNKNOWN, **table}


def _refuse_shades(found: list[int], folder: Path) -> None:
    """Raise an InputError for what is rather smoothed edges than codes."""
    if len(found) > SHADES:
        shown = ", ".join(map(str, found[:5]))
        raise InputError(
            f"'{folder}' has masks of {len(found):,} gray levels, {shown} ..., without names; "
            f"expected {SHADES} at most, one a class, without smoothed edges; try writing masks "
            f"anew, or {FILES[0]} with a name a line"
        )


def _of_colors(
    found: list[int], names: Sequence[str], colors: list[int], folder: Path
) -> tuple[Sequence[str], dict[int, int]]:
    """Return class names and the code of each color."""
    names = names or [_spelled(value) for value in found]
    if not colors and all(re.fullmatch(r"#[0-9a-f]{6}", name) for name in names):
        colors = [int(name[1:], 16) for name in names]
    if not colors:
        raise InputError(
            f"'{folder}' has masks of {len(found)} colors for {len(names)} classes; expected "
            f"each class's color; try {FILES[1]} with a line such as 'cat 128 0 0' for each"
        )
    return names, {value: code for code, value in enumerate(colors)}


def _read_names(folder: Path) -> tuple[list[str], list[int]]:
    """Return the class names that a file gives in code order, and their colors if it does."""
    path = next((path for name in FILES if (path := folder / name).is_file()), None)
    if path is None:
        return [], []
    text = read_bytes(path, LARGEST_NAMES).decode(errors="replace")
    lines = [line.strip() for line in text.splitlines()]
    matches = [_LINE.fullmatch(line) for line in lines if line and not line.startswith("#")]
    names = [match["name"] for match in matches if match]
    colors = [_packed(match["color"]) for match in matches if match and match["color"]]
    if len(set(names)) < len(names) or len(set(colors)) < len(colors):
        raise InputError(f"'{path}' has a class or a color twice; expected each once; "
                         "try correcting it")  # fmt: skip
    if colors and (len(colors) < len(names) or max(colors) >= 1 << 24):
        raise InputError(f"'{path}' has classes without a color of numbers up to 255; expected "
                         "a line such as 'cat 128 0 0' for each; try correcting it")  # fmt: skip
    return names, colors


def _packed(color: str) -> int:
    """Return red, green and blue as one number, too large a one where one of them is."""
    parts = [int(part[:4]) for part in re.findall(r"\d+", color)]
    return 1 << 24 if max(parts) > 255 else (parts[0] << 16) + (parts[1] << 8) + parts[2]


def _spelled(color: int) -> str:
    return f"#{color:06x}"
