"""Pictures in folders, one folder a class: found, looked at once, and read when asked for."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from zoo.errors import InputError
from zoo.progress import Progress
from zoo.untrusted import MOST_PIXELS, read_bytes

from .bad import BadExamples, Problem
from .base import Raw
from .files import files_in
from .frames import is_text
from .splits import NAMES, split_name

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
PLAIN = FORMATS[:2]  # what the model itself can read
GRAY = ("1", "L", "I;16", "I")
USUAL = 224  # pixels a side, where the pictures differ in size
LARGEST_FILE = 1 << 28  # bytes
_TURNED = 0x0112  # EXIF: how the camera was held; 1 is upright


@dataclass(frozen=True)
class Look:
    """What one look at a picture tells: its size, whether it has color, and a hash of the file."""

    height: int
    width: int
    gray: bool
    digest: bytes


class Pictures:
    """Picture files that are indexed as an array of pictures would be, and read as bytes then.

    JPEG and PNG are given as they are. What the model cannot read or would see turned (WebP, BMP,
    GIF, TIFF, and photos whose EXIF says how the camera was held) is given upright, as PNG.

    Args:
        paths: the files.
        shape: height, width and channels the model is to see.
        digests: sha256 of each file, uint8 `(files, 32)`.
    """

    def __init__(self, paths: Sequence[Path], shape: tuple[int, int, int], digests: np.ndarray):
        self.paths = list(paths)
        self.shape, self.dtype = (len(self.paths), *shape), np.dtype(object)
        self.digests = digests

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Return the bytes of some pictures, an object array `(rows,)`."""
        chosen = [self.paths[row] for row in np.atleast_1d(rows)]
        with _workers() as pool:
            contents = list(pool.map(content, chosen))
        array = np.empty(len(chosen), dtype=object)
        array[:] = contents
        return array


def find_classes(folder: Path) -> dict[str, dict[str, list[Path]]]:
    """Return picture files by split and class; the split is "all" where there are no splits."""
    parts = {split_name(path.name): path for path in _folders(folder)}
    parts.pop(None, None)
    splits = {cast(str, name): path for name, path in parts.items()}
    if "train" not in splits:
        splits = {"all": folder}
    found = {
        name: {path.name: files for path in _folders(part) if (files := _pictures(path))}
        for name, part in splits.items()
    }
    return {name: classes for name, classes in found.items() if classes or name != "all"}


def read_classes(
    found: dict[str, dict[str, list[Path]]],
    shape: tuple[int, ...] | None,
    bad: BadExamples,
    source: str,
) -> Raw:
    """Look at every picture of some class folders.

    Args:
        found: what `find_classes` returned.
        shape: height and width, and maybe channels, that the model is to see; by default the
            pictures' own where all have one size, else `USUAL` pixels a side.
        bad: told of pictures that cannot be read.
        source: the folder, for messages.
    """
    splits = [name for name in ("all", *NAMES) if name in found]
    _refuse_classes(found, splits, source)
    files = [
        (split, name, path)
        for split in splits
        for name, members in sorted(found[split].items())
        for path in members
    ]
    pictures, good = _read([path for *_, path in files], shape, bad, source)
    of, names = (np.array([file[i] for file in files])[good] for i in range(2))
    given = {split: np.flatnonzero(of == split) for split in splits if split != "all"}
    frame = pd.DataFrame({"label": pd.Categorical(names)})
    return Raw("image", frame, cast(Any, pictures), target=("label",), given=given)


def from_table(
    raw: Raw, folder: Path, shape: tuple[int, ...] | None, bad: BadExamples, source: str
) -> Raw:
    """Return the pictures that a column of a table names; the table where none does.

    Args:
        raw: a table.
        folder: where relative paths begin.
        shape, bad, source: as in `read_classes`.
    """
    frame = raw.frame
    assert frame is not None
    column = next((name for name in frame.columns if _names_pictures(frame[name], folder)), None)
    if column is None:
        return raw
    pictures, good = _read([folder / str(name) for name in frame[column]], shape, bad, source)
    number = np.cumsum(good) - 1  # of each row, once the bad ones are gone
    given = {split: number[rows[good[rows]]] for split, rows in raw.given.items()}
    others = frame.drop(columns=column)[good].reset_index(drop=True)
    for name in others.columns:
        if is_text(others[name]):
            others[name] = others[name].cat.remove_unused_categories()
    note = f"the pictures that column '{column}' names are the input; --kind table reads a table"
    return Raw("image", others, cast(Any, pictures), given=given, notes=[*raw.notes, note])


