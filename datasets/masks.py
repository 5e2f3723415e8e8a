"""Pictures with masks, which say of each pixel what it shows.

A folder holds them as `images/` and `masks/` (or `labels/`), the mask of `images/a.jpg` being
`masks/a.png`, or as Pascal VOC does, in `JPEGImages/` and `SegmentationClass/` with the lists of
`ImageSets/Segmentation/` where there are some. Everingham and others, The Pascal Visual Object
Classes (VOC) Challenge, 2010.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from zoo.errors import InputError
from zoo.progress import Progress
from zoo.untrusted import read_bytes

from .bad import BadExamples, Problem
from .base import UNKNOWN, Annotation, Raw
from .folders import folders_in, pictures_in
from .legends import MOST, Legend, read_legend
from .pictures import LARGEST_FILE, Look, Pictures, look_at, opened, workers
from .splits import NAMES, split_name

SIDES = (("images", "masks"), ("images", "labels"), ("JPEGImages", "SegmentationClass"))
LISTS = Path("ImageSets", "Segmentation")
GRAY = 0x010101  # times a level, it is that gray as a color
LARGEST_LIST = 1 << 24  # bytes: a million names


@dataclass(frozen=True)
class Pair:
    """A picture and its mask, files that are there or ought to be; split is "all" or a split."""

    split: str
    picture: Path
    mask: Path


@dataclass(frozen=True)
class Seen:
    """What one look at a mask tells.

    Attributes:
        height, width: upright, in pixels.
        values: those that occur, sorted: gray levels or places in a palette, or, of a mask in
            color, red, green and blue as one number.
        counts: the pixels of each.
        color: whether the values are colors.
        palette: whether they are places in a palette, whose colors mean nothing.
        digest: sha256 of the file.
    """

    height: int
    width: int
    values: np.ndarray
    counts: np.ndarray
    color: bool
    palette: bool
    digest: bytes

    def valued(self, color: bool) -> np.ndarray:
        """Return the values, as colors where that is wanted."""
        return self.values * GRAY if color and not self.color else self.values


class Masks:
    """Mask files that are indexed as an array of masks would be, and read then.

    Args:
        paths: the files.
        seen: what was seen of each.
        legend: what their values mean.
        shape: height and width to be resized to, by the nearest pixel.
    """

    def __init__(
        self, paths: Sequence[Path], seen: Sequence[Seen], legend: Legend, shape: tuple[int, int]
    ):
        self.paths, self.seen, self.legend = list(paths), list(seen), legend
        self.shape, self.dtype = (len(self.paths), *shape), np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Return some masks, uint8 codes `(rows, height, width)`.

        Raises:
            InputError: a file was lost since it was looked at.
        """
        chosen = np.atleast_1d(rows)
        array = np.empty((len(chosen), *self.shape[1:]), np.uint8)
        with workers() as pool:
            for place, mask in enumerate(pool.map(self._codes, chosen)):
                array[place] = mask
        return array

    def _codes(self, row: int) -> np.ndarray:
        path = self.paths[row]
        try:
            values, color, _ = _values(read_bytes(path, LARGEST_FILE))
        except Exception as error:  # as when it was looked at, and a file may be gone since
            raise InputError(
                f"'{path}' cannot be read any more; expected the mask it was; try putting it back"
            ) from error
        values = resized(values, self.shape[1:]).astype(np.int64)
        return self.legend(values * GRAY if self.legend.color and not color else values)

    def pixels(self, rows: np.ndarray) -> np.ndarray:
        """Return how many pixels of some masks, at their own size, each class has."""
        total = np.zeros(UNKNOWN + 1, np.int64)
        for row in rows:
            seen = self.seen[row]
            np.add.at(total, self.legend(seen.valued(self.legend.color)), seen.counts)
        return total[: len(self.legend.classes)]

    def shown(self) -> np.ndarray:
        """Return which classes each mask has at its own size, bool `(rows, classes)`."""
        shown = np.zeros((len(self), UNKNOWN + 1), bool)
        for row, seen in enumerate(self.seen):
            shown[row, self.legend(seen.valued(self.legend.color))] = True
        return shown[:, : len(self.legend.classes)]

    def digests(self) -> list[bytes]:
        """Return a sha256 of each file and of what its values mean."""
        meaning = self.legend.values.tobytes() + self.legend.codes.tobytes()
        return [hashlib.sha256(seen.digest + meaning).digest() for seen in self.seen]


