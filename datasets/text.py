"""Text in files, of which a passage is read at a time, and documents cut into pieces."""

from __future__ import annotations

import codecs
import hashlib
import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import InputError
from zoo.progress import Progress

from .base import Raw
from .delimited import reported
from .splits import NAMES, Splitting, consecutive

BLOCK = 1 << 20  # bytes read at once
NEAR = 1 << 14  # how far before a place a better one to cut is looked for


class Passage:
    """A part of a file of text, of which nothing is kept in memory.

    Args:
        file: its bytes, UTF-8.
        start, stop: of the part.
    """

    def __init__(self, file: mmap.mmap, start: int, stop: int):
        self.file, self.start, self.stop = file, start, stop

    def __len__(self) -> int:
        return self.stop - self.start

    def __str__(self) -> str:
        return self.file[self.start : self.stop].decode().replace("\r\n", "\n")

    def __getitem__(self, part: slice) -> Passage:
        start, stop, _ = part.indices(len(self))
        return Passage(self.file, self.start + start, self.start + stop)

    def encode(self) -> bytes:
        """Return its sha256, which stands for it in a fingerprint."""
        digest = hashlib.sha256()
        for start in range(self.start, self.stop, BLOCK):
            digest.update(self.file[start : min(start + BLOCK, self.stop)])
        return digest.digest()


Document = str | Passage


@dataclass
class TextSplit:
    """Documents of text that several splits share.

    Attributes:
        texts: strings, or what makes one with `str`.
        rows: which of them are of the split.
        column: the name of the input.
        target: an entry a text, or None.
    """

    texts: Sequence[Any]
    rows: np.ndarray
    column: str = "text"
    target: np.ndarray | None = None

    @classmethod
    def of(cls, texts: Sequence[Any], column: str = "text") -> TextSplit:
        """Return a split of all of some texts."""
        return cls(texts, np.arange(len(texts)), column)

    @property
    def documents(self) -> list[Any]:
        """The texts of the split."""
        return [self.texts[row] for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, indices: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        texts = np.empty(len(indices), dtype=object)
        texts[:] = [str(self.texts[row]) for row in self.rows[indices]]
        return {self.column: texts}

    def targets(self) -> np.ndarray | None:
        return None if self.target is None else self.target[self.rows]


def read_text(path: Path) -> Raw:
    """Look through a text file, which is one document.

    Raises:
        InputError: it is empty, or no UTF-8 text.
    """
    with reported(path), open(path, "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        characters = _look_through(mapped, path)
    if not characters:
        raise InputError(f"'{path}' is empty; expected text; try another file")
    start = len(codecs.BOM_UTF8) * mapped[:3].startswith(codecs.BOM_UTF8)
    return Raw("text", documents=[Passage(mapped, start, len(mapped))])


def _look_through(mapped: mmap.mmap, path: Path) -> int:
    """Return how many characters there are that can be seen."""
    decoder, seen = codecs.getincrementaldecoder("utf-8-sig")(), 0
    with Progress(f"Reading {path.name}", "MB") as progress:
        for start in range(0, len(mapped), BLOCK):
            block = mapped[start : start + BLOCK]
            if b"\0" in block:
                raise InputError(
                    f"'{path}' holds zero bytes; expected UTF-8 text; try `file {path}` to see "
                    "what it is"
                )
            seen += len(decoder.decode(block, final=start + BLOCK >= len(mapped)).strip())
            progress.advance(1)
    return seen


def cut(document: Document, size: int = BLOCK) -> Iterator[Document]:
    """Yield a document in pieces of about `size` characters, of a file bytes.

    They end after a blank line where there is one near, else a line, else a word.
    """
    start = 0
    while len(document) - start > size:
        stop = _place(document, start, start + size)
        yield document[start:stop]
        start = stop
    yield document[start:]


def pieces(documents: Iterable[Document], size: int = BLOCK) -> Iterator[str]:
    """Yield documents in pieces of about `size` characters."""
    for document in documents:
        yield from map(str, cut(document, size))


def _place(document: Document, start: int, near: int) -> int:
    """Return the best place to cut at, `near` or shortly before, after `start`."""
    whole: Any = document if isinstance(document, str) else document.file
    offset = 0 if isinstance(document, str) else document.start
    low = max(start, near - NEAR) + offset
    for mark in ("\n\n", "\n", " "):
        wanted = mark if isinstance(whole, str) else mark.encode()
        if (found := whole.rfind(wanted, low, near + offset)) >= 0:
            return found + len(mark) - offset
    return (
        near if isinstance(whole, str) else _between(whole, start + offset, near + offset) - offset
    )


def _between(whole: Any, start: int, near: int) -> int:
    """Return a place between two characters of UTF-8, `near` or before, but after `start`."""
    if near >= len(whole):
        return near
    before = near
    while whole[before] & 0xC0 == 0x80:
        before -= 1
    if before > start:
        return before
    while near < len(whole) and whole[near] & 0xC0 == 0x80:
        near += 1
    return near


def running(raw: Raw, how: Splitting, source: str) -> Raw:
    """Return a text of one document cut into consecutive splits, the training one first.

    Texts of several documents, and those whose splits exist, stay as they are.

    Raises:
        InputError: there is too little of it.
    """
    parts = {name: [raw.documents[row] for row in rows] for name, rows in raw.given.items()}
    training = parts.get("train", list(raw.documents))
    shares = {"test": how.test_fraction, "validation": how.validation_fraction}
    shares = {name: share for name, share in shares.items() if share and name not in parts}
    if len(training) != 1 or not shares:
        return raw
    (whole,) = training
    rest, length = whole, len(whole)
    for name, share in shares.items():
        start = _place(rest, 0, max(len(rest) - round(share * length), 1))
        parts[name], rest = [rest[start:]], rest[:start]
    parts["train"] = [rest]
    if not all(len(str(piece[:BLOCK]).strip()) for (piece, *_) in parts.values()):
        raise InputError(
            f"'{source}' holds {length:,} characters; expected enough for {len(parts)} splits; try "
            "a longer text"
        )
    parts = {name: parts[name] for name in NAMES if name in parts}
    note = f"one running text, the end of which is for {' and '.join(reversed(shares))}"
    return Raw(
        "text",
        documents=[document for part in parts.values() for document in part],
        given=consecutive({name: len(part) for name, part in parts.items()}),
        notes=[*raw.notes, note],
    )
