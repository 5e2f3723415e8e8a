"""Two kinds of pictures, one of which is to become the other: in pairs, or not.

They come from two places, or from one folder that holds `A` and `B`, or `trainA`, `trainB`,
`testA` and `testB` as the data sets of CycleGAN do. Of pairs both files have one name, whatever
their suffix; arrays are paired by their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import InputError
from zoo.untrusted import refuse_remote

from . import catalog, videos
from .bad import BadExamples
from .base import PAIRS, TRANSLATED, UNPAIRED, ArraySplit, Column, Dataset, Raw, Spec
from .files import read_raw
from .folders import folders_in, pictures_in, read_flat
from .pictures import Pictures, identity
from .splits import NAMES, Splitting, fingerprint, make_splits, split_name

Files = dict[str, list[Path]]  # of each split; "all" where there are none


def load(
    references: Sequence[str],
    task: str | None,
    shape: tuple[int, ...] | None,
    bad: BadExamples,
    how: Splitting,
) -> Dataset:
    """Load pictures of two kinds as inputs and targets.

    Without pairs each split has as many rows as its larger kind; those of the other are repeated,
    and which meets which means nothing.

    Args:
        references: a folder that holds both kinds, or what holds the one and what the other.
        task: one of `TRANSLATED`; None for pairs where all files have partners.
        shape: height and width that a model is to see, or None.
        bad: told of files that cannot be used.
        how: how to make splits that do not exist.
    """
    sides, names = _both(references, task, shape, bad)
    task = task or (PAIRS if _alike(sides) else UNPAIRED)
    _refuse_shapes(sides, references, task)
    place = "' and '".join(references)
    if task == PAIRS:
        sides = _paired(sides, references, bad)
        splits = make_splits(np.arange(len(sides[0])), None, sides[0].given, how, place)
        arrays: list[Any] = [side.array for side in sides]
    else:
        arrays, splits = _unpaired(sides, references, how)
    content: list[Any] = [str(arrays[0].shape).encode(), *map(identity, arrays)]
    column = Column("image", "image", arrays[0].shape[1:])
    parts: Any = {
        name: ArraySplit({"image": arrays[0]}, rows, arrays[1]) for name, rows in splits.items()
    }
    return Dataset(
        "-".join(_spelled(reference) for reference in references),
        Spec("image", (column,), ("target",), task, classes=names),
        **parts,
        fingerprint=fingerprint(content, splits),
        notes=bad.notes(sum(map(len, sides)) + bad.skipped),
        provenance=f"pictures of {' and '.join(references)}",
    )


def asked(reference: str, other: str | None, task: str | None, pairs: str | None) -> list[str]:
    """Return what holds two kinds of pictures; nothing where one kind was asked for.

    Raises:
        InputError: what was asked does not fit together.
    """
    if pairs is not None and other is not None:
        raise InputError(
            f"--pairs received {pairs} with --data-b {other}; expected one of them; try without one"
        )
    if task is None and other is not None:
        return [reference, other]
    if task not in (None, *TRANSLATED) and (pairs or other) is not None:
        option = f"--pairs received {pairs}" if pairs else f"--data-b received '{other}'"
        raise InputError(
            f"{option} for a model of one kind of pictures; expected one that turns them into "
            "others; try pix2pix, or cyclegan for two kinds without pairs"
        )
    if pairs is not None and task == UNPAIRED:
        raise InputError(
            f"--pairs received {pairs} for {task}; expected a model that learns from pairs; try "
            "pix2pix"
        )
    if task not in TRANSLATED or pairs is not None:
        return []
    return [reference] if other is None else [reference, other]


def read_again(reference: str, spec: Spec) -> ArraySplit:
    """Return the test split of a folder of both kinds, all of it where there are no splits."""
    shape, nothing = spec.inputs[0].shape[:2], Splitting(0.0, 0.0)
    data = load([reference], spec.task, shape, BadExamples(), nothing)
    return data.test if len(data.test) else data.train


def _alike(sides: Sequence[Raw]) -> bool:
    """Tell whether all files of both kinds have partners."""
    arrays: list[Any] = [side.array for side in sides]
    if not all(isinstance(array, Pictures) for array in arrays):
        return False
    first, second = ({path.stem for path in array.paths} for array in arrays)
    return first == second


def _both(
    references: Sequence[str], task: str | None, shape: tuple[int, ...] | None, bad: BadExamples
) -> tuple[list[Raw], tuple[str, str]]:
    """Return both kinds, and what each is called."""
    if len(references) == 1:
        found = find(Path(references[0]))
        if found is None:
            made = ", or --pairs edges to make them" if task == PAIRS else ""
            other = f"naming the second with --data-b{made}" if bad.policy else "such a folder"
            raise InputError(
                f"'{references[0]}' holds pictures of one kind, or none; expected two kinds, as "
                f"folders A and B within, or trainA, trainB, testA and testB; try {other}"
            )
        first = read_flat(found[0], shape, bad, references[0])
        second = read_flat(found[1], shape or _size(first), bad, references[0])
        return [first, second], ("A", "B")
    first = read(references[0], shape, bad)
    second = read(references[1], shape or _size(first), bad)
    names = [Path(reference.rpartition(":")[2]).name for reference in references]
    return [first, second], (names[0], names[1] if names[1] != names[0] else f"{names[1]} (B)")


def _size(side: Raw) -> tuple[int, ...]:
    array: Any = side.array
    return array.shape[1:3]


def _spelled(reference: str) -> str:
    """Return what a run's folder may be called after."""
    return Path(reference).name.partition(".")[0].replace(":", "-").replace(" ", "-")