def resized(mask: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Return a mask `(h, w)` as `(height, width)`, each pixel the nearest of the other size."""
    lines, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new)
        for new, old in zip(shape, mask.shape, strict=True)
    )
    return mask[lines[:, None], columns]


def count_pixels(masks: Any, rows: np.ndarray, classes: int) -> np.ndarray:
    """Return how many pixels of some masks each class has; masks are an array or `Masks`."""
    if isinstance(masks, Masks):
        return masks.pixels(rows)
    return np.bincount(masks[rows].ravel(), minlength=UNKNOWN + 1)[:classes]


def find_masks(folder: Path) -> list[Pair]:
    """Return the pictures and masks of a folder; none where it is laid out otherwise."""
    parts = {name: path for path in folders_in(folder) if (name := split_name(path.name))}
    parts = {name: path for name, path in parts.items() if _sides(path)}
    if "train" not in parts:
        parts = {"all": folder}
    return [pair for split, part in parts.items() for pair in _pairs(part, split)]


def _sides(folder: Path) -> tuple[Path, Path] | None:
    for names in SIDES:
        pictures, masks = (folder / name for name in names)
        if pictures.is_dir() and masks.is_dir() and pictures_in(masks):
            return pictures, masks
    return None


def _pairs(folder: Path, split: str) -> Iterator[Pair]:
    sides = _sides(folder)
    if sides is None:
        return
    pictures, masks = map(_by_stem, sides)
    listed = _listed(folder / LISTS) if split == "all" else {}
    every = [(split, stem) for stem in sorted({*pictures, *masks})]
    for split, stem in listed or every:
        other = (sides[0] / f"{stem}.jpg", sides[1] / f"{stem}.png")
        yield Pair(split, pictures.get(stem, other[0]), masks.get(stem, other[1]))


def _by_stem(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in pictures_in(folder):
        if path.stem in files:
            raise InputError(
                f"'{folder}' has both {files[path.stem].name} and {path.name}; expected one file "
                "of a name; try removing one"
            )
        files[path.stem] = path
    return files


def _listed(folder: Path) -> list[tuple[str, str]]:
    """Return split and stem of what Pascal VOC's lists name; none without a list for training."""
    files = {split_name(path.stem): path for path in folder.glob("*.txt")}
    if "train" not in files:
        return []
    return [
        (name, stem)
        for name in NAMES
        if name in files
        for stem in read_bytes(files[name], LARGEST_LIST).decode(errors="replace").split()
    ]


def read_masks(
    pairs: Sequence[Pair],
    shape: tuple[int, ...] | None,
    bad: BadExamples,
    source: str,
    classes: tuple[str, ...] = (),
    values: tuple[int, ...] = (),
) -> Raw:
    """Look at every picture and mask.

    Args:
        pairs: what `find_masks` returned.
        shape, bad: as in `pictures.look_at`.
        source: the folder, for messages.
        classes, values: of an earlier data set, whose codes are wanted; else they are found.
    """
    pairs = [pair for pair in pairs if _is_whole(pair, bad)]
    pictures, good = look_at([pair.picture for pair in pairs], shape, bad, source)
    pairs = [pair for pair, is_good in zip(pairs, good, strict=True) if is_good]
    looked = _look_at_masks(pairs, pictures.looks, bad)
    found = [(p, k, s) for p, k, s in zip(pairs, pictures.looks, looked, strict=True) if s]
    bad.finished(source, len(found))
    legend = read_legend(Path(source), [seen for *_, seen in found], classes, values)
    found = [example for example in found if _fits(example[0].mask, example[2], legend, bad)]
    bad.finished(source, len(found))
    kept, looks, seen = zip(*found, strict=True)
    shape = pictures.shape[1:]
    array = Pictures([pair.picture for pair in kept], looks, cast(tuple[int, int, int], shape))
    masks = Masks([pair.mask for pair in kept], seen, legend, (shape[0], shape[1]))
    of = np.array([pair.split for pair in kept])
    given = {split: np.flatnonzero(of == split) for split in NAMES if (of == split).any()}
    annotation = Annotation("segmentation", legend.classes, masks)
    return Raw("image", array=cast(Any, array), annotation=annotation, given=given)


def _is_whole(pair: Pair, bad: BadExamples) -> bool:
    """Report a picture without its mask, or a mask without its picture."""
    if pair.picture.exists() and pair.mask.exists():
        return True
    there, missing = (pair.mask, pair.picture) if pair.mask.exists() else (pair.picture, pair.mask)
    name = "mask" if missing is pair.mask else "picture"
    bad.found(there, "", (f"has no {name}", f"'{missing}'", "adding it"))
    return False


def _look_at_masks(
    pairs: Sequence[Pair], looks: Sequence[Look], bad: BadExamples
) -> Iterator[Seen | None]:
    with Progress("Looking at masks", "files") as progress, workers() as pool:
        found = pool.map(_look, pairs, looks)
        for pair, seen in zip(pairs, found, strict=True):
            if isinstance(seen, Seen):
                yield seen
            else:
                bad.found(pair.mask, "", seen)
                yield None
            progress.advance(1)


def _look(pair: Pair, look: Look) -> Seen | Problem:
    try:
        data = read_bytes(pair.mask, LARGEST_FILE)
        values, color, palette = _values(data)
    except Exception as error:  # Pillow's readers raise whatever a damaged file makes them
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        return f"cannot be read as a mask: {reason}", "a whole PNG", "removing it and its picture"
    height, width = values.shape
    if (height, width) != (look.height, look.width):
        size, other = f"{width} x {height} pixels", f"{look.width} x {look.height}"
        return f"has {size}", f"{other} as '{pair.picture}'", "making it anew"
    found, counts = np.unique(values, return_counts=True)
    if len(found) > MOST + (not color):  # a code may say that nothing is known
        kind = "colors" if color else "codes"
        return f"has {len(found):,} {kind}", f"{MOST} at most, one a class", "another file"
    digest = hashlib.sha256(data).digest()
    return Seen(height, width, found.astype(np.int64), counts, color, palette, digest)


def _values(data: bytes) -> tuple[np.ndarray, bool, bool]:
    """Return the values of a mask's pixels upright, whether they are colors or of a palette."""
    from PIL import ImageOps

    image = opened(data)
    if image.format == "JPEG":
        raise ValueError("it is a JPEG, which blurs codes")
    image = ImageOps.exif_transpose(image)
    if image.mode in ("1", "L", "P", "I;16", "I"):
        values = np.asarray(image.convert("L") if image.mode == "1" else image)
        return values, False, image.mode == "P"
    red, green, blue = np.moveaxis(np.asarray(image.convert("RGB")), -1, 0)
    if (red == green).all() and (green == blue).all():
        return red, False, False
    return (red.astype(np.int32) << 16) + (green.astype(np.int32) << 8) + blue, True, False


def _fits(mask: Path, seen: Seen, legend: Legend, bad: BadExamples) -> bool:
    """Report a mask with values that the legend does not have."""
    if legend.color and seen.palette:
        problem = "holds places in a palette", "colors, as others hold", "writing it as RGB"
        bad.found(mask, "", problem)
        return False
    strange = np.setdiff1d(seen.valued(legend.color), legend.values)
    if len(strange):
        problem = f"has the {legend.said(strange[0])}", legend.expected(), "correcting it"
        bad.found(mask, "", problem)
    return not len(strange)
