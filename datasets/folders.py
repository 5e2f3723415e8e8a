"""Pictures in folders, one folder a class, and pictures that a table names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from zoo.errors import InputError

from .bad import BadExamples
from .base import Raw
from .files import files_in
from .frames import is_text, keep_rows
from .pictures import SUFFIXES, look_at
from .splits import NAMES, split_name

SHOWN = 5  # files that a note names


def find_classes(
    folder: Path, files_of: Callable[[Path], list[Path]]
) -> dict[str, dict[str, list[Path]]]:
    """Return files by split and class; the split is "all" where there are no splits.

    `files_of` returns those of a folder that are examples.
    """
    splits: dict[str, Path] = {}
    for path in folders_in(folder):
        split = split_name(path.name)
        if split and folders_in(path):  # a class may be called train, too
            if split in splits:
                raise InputError(
                    f"'{folder}' has both {splits[split].name} and {path.name}; expected one "
                    "folder a split; try removing one"
                )
            splits[split] = path
    if "train" not in splits:
        splits = {"all": folder}
    found = {
        name: {path.name: files for path in folders_in(part) if (files := files_of(path))}
        for name, part in splits.items()
    }
    return {name: classes for name, classes in found.items() if classes or name != "all"}


def find_flat(folder: Path) -> dict[str, list[Path]]:
    """Return the pictures of a folder without classes, by split, or as "all"; {} for any other."""
    inside = folders_in(folder)
    parts = {split_name(path.name): path for path in inside}
    if "train" in parts and None not in parts and not any(map(folders_in, inside)):
        files = {split or "": pictures_in(path) for split, path in parts.items()}
        return files if all(files.values()) else {}
    loose = [] if any(map(pictures_in, inside)) else pictures_in(folder)
    return {"all": loose} if loose else {}


def read_flat(
    files: dict[str, list[Path]], shape: tuple[int, ...] | None, bad: BadExamples, source: str
) -> Raw:
    """Look at pictures without classes.

    Args:
        files: those of each split; "all" where there are none.
        shape, bad, source: as in `read_classes`.

    Raises:
        InputError: there are none.
    """
    every = [(split, path) for split, paths in files.items() for path in paths]
    if not every:
        raise InputError(
            f"'{source}' holds no pictures; expected some; try a folder of PNG or JPEG files"
        )
    pictures, good = look_at([path for _, path in every], shape, bad, source)
    of = np.array([split for split, _ in every])[good]
    given = {split: np.flatnonzero(of == split) for split in NAMES if (of == split).any()}
    return Raw("image", array=cast(Any, pictures), given=given)


def read_classes(
    found: dict[str, dict[str, list[Path]]],
    shape: tuple[int, ...] | None,
    bad: BadExamples,
    source: str,
    least: int = 2,
) -> Raw:
    """Look at every picture of some class folders.

    Args:
        found: what `find_classes` returned.
        shape, bad: as in `pictures.look_at`.
        source: the folder, for messages.
        least: classes that there have to be.
    """
    splits = [name for name in ("all", *NAMES) if name in found]
    _refuse_classes(found, splits, source, least)
    files = [
        (split, name, path)
        for split in splits
        for name, members in sorted(found[split].items())
        for path in members
    ]
    pictures, good = look_at([path for *_, path in files], shape, bad, source)
    of, names = (np.array([file[i] for file in files])[good] for i in range(2))
    given = {split: np.flatnonzero(of == split) for split in splits if split != "all"}
    frame = pd.DataFrame({"label": pd.Categorical(names)})
    notes = _left_out(found)
    return Raw("image", frame, cast(Any, pictures), target=("label",), given=given, notes=notes)


def from_table(
    raw: Raw, folder: Path, shape: tuple[int, ...] | None, bad: BadExamples, source: str
) -> Raw:
    """Return the pictures that a column of a table names; the table where none does.

    Args:
        raw: a table.
        folder: where relative paths begin.
        shape, bad, source: as in `read_classes`.

    Raises:
        InputError: there is no file at any of the paths.
    """
    frame = raw.frame
    assert frame is not None
    column = next((name for name in frame.columns if _names_pictures(frame[name])), None)
    if column is None:
        return raw
    paths = frame[column].dropna()
    if not any((folder / name).exists() for name in paths.cat.categories):
        raise InputError(
            f"'{source}' column '{column}' names pictures such as '{paths.iloc[0]}', none of which "
            f"is in '{folder}'; expected paths that begin there; try correcting them, or "
            "--kind table to read them as text"
        )
    good = _named(raw, column, bad)
    pictures, good[good] = look_at([folder / str(name) for name in paths], shape, bad, source)
    others, given = keep_rows(frame.drop(columns=column), raw.given, good)
    note = f"the pictures that column '{column}' names are the input; --kind table reads a table"
    return Raw("image", others, cast(Any, pictures), given=given, notes=[*raw.notes, note])


def _names_pictures(series: pd.Series) -> bool:
    """Tell a column of paths: each ends as a picture does."""
    if not is_text(series) or series.isna().all():
        return False
    return all(str(name).lower().endswith(SUFFIXES) for name in series.cat.categories)


def _named(raw: Raw, column: str, bad: BadExamples) -> np.ndarray:
    """Report rows without a path; return which have one."""
    assert raw.frame is not None
    assert raw.places is not None
    named = raw.frame[column].notna().to_numpy(copy=True)
    for file, where in raw.places(np.flatnonzero(~named).tolist()):
        bad.found(file, where, (f"has nothing in '{column}'", "a path", "adding it"))
    return named


def _refuse_classes(
    found: dict[str, dict[str, list[Path]]], splits: Sequence[str], source: str, least: int
) -> None:
    """Raise an InputError where splits have other classes, or there are too few."""
    first = set(found[splits[0]])
    for split in splits[1:]:
        if odd := sorted(first ^ set(found[split])):
            where = splits[0] if odd[0] in first else split
            raise InputError(
                f"'{source}' has the class folder '{odd[0]}' in {where} only; expected pictures of "
                "the same classes in each split; try adding or removing it"
            )
    for name in sorted(first):
        if name.encode(errors="replace").decode() != name:
            raise InputError(
                f"'{source}' has the class folder '{name}', which is no UTF-8; expected a name "
                "that is; try renaming it"
            )
    if len(first) < least:
        held = f"one class, '{next(iter(first))}'" if first else "no pictures"
        raise InputError(f"'{source}' has {held}; expected two classes at least, each a folder of "
                         "pictures; try another folder")  # fmt: skip


def _left_out(found: dict[str, dict[str, list[Path]]]) -> list[str]:
    """Say what else there is, in and beside the folders of classes and of splits."""
    files = {path for classes in found.values() for files in classes.values() for path in files}
    folders = {path.parent for path in files}
    parts = {path.parent for path in folders}
    around = set() if "all" in found else {path.parent for path in parts}
    there = [path for folder in sorted(around | parts) for path in folders_in(folder)]
    there += [path for folder in sorted(folders) for path in _listed(folder)]
    known = files | folders | parts
    left = [path for path in there if path not in known]
    if not left:
        return []
    shown = ", ".join(f"{path.parent.name}/{path.name}" for path in left[:SHOWN])
    more = f" and {len(left) - SHOWN:,} more" if len(left) > SHOWN else ""
    return [f"left out, as no pictures of a class nor folders of them: {shown}{more}"]


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder, hidden ones left out."""
    return [path for path in _listed(folder) if path.is_dir()]


def pictures_in(folder: Path) -> list[Path]:
    """Return the picture files in a folder, hidden ones left out."""
    return [path for path in _listed(folder) if path.suffix.lower() in SUFFIXES and path.is_file()]


def _listed(folder: Path) -> list[Path]:
    return [path for path in files_in(folder) if not path.name.startswith(".")]