def find(folder: Path) -> tuple[Files, Files] | None:
    """Return the files of both kinds that a folder holds; None where it is laid out otherwise."""
    inside = _inside(folder)
    if {"a", "b"} <= set(inside):
        return _files(inside["a"]), _files(inside["b"])
    return _find_splits(inside)


def has_splits(reference: str) -> bool:
    """Tell whether a folder has trainA and trainB within, which are hardly classes."""
    return _find_splits(_inside(Path(reference))) is not None


def _inside(folder: Path) -> dict[str, Path]:
    return {path.name.lower(): path for path in folders_in(folder)}


def _find_splits(inside: dict[str, Path]) -> tuple[Files, Files] | None:
    """Return the files of folders that are called as a split of one kind, as trainA."""
    sides: tuple[Files, Files] = {}, {}
    for name, path in inside.items():
        split = split_name(name[:-1])
        if split and name[-1] in "ab":
            sides["ab".index(name[-1])][split] = pictures_in(path)
    return sides if all("train" in side for side in sides) else None


def _files(folder: Path) -> Files:
    """Return the pictures anywhere in a folder, by split where its own folders say so."""
    parts = {name: path for path in folders_in(folder) if (name := split_name(path.name))}
    if "train" not in parts:
        parts = {"all": folder}
    return {split: _deep(path) for split, path in parts.items()}


def _deep(folder: Path) -> list[Path]:
    return [*pictures_in(folder), *(file for path in folders_in(folder) for file in _deep(path))]


def read(reference: str, shape: tuple[int, ...] | None, bad: BadExamples) -> Raw:
    """Return the pictures of one kind: of a data set, a class of it, a folder, or a file."""
    refuse_remote(reference)
    name, _, label = reference.partition(":")
    if catalog.known(name):
        return of_class(catalog.find(name).read(), label, reference) if label else _plain(
            catalog.find(name).read(), reference
        )  # fmt: skip
    path = Path(reference)
    if path.is_dir():
        return read_flat(_files(path), shape, bad, reference)
    if videos.is_video(path):
        return videos.read(path, shape)
    if not path.exists():
        raise InputError(
            f"'{reference}' does not exist; expected a folder of pictures, an .npz file, a data "
            "set or a class of one, as fashion-mnist:Bag; try another path"
        )
    return _plain(read_raw({"all": path}, bad), reference)


def _plain(raw: Raw, reference: str) -> Raw:
    if raw.kind != "image":
        raise InputError(
            f"'{reference}' is of kind {raw.kind}; expected pictures; try another path"
        )
    return Raw("image", array=raw.array, given=raw.given)


