"""Boxes as COCO keeps them: pictures, boxes and classes of a split in one file of JSON.

Lin and others, Microsoft COCO: Common Objects in Context, 2014, arXiv:1405.0312. Boxes are left,
top, width and height in pixels from zero; a crowd is one box around many.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from zoo.errors import InputError
from zoo.untrusted import check_keys, parse_json, read_bytes

from . import boxes
from .bad import BadExamples
from .base import Raw
from .boxes import Box, Example
from .files import files_in
from .splits import NAMES, split_name

LARGEST = 1 << 30  # bytes: twice what COCO says of its 118,287 pictures for training
PREFIX = "instances_"
FEW = 4  # files of which the names tell nothing
ROBOFLOW = "_annotations.coco.json"
ODD = (KeyError, TypeError, ValueError, OverflowError)  # what is not as it should be raises these


class Part(NamedTuple):
    """A file of a split, where its pictures may lie, and what it says, where it was read before."""

    split: str
    file: Path
    folders: list[Path]
    content: dict[str, Any] | None = None


def find(path: Path) -> list[Part]:
    """Return a file of JSON, or those in a folder as COCO or Roboflow name them, or one alone.

    Raises:
        InputError: there are several, whose names do not tell which is for training.
    """
    if path.is_file():
        return [_part(path)] if path.suffix.lower() == ".json" else []
    named = _named(path)
    if "train" in named:
        return [named[split] for split in NAMES if split in named]
    parts = [named[""]] if "" in named else [*named.values()] or _otherwise_named(path)
    if len(parts) > 1:
        raise InputError(
            f"'{path}' has {' and '.join(str(part.file.relative_to(path)) for part in parts)}; "
            "expected one file for training, annotations/instances_train.json or train/"
            f"{ROBOFLOW}; try renaming one, or name one as the data"
        )
    return [part._replace(split="") for part in parts]


def read(
    parts: Sequence[Part], shape: tuple[int, ...] | None, bad: BadExamples, source: str
) -> Raw:
    """Read pictures and boxes.

    Args:
        parts: what `find` returned.
        shape, bad, source: as in `pictures.look_at`.
    """
    contents = [(part, part.content or _content(part.file)) for part in parts]
    classes: dict[str, None] = {}
    examples: list[Example] = []
    crowds = 0
    for (split, file, folders, _), content in contents:
        names = _classes(content, file)
        crowds += sum(bool(item.get("iscrowd")) for item in content["annotations"])
        examples += _examples(content, names, split, file, folders, bad)
        classes |= dict.fromkeys(names.values())
    used = Counter(box.name for example in examples for box in example.boxes)
    raw = boxes.read(examples, [name for name in classes if used[name]], shape, bad, source)
    if crowds:
        said = "crowd, a box around many, is" if crowds == 1 else "crowds, boxes around many, are"
        raw.notes.append(f"{crowds:,} {said} ignored")
    return raw


def _named(folder: Path) -> dict[str, Part]:
    """Return files by the splits that their names tell, "" where there is none."""
    found: dict[str, Part] = {}
    for file in _json_in(folder / "annotations"):
        of = split_name(re.sub(r"[\d_-]+$", "", _name(file))) or ""
        if of or file.name.startswith(PREFIX):
            found.setdefault(of, _part(file, of))
    for child in files_in(folder):
        split = split_name(child.name)
        if split and (child / ROBOFLOW).is_file():
            found.setdefault(split, Part(split, child / ROBOFLOW, [child]))
    return found


def _otherwise_named(folder: Path) -> list[Part]:
    """Return files of COCO by their content, of so few that each may be read."""
    files = [*_json_in(folder), *_json_in(folder / "annotations")]
    if len(files) > FEW:
        return []
    contents = [(file, _tried(file)) for file in files]
    return [_part(file)._replace(content=content) for file, content in contents if content]


def _json_in(folder: Path) -> list[Path]:
    return [file for file in files_in(folder) if file.suffix == ".json" and file.is_file()]


def _tried(file: Path) -> dict[str, Any] | None:
    try:
        return _content(file)
    except InputError:
        return None


def _name(file: Path) -> str:
    return file.stem.removeprefix(PREFIX)


def _part(file: Path, split: str = "") -> Part:
    """Return a file with its split and where its pictures may lie."""
    folder = file.parent
    if folder.name == "annotations":
        places = [Path(_name(file)), Path("images", _name(file)), Path("images"), Path()]
        return Part(split, file, [folder.parent / place for place in places] + [folder])
    return Part(split, file, [folder, folder / "images"])


def _content(file: Path) -> dict[str, Any]:
    """Return what a file says, its lists known to hold dictionaries."""
    lists = ("images", "annotations", "categories")
    try:
        content = parse_json(read_bytes(file, LARGEST), LARGEST)
        check_keys(content, dict.fromkeys(lists, list))
        for name in lists:
            for number, item in enumerate(content[name]):
                if not isinstance(item, dict):
                    raise ValueError(f"'{name}' holds {item!r:.40} at place {number}")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)[:200]
        raise InputError(
            f"'{file}' cannot be read as COCO: {reason}; expected images, annotations and "
            "categories; try writing it again"
        ) from error
    return content


def _classes(content: dict[str, Any], file: Path) -> dict[Any, str]:
    """Return the name of each category by its id, in the order of the ids."""
    pairs = [(item.get("id"), item.get("name")) for item in content["categories"]]
    if not all(isinstance(i, int) and isinstance(name, str) and name for i, name in pairs):
        raise _refused(file, "has a category without id or name", "both")
    named = dict(pairs)
    if len(named) < len(content["categories"]) or len(set(named.values())) < len(named):
        raise _refused(file, "has two categories of one id or name", "one each")
    return dict(sorted(named.items()))


def _refused(file: Path, what: str, expected: str) -> InputError:
    return InputError(f"'{file}' {what}; expected {expected}; try correcting it")


def _examples(
    content: dict[str, Any],
    classes: dict[Any, str],
    split: str,
    file: Path,
    folders: list[Path],
    bad: BadExamples,
) -> list[Example]:
    examples: dict[Any, Example] = {}
    spoiled = set()  # the ids of bad pictures, of which nothing more is said
    for number, item in enumerate(content["images"]):
        try:
            if item["id"] in examples:
                raise ValueError(f"{item['id']} is another's")
            examples[item["id"]] = _example(item, split, file, folders)
        except (*ODD, OSError) as error:
            why = f"has no id of its own, or no file that lies beside it ({str(error)[:60]})"
            bad.found(file, f"image {number}", (why, "an id and a file_name", "correcting it"))
            spoiled.add(repr(item.get("id")))
    for item in content["annotations"]:
        if item.get("iscrowd") or repr(item.get("image_id")) in spoiled:
            continue
        try:
            examples[item["image_id"]].boxes.append(_box(item, classes))
        except ODD:
            found = {name: item.get(name) for name in ("image_id", "category_id", "bbox")}
            expected = "an image and a category that are listed, and four numbers"
            problem = (f"says {found!s:.150}", expected, "correcting it")
            bad.found(file, f"annotation {str(item.get('id'))[:20]}", problem)
            spoiled.add(repr(item.get("image_id")))
    return [example for key, example in examples.items() if repr(key) not in spoiled]


def _example(item: dict[str, Any], split: str, file: Path, folders: list[Path]) -> Example:
    name = item["file_name"]
    if Path(name).is_absolute() or ".." in Path(name).parts or "\0" in name:
        raise ValueError(f"'{name}' leads out of the folder")
    paths = [folder / name for folder in folders]
    path = next((path for path in paths if path.is_file()), paths[0])
    size = item.get("height"), item.get("width")
    known = isinstance(size[0], int) and isinstance(size[1], int) and all(size)
    return Example(path, split, file, size if known else None)  # type: ignore[arg-type]


def _box(item: dict[str, Any], classes: dict[Any, str]) -> Box:
    if not isinstance(item["bbox"], list):  # the characters of a string could be four numbers
        raise TypeError("it is no list")
    left, top, width, height = map(float, item["bbox"])
    name = classes[item["category_id"]]
    return Box(
        name, top, left, top + height, left + width, f"annotation {str(item.get('id'))[:20]}"
    )
