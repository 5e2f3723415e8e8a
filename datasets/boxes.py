"""Boxes drawn on pictures: looked at, cut to their pictures, and brought to the model's codes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from zoo.errors import InputError, nearest

from .bad import BadExamples, Problem
from .base import Annotation, Raw
from .files import files_in
from .pictures import SUFFIXES, Look, look_at
from .splits import NAMES


@dataclass(frozen=True)
class Box:
    """One box: its class, its edges in pixels, and what a message calls it."""

    name: str
    top: float
    left: float
    bottom: float
    right: float
    where: str


@dataclass
class Example:
    """One picture and what is said of it.

    Attributes:
        picture: the file.
        split: "train", "validation" or "test"; "" where splits are to be made.
        file: what says where the boxes are.
        size: height and width as that file says, or None.
        boxes: those of the picture; none at all are allowed.
    """

    picture: Path
    split: str
    file: Path
    size: tuple[float, float] | None = None
    boxes: list[Box] = field(default_factory=list)


def read(
    examples: Sequence[Example],
    classes: Sequence[str],
    shape: tuple[int, ...] | None,
    bad: BadExamples,
    source: str,
) -> Raw:
    """Look at every picture and bring its boxes to shares of height and width.

    Args:
        examples: pictures with their boxes.
        classes: in code order.
        shape, bad, source: as in `pictures.look_at`.
    """
    examples = [example for example in examples if _is_there(example, bad)]
    pictures, good = look_at([example.picture for example in examples], shape, bad, source)
    seen = [example for example, well in zip(examples, good, strict=True) if well]
    problems = [_problem(e, look) for e, look in zip(seen, pictures.looks, strict=True)]
    for example, problem in zip(seen, problems, strict=True):
        if problem:
            bad.found(example.file, *problem)
    kept = [row for row, problem in enumerate(problems) if not problem]
    bad.finished(source, len(kept))
    seen, pictures = [seen[row] for row in kept], pictures.part(kept)
    values, cut = _values(seen, pictures.looks, classes)
    if not (values[..., 4] >= 0).any():
        raise InputError(
            f"'{source}' has no box in any of {len(seen):,} pictures; expected some; try a folder "
            "with annotated pictures"
        )
    return Raw(
        "image",
        array=cast(Any, pictures),
        annotation=Annotation("detection", tuple(classes), values),
        given=_given([example.split for example in seen]),
        notes=[_said(cut)] if cut else [],
    )


def _said(cut: int) -> str:
    said = "box reaches" if cut == 1 else "boxes reach"
    return f"{cut:,} {said} over the edge of the picture: cut there"


def pictures_in(folder: Path) -> dict[str, Path]:
    """Return the picture files of a folder by their names without suffix."""
    found = [path for path in files_in(folder) if path.suffix.lower() in SUFFIXES]
    return {path.stem: path for path in found}


def recode(annotation: Annotation, classes: Sequence[str], source: str) -> np.ndarray:
    """Return boxes with the codes of an earlier data set, which may have more classes."""
    for name in annotation.classes:
        if name not in classes:
            raise InputError(
                f"'{source}' has the class '{name}'.{nearest(name, classes)} Expected one of "
                f"{', '.join(classes)}, as in the training data; try renaming it"
            )
    codes = np.array([*(classes.index(name) for name in annotation.classes), -1], np.float32)
    values = annotation.values.copy()
    values[..., 4] = codes[values[..., 4].astype(int)]  # no box has code -1: the last
    return values


def count(values: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Return how many boxes of each class there are."""
    codes = values[..., 4]
    return np.bincount(codes[codes >= 0].astype(int), minlength=len(classes))


def _is_there(example: Example, bad: BadExamples) -> bool:
    there = example.picture.is_file()
    if not there:
        why = f"is about the picture '{example.picture.name}', which is missing"
        bad.found(example.file, "", (why, f"it in '{example.picture.parent}'", "adding it"))
    return there


def _problem(example: Example, look: Look) -> tuple[str, Problem] | None:
    """Return what is wrong with a picture's boxes, and where."""
    real = f"{look.height} x {look.width}"
    if example.size not in (None, (look.height, look.width)):
        height, width = cast(tuple[float, float], example.size)
        why = f"says that '{example.picture.name}' is of {height:g} x {width:g} pixels, not {real}"
        return "", (why, "height and width of the picture as it is upright", "annotating it anew")
    for box in example.boxes:
        edges = f"({box.top:g}, {box.left:g}, {box.bottom:g}, {box.right:g})"
        if not all(map(math.isfinite, (box.top, box.left, box.bottom, box.right))):
            return box.where, (f"has the edges {edges}", "finite numbers", "correcting it")
        if box.bottom <= box.top or box.right <= box.left:
            why = f"has no area: top, left, bottom and right are {edges}"
            return box.where, (why, "a box with height and width", "removing it")
        outside = box.top >= look.height or box.left >= look.width
        if outside or box.bottom <= 0 or box.right <= 0:
            why = f"lies outside the picture of {real}: its edges are {edges}"
            return box.where, (why, "a box that shows something", "removing it")
    return None


def _values(
    examples: Sequence[Example], looks: Sequence[Look], classes: Sequence[str]
) -> tuple[np.ndarray, int]:
    """Return boxes as `Annotation` says, and how many had to be cut."""
    most = max([1, *(len(example.boxes) for example in examples)])
    values = np.full((len(examples), most, 5), -1, np.float32)
    codes, cut = {name: code for code, name in enumerate(classes)}, 0
    for row, (example, look) in enumerate(zip(examples, looks, strict=True)):
        for i, box in enumerate(example.boxes):
            edges = np.array([box.top, box.left, box.bottom, box.right])
            shares = edges / [look.height, look.width, look.height, look.width]
            cut += bool((shares < 0).any() or (shares > 1).any())
            values[row, i] = [*np.clip(shares, 0, 1), codes[box.name]]
    return values, cut


def _given(splits: Iterable[str]) -> dict[str, np.ndarray]:
    of = np.array(list(splits))
    return {name: np.flatnonzero(of == name) for name in NAMES if (of == name).any()}