def of_class(raw: Raw, label: str, reference: str) -> Raw:
    """Return the pictures of one class alone.

    Raises:
        InputError: they have no classes, or none of that name.
    """
    labels = raw.frame[raw.target[0]].astype(str) if raw.frame is not None and raw.target else None
    if raw.kind != "image" or labels is None or not isinstance(raw.array, np.ndarray):
        raise InputError(
            f"'{reference}' asks for a class of what has none; expected pictures of classes; try "
            "the data set's name alone"
        )
    kept = np.flatnonzero(labels == label)
    if not len(kept):
        raise InputError(
            f"'{reference}' asks for the class '{label}'; expected one of: "
            f"{', '.join(sorted(set(labels)))}; try one of these"
        )
    given = {split: np.flatnonzero(np.isin(kept, rows)) for split, rows in raw.given.items()}
    return Raw("image", array=raw.array[kept], given=given)


def _refuse_shapes(sides: Sequence[Raw], references: Sequence[str], task: str) -> None:
    if len(references) == 1:
        references = [f"{references[0]} (A)", f"{references[0]} (B)"]
    first, second = (side.shape for side in sides)
    if first[:2] != second[:2]:
        a, b = (" x ".join(map(str, shape[:2])) for shape in (first, second))
        raise InputError(
            f"'{references[0]}' has pictures of {a} pixels and '{references[-1]}' of {b}; expected "
            "one size; try files of pictures with --image-size"
        )
    if task == UNPAIRED and first[2] != second[2]:
        raise InputError(
            f"'{references[0]}' has pictures of {first[2]} channel{'s' * (first[2] != 1)} and "
            f"'{references[-1]}' of {second[2]}; expected as many, as each becomes the other; try "
            "gray or colored pictures in both"
        )


def _paired(sides: list[Raw], references: Sequence[str], bad: BadExamples) -> list[Raw]:
    """Return both kinds with only pairs, row by row."""
    arrays: Any = [side.array for side in sides]
    if not all(isinstance(array, Pictures) for array in arrays):
        if len(arrays[0]) != len(arrays[1]):
            raise InputError(
                f"'{references[0]}' has {len(arrays[0]):,} pictures and '{references[-1]}' "
                f"{len(arrays[1]):,}; expected pairs in one order; try folders, where files of one "
                "name are pairs"
            )
        return sides
    rows = [{path.stem: row for row, path in enumerate(array.paths)} for array in arrays]
    for mine, other, array, there in ((0, 1, arrays[0], references[-1]),
                                      (1, 0, arrays[1], references[0])):  # fmt: skip
        for stem, row in rows[mine].items():
            if stem not in rows[other]:
                hint = "adding it, or cyclegan, which needs no pairs"
                problem = (f"has no partner in '{there}'", "a file of the same name", hint)
                bad.found(array.paths[row], "", problem)
    both = [stem for stem in rows[0] if stem in rows[1]]
    bad.finished("' and '".join(references), len(both))
    places = [[of[stem] for stem in both] for of in rows]
    given = {
        split: np.flatnonzero(np.isin(places[0], held)) for split, held in sides[0].given.items()
    }
    return [
        replace(side, array=array.part(kept), given=given)
        for side, array, kept in zip(sides, arrays, places, strict=True)
    ]


def _unpaired(
    sides: Sequence[Raw], references: Sequence[str], how: Splitting
) -> tuple[list[Any], dict[str, np.ndarray]]:
    """Return both kinds with as many rows, and the rows of each split."""
    both = [
        make_splits(np.arange(len(side)), None, side.given, how, reference)
        for side, reference in zip(sides, (references[0], references[-1]), strict=True)
    ]
    random = np.random.RandomState(how.seed)
    chosen: list[list[np.ndarray]] = [[], []]
    splits, start = {}, 0
    for name in NAMES:
        sizes = [len(rows[name]) for rows in both]
        count = max(sizes) if min(sizes) else 0
        for rows, kept in zip(both, chosen, strict=True):
            kept.append(np.resize(random.permutation(rows[name]), count))
        splits[name] = np.arange(start, start + count)
        start += count
    places = [np.concatenate(kept) for kept in chosen]
    arrays: list[Any] = [side.array for side in sides]
    return [
        array.part(rows.tolist()) if isinstance(array, Pictures) else array[rows]
        for array, rows in zip(arrays, places, strict=True)
    ], splits
