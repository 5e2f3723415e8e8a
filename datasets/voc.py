"""Boxes as the Pascal VOC challenges keep them: a file of XML a picture, lists of splits.

Everingham and others, The Pascal Visual Object Classes (VOC) Challenge, 2010. Pixels are counted
from one, and a box holds those it names: one from 1 to 1 is a pixel wide.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

from zoo.errors import InputError
from zoo.untrusted import LARGEST_XML, parse_xml, read_bytes

from . import boxes
from .bad import BadExamples
from .base import Raw
from .boxes import Box, Example
from .pictures import SUFFIXES

LARGEST_LIST = 1 << 28  # bytes: ten million names
LISTS = {"train": ("train", "trainval"), "validation": ("val",), "test": ("test",)}


def is_one(folder: Path) -> bool:
    """Tell a folder with pictures and what is said of each."""
    return all((folder / name).is_dir() for name in ("JPEGImages", "Annotations"))


def read(folder: Path, shape: tuple[int, ...] | None, bad: BadExamples, source: str) -> Raw:
    """Read a folder's pictures and boxes; its lists in ImageSets/Main say what is for test.

    Args:
        folder: with JPEGImages, Annotations and perhaps ImageSets.
        shape, bad, source: as in `pictures.look_at`.
    """
    pictures = boxes.pictures_in(folder / "JPEGImages")
    splits = _splits(folder, source)
    if "train" not in splits.values():  # what no list names may be trained on
        splits = {**dict.fromkeys(pictures, ""), **splits}
    if not splits:
        raise InputError(
            f"'{source}' has no pictures in JPEGImages; expected some; try another folder"
        )
    examples = []
    for name, split in splits.items():
        picture = pictures.get(name, folder / "JPEGImages" / f"{name}.jpg")
        example = Example(picture, split, folder / "Annotations" / f"{name}.xml")
        try:
            _annotate(example)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            why = f"cannot be read: {reason}"
            bad.found(example.file, "", (why, "what Pascal VOC says of a picture", "correcting it"))
        else:
            examples.append(example)
    classes = sorted({box.name for example in examples for box in example.boxes})
    return boxes.read(examples, classes, shape, bad, source)


def _splits(folder: Path, source: str) -> dict[str, str]:
    """Return the split of each picture by name, nothing where there are no lists."""
    splits: dict[str, str] = {}
    for split, files in LISTS.items():
        paths = [folder / "ImageSets" / "Main" / f"{name}.txt" for name in files]
        path = next((path for path in paths if path.is_file()), None)
        for number, name in enumerate(_names(path) if path else [], 1):
            if Path(name).name != name:
                raise InputError(
                    f"'{path}' line {number} names '{name[:60]}'; expected the name of a picture "
                    "in JPEGImages; try correcting it"
                )
            if name.lower().endswith(SUFFIXES):
                name = Path(name).stem
            if splits.setdefault(name, split) != split:
                raise InputError(
                    f"'{source}' has '{name}' in its {splits[name]} and its {split} list; expected "
                    "each picture in one; try removing it from one"
                )
    return splits


def _names(path: Path) -> list[str]:
    """Return the first word of each line; lists of one class have a second."""
    try:
        lines = read_bytes(path, LARGEST_LIST).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InputError(
            f"'{path}' cannot be read: {reason}; expected the name of a picture a line; try "
            "writing it again"
        ) from error
    return [line.split()[0] for line in lines if line.strip()]


def _annotate(example: Example) -> None:
    """Read size and boxes of a picture.

    Raises:
        OSError: there is no file that can be read.
        ValueError: it says something else.
    """
    root = parse_xml(read_bytes(example.file, LARGEST_XML))
    size = [_number(root, f"size/{side}", "size", 0.0) for side in ("height", "width")]
    example.size = (size[0], size[1]) if all(size) else None
    for i, item in enumerate(root.findall("object"), 1):
        where = f"object {i}"
        name = " ".join((item.findtext("name") or "").split())
        if not name:
            raise ValueError(f"{where} has no name")
        left, top, right, bottom = (
            _number(item, f"bndbox/{edge}", where) for edge in ("xmin", "ymin", "xmax", "ymax")
        )
        # A program that counts from zero writes 0: no pixel is lost to the left of the first.
        example.boxes.append(Box(name, _before(top), _before(left), bottom, right, where))


def _before(pixel: float) -> float:
    """Return where a pixel begins, the first at zero."""
    return pixel if -1 < pixel < 1 else pixel - 1


def _number(item: Element, path: str, where: str, default: float | None = None) -> float:
    text = item.findtext(path)
    if text is None and default is not None:
        return default
    try:
        return float(text or "")
    except ValueError:
        raise ValueError(f"{where} has {text!r:.60} for {path.rpartition('/')[2]}") from None