def _names_pictures(series: pd.Series, folder: Path) -> bool:
    """Tell a column of paths: each ends as a picture does, and the first is there."""
    if not is_text(series) or series.isna().any() or not len(series):
        return False
    names = series.cat.categories
    if not all(str(name).lower().endswith(SUFFIXES) for name in names):
        return False
    return (folder / str(series.iloc[0])).exists()


def content(path: Path) -> bytes:
    """Return a picture as JPEG or PNG bytes, upright."""
    return upright(read_bytes(path, LARGEST_FILE))


def upright(data: bytes) -> bytes:
    """Return the bytes of a picture in one of `FORMATS` as JPEG or PNG, upright."""
    image = _opened(data)
    if image.format in PLAIN and image.getexif().get(_TURNED, 1) == 1:
        return data
    from PIL import Image, ImageOps

    turned = ImageOps.exif_transpose(image)
    if turned.mode.startswith("I"):  # 16 bits, of which the lower ones go
        turned = Image.fromarray((np.asarray(turned, np.uint32) >> 8).astype(np.uint8))
    turned = turned.convert("L" if image.mode in GRAY else "RGB")
    held = io.BytesIO()
    turned.save(held, "PNG", compress_level=1)
    return held.getvalue()


def _opened(data: bytes) -> Image:
    """Open a picture, of which only the header is read."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pixels: they are counted here
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    if image.width * image.height > MOST_PIXELS:
        raise ValueError(f"{image.width:,} x {image.height:,} pixels, more than {MOST_PIXELS:,}")
    return image


def _read(
    paths: list[Path], shape: tuple[int, ...] | None, bad: BadExamples, source: str
) -> tuple[Pictures, np.ndarray]:
    """Look at files; return those that are pictures, and which of all they are."""
    looks = list(_look_at(paths, bad))
    good = np.array([look is not None for look in looks])
    bad.finished(source, int(good.sum()))
    seen = [look for look in looks if look]
    digests = np.frombuffer(b"".join(look.digest for look in seen), np.uint8).reshape(-1, 32)
    kept = [path for path, look in zip(paths, looks, strict=True) if look]
    return Pictures(kept, _shape(seen, shape), digests), good


def _look_at(paths: list[Path], bad: BadExamples) -> Iterator[Look | None]:
    with Progress("Looking at pictures", "files") as progress, _workers() as pool:
        for path, look in zip(paths, pool.map(_look, paths), strict=True):
            if isinstance(look, Look):
                yield look
            else:
                bad.found(path, "", look)
                yield None
            progress.advance(1)


def _look(path: Path) -> Look | Problem:
    try:
        data = read_bytes(path, LARGEST_FILE)
        if not data:
            return "is empty", "a picture", "removing it"
        image = _opened(data)
        width, height = image.size
        if image.getexif().get(_TURNED, 1) >= 5:
            width, height = height, width
        _refuse_cut_off(data, image)
    except Exception as error:  # Pillow's readers raise whatever a damaged file makes them
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        if "cannot identify" in reason:
            reason = "its content is none"
        return f"cannot be read as a picture: {reason}", "a whole picture", "removing it"
    return Look(height, width, image.mode in GRAY, hashlib.sha256(data).digest())


def _refuse_cut_off(data: bytes, image: Image) -> None:
    """Raise a ValueError for a picture without its end, as a stopped copy leaves it."""
    ends = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}
    end = ends.get(image.format or "")
    if end and end not in data[-1024:]:
        raise ValueError("it is cut off")
    if not end:
        image.load()


def _shape(looks: Sequence[Look], wanted: tuple[int, ...] | None) -> tuple[int, int, int]:
    channels = 1 if all(look.gray for look in looks) else 3
    sizes = {(look.height, look.width) for look in looks}
    usual = sizes.pop() if len(sizes) == 1 else (USUAL, USUAL)
    usual = usual if max(usual) <= USUAL else (USUAL, USUAL)
    height, width, channels = (*(wanted or usual), channels)[:3]
    return height, width, channels


def _refuse_classes(
    found: dict[str, dict[str, list[Path]]], splits: Sequence[str], source: str
) -> None:
    """Raise an InputError where splits have other classes, or there are fewer than two."""
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
    if len(first) < 2:
        held = f"one class, '{next(iter(first))}'" if first else "no pictures"
        raise InputError(f"'{source}' has {held}; expected two classes at least, each a folder of "
                         "pictures; try another folder")  # fmt: skip


def _folders(folder: Path) -> list[Path]:
    return [path for path in _listed(folder) if path.is_dir()]


def _pictures(folder: Path) -> list[Path]:
    return [path for path in _listed(folder) if path.suffix.lower() in SUFFIXES and path.is_file()]


def _listed(folder: Path) -> list[Path]:
    return [path for path in files_in(folder) if not path.name.startswith(".")]


def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1)
