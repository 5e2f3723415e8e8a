"""Encoded pictures: looked at once, and read when they are asked for, from files or memory."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.progress import Progress
from zoo.untrusted import MOST_PIXELS, read_bytes

from .bad import BadExamples, Problem

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
PLAIN = FORMATS[:2]  # what the model itself can read
GRAY = ("1", "L", "I;16", "I")
USUAL = 224  # pixels a side, where the pictures differ in size
TOGETHER = 256  # looks asked for at once: each that waits takes more memory than what it tells
RESIDENT = 1 << 30  # bytes: more of them, decoded, are not kept
LARGEST_FILE = 1 << 28  # bytes: 89 million pixels of three colors, not packed at all
_TURNED = 0x0112  # EXIF: how the camera was held; 1 is upright


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a picture tells.

    Attributes:
        height, width: of the picture upright, in pixels.
        gray: whether it has no color.
        plain: whether the model can be given the file as it is.
        digest: sha256 of the file.
    """

    height: int
    width: int
    gray: bool
    plain: bool
    digest: bytes


class Pictures:
    """Picture files that are indexed as an array of pictures would be, and read as bytes then.

    JPEG and PNG are given as they are. What the model cannot read or would see turned (WebP, BMP,
    GIF, TIFF, JPEG in the colors of print, and photos whose EXIF says how the camera was held) is
    given upright, as PNG.

    Args:
        paths: the files.
        looks: what was seen of each.
        shape: height, width and channels the model is to see.
        contents: what is in each, where there are no files; then the paths are only names.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        looks: Sequence[Look],
        shape: tuple[int, int, int],
        contents: Sequence[bytes] | None = None,
    ):
        self.paths, self.looks, self.contents = list(paths), list(looks), contents
        self.shape: tuple[int, int, int, int] = (len(self.paths), *shape)
        self.dtype = np.dtype(object)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Return the bytes of some pictures, an object array `(rows,)`."""
        chosen = np.atleast_1d(rows)
        array = np.empty(len(chosen), dtype=object)
        with workers() as pool:
            array[:] = list(pool.map(self._content, chosen))
        return array

    def part(self, rows: Sequence[int]) -> Pictures:
        """Return some of the pictures."""
        paths, looks = [self.paths[row] for row in rows], [self.looks[row] for row in rows]
        held = self.contents and [self.contents[row] for row in rows]
        return Pictures(paths, looks, self.shape[1:], held)

    def is_plain_file(self, row: int) -> bool:
        """Tell whether the model can be given the file of a picture as it is."""
        return self.contents is None and self.looks[row].plain

    @property
    def sizes(self) -> np.ndarray:
        """Height and width of each picture upright, int64 `(rows, 2)`."""
        return np.array([(look.height, look.width) for look in self.looks]).reshape(-1, 2)

    def resized(self) -> list[str]:
        """Say that pictures of several sizes become one, where they do."""
        sizes = np.unique(self.sizes, axis=0)
        if len(sizes) < 2:
            return []
        height, width, _ = self.shape[1:]
        return [
            f"the pictures have {len(sizes):,} sizes, of which the model sees {height} x {width}; "
            "--image-size says another"
        ]

    def _content(self, row: int) -> bytes:
        data = self.contents[row] if self.contents else read_bytes(self.paths[row], LARGEST_FILE)
        return data if self.looks[row].plain else upright(data)

    def digests(self) -> list[bytes]:
        """Return the sha256 of each file."""
        return [look.digest for look in self.looks]


def identity(array: Any) -> np.ndarray:
    """Return an array in which equal rows are equal examples: of files, their hashes."""
    if isinstance(array, np.ndarray):
        return array
    digests = np.frombuffer(b"".join(array.digests()), np.uint8)
    return digests.reshape(-1, hashlib.sha256().digest_size)


def look_at(
    paths: Sequence[Path],
    shape: tuple[int, ...] | None,
    bad: BadExamples,
    source: str,
    contents: Sequence[bytes] | None = None,
) -> tuple[Pictures, np.ndarray]:
    """Look at files; return those that are pictures, and which of all they are.

    Args:
        paths: the files.
        shape: height and width, and maybe channels, that the model is to see; by default the
            pictures' own where all have one size, else `USUAL` pixels a side.
        bad: told of files that cannot be read as pictures.
        source: what names them, for messages.
        contents: of each, where there are no files; then the paths are only names.
    """
    looks = list(_looks(paths, contents or paths, bad))
    good = np.array([look is not None for look in looks])
    bad.finished(source, int(good.sum()))
    seen = [look for look in looks if look]
    kept = [path for path, look in zip(paths, looks, strict=True) if look]
    held = contents and [data for data, look in zip(contents, looks, strict=True) if look]
    return Pictures(kept, seen, _shape(seen, shape), held), good


def _looks(
    paths: Sequence[Path], sources: Sequence[Path | bytes], bad: BadExamples
) -> Iterator[Look | None]:
    with Progress("Looking at pictures", "files") as progress, workers() as pool:
        for start in range(0, len(paths), TOGETHER):
            part = slice(start, start + TOGETHER)
            for path, look in zip(paths[part], pool.map(_look, sources[part]), strict=True):
                if isinstance(look, Look):
                    yield look
                else:
                    bad.found(path, "", look)
                    yield None
                progress.advance(1)


def _look(source: Path | bytes) -> Look | Problem:
    try:
        data = source if isinstance(source, bytes) else read_bytes(source, LARGEST_FILE)
        if not data:
            return "is empty", "a picture", "removing it"
        image = opened(data)
        width, height = image.size
        turned = image.getexif().get(_TURNED, 1)
        if turned >= 5:
            width, height = height, width
        _refuse_cut_off(data, image)
        if image.mode == "F":
            return "holds fractions", "a picture of 8 or 16 bits", "converting it"
    except FileNotFoundError:
        return "does not exist", "a picture", "correcting its path"
    except Exception as error:  # Pillow's readers raise whatever a damaged file makes them
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        if "cannot identify" in reason:
            reason = "its content is none"
        return f"cannot be read as a picture: {reason}", "a whole picture", "removing it"
    digest = hashlib.sha256(data).digest()
    return Look(height, width, image.mode in GRAY, _is_plain(image), digest)


def _is_plain(image: Image) -> bool:
    """Tell a picture that the model itself can read, in gray and in color, and sees upright."""
    upright = image.getexif().get(_TURNED, 1) == 1
    return image.format in PLAIN and image.mode != "CMYK" and upright


def _refuse_cut_off(data: bytes, image: Image) -> None:
    """Raise an error for a picture without its end, as a stopped copy leaves it."""
    ends = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}
    end = ends.get(image.format or "", b"")
    if end and end in data[-1024:]:
        return
    if end not in data:
        raise ValueError("it is cut off")
    try:
        image.load()  # telephones add films behind the end, and what is before it may have one, too
    except (OSError, SyntaxError):
        if end:
            raise ValueError("it is cut off") from None
        raise


def _shape(looks: Sequence[Look], wanted: tuple[int, ...] | None) -> tuple[int, int, int]:
    channels = 1 if all(look.gray for look in looks) else 3
    sizes = {(look.height, look.width) for look in looks}
    usual = sizes.pop() if len(sizes) == 1 else (USUAL, USUAL)
    usual = usual if max(usual) <= USUAL else (USUAL, USUAL)
    height, width, channels = (*(wanted or usual), channels)[:3]
    return height, width, channels


def upright(data: bytes) -> bytes:
    """Return the bytes of a picture in one of `FORMATS` as JPEG or PNG, upright."""
    image = opened(data)
    if _is_plain(image):
        return data
    from PIL import ImageOps

    held = io.BytesIO()
    eight_bits(ImageOps.exif_transpose(image)).save(held, "PNG", compress_level=1)
    return held.getvalue()


def eight_bits(image: Image) -> Image:
    """Return a picture in gray or color; of 16 bits the lower ones go."""
    from PIL import Image

    gray = image.mode in GRAY
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image, np.uint32) >> 8).astype(np.uint8))
    return image.convert("L" if gray else "RGB")


def opened(data: bytes) -> Image:
    """Open a picture, of which only the header is read."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pixels: they are counted here
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    if image.width * image.height > MOST_PIXELS:
        raise ValueError(f"{image.width:,} x {image.height:,} pixels, more than {MOST_PIXELS:,}")
    return image


def workers() -> ThreadPoolExecutor:
    """Return threads to read pictures with, one a processor."""
    return ThreadPoolExecutor(os.cpu_count() or 1)
