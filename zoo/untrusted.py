"""Files made by others: how much of them is read, and what is refused unread.

Every file zoo opens may have been made to harm. Nothing in this package unpickles, and each limit
below is one that honest files never reach; reading a file takes memory in proportion to its size on
disk, never to what it promises. Standard library only.
"""

from __future__ import annotations

import errno
import io
import json
import os
import re
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any
from xml.etree import ElementTree

from zoo.errors import InputError

LARGEST_LOG = 1 << 29  # bytes: of a log, and of a checkpoint, which holds it; two million epochs
LARGEST_JSON = 1 << 25  # bytes: a vocabulary of a million words; parsed, some 25 times that
LARGEST_YAML = 1 << 20  # bytes: options that name 10,000 columns
LARGEST_XML = 1 << 22  # bytes: what is said of a picture with 10,000 boxes
LARGEST_LINE = 1 << 24  # bytes: a row of a million numbers
LARGEST_COUNT = 1 << 16  # columns of a table or targets of an array; a genome has 20,000 genes
DEEPEST = 100  # levels of nesting; a Keras configuration has some 30
MOST_EXPANDED = 200  # times its packed size; tables shrink to a tenth, numbers hardly
# Pixels of a picture to be decoded: Pillow's limit too. In color they take some 0.3 GB; a file of a
# few KB can promise far more.
MOST_PIXELS = 89_478_485
SMALL = 1 << 26  # bytes that anything may expand to, however small it was packed

_HALF = re.compile(r"\\u[dD]")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
_CODE = "which can run code or reach other files when it is read"
_ARCHIVE = "an archive, and zoo unpacks none"
_REFUSED = {
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".npy"), f"a pickle or may hold one, {_CODE}"),
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".bin"), f"PyTorch's pickle, {_CODE}"),
    **dict.fromkeys((".h5", ".hdf5"), f"an HDF5 file, {_CODE}"),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar"), _ARCHIVE),
}


def refused_kind(path: str | os.PathLike[str]) -> tuple[str, str]:
    """Return what a file is that zoo never opens, and what to try instead; "" for any other."""
    kind = _REFUSED.get(Path(path).suffix.lower(), "")
    return kind, "unpacking it first" if kind == _ARCHIVE else "writing it as one where it was made"


def refuse_remote(reference: str | os.PathLike[str]) -> None:
    """Raise an InputError for an address such as https://, hf://, gs:// or s3://."""
    text = os.fspath(reference)
    if _ADDRESS.match(text) and not os.path.lexists(text):
        raise InputError(
            f"Received the address '{text[:100]}'. Expected a path on this machine, or a "
            "name of `zoo data list`. Download the file first, then name the copy."
        )


def memory() -> int:
    """Return how many bytes of memory this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def read_bytes(path: str | os.PathLike[str], largest: int) -> bytes:
    """Return the content of a regular file.

    Raises:
        OSError: it cannot be read, is a pipe or a device, or holds more than `largest` bytes.
    """
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for ever
        raise OSError(errno.EINVAL, "it is not a regular file")
    if found.st_size > largest:
        raise OSError(errno.EFBIG, f"it holds more than {largest:,} bytes")
    with open(path, "rb") as file:
        return file.read(found.st_size)


def parse_json(content: str | bytes, largest: int = LARGEST_JSON) -> Any:
    """Return what JSON says.

    Raises:
        ValueError: it is no JSON, too large, or nested too deep.
    """
    if len(content) > largest:
        raise ValueError(f"it holds more than {largest:,} bytes")
    text = content if isinstance(content, str) else content.decode()
    try:
        value = json.loads(text)
        if _HALF.search(text):
            check_text(value)
    except RecursionError:
        raise ValueError(f"it is nested more than {DEEPEST} levels deep") from None
    check_depth(value)
    return value


def parse_yaml(content: str) -> Any:
    """Return what YAML of plain values says.

    Raises:
        ValueError: it is no YAML, too large, nested too deep, names Python objects, or repeats
            parts by aliases, which can make a few lines stand for gigabytes.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise ValueError(f"it uses the alias '*{self.peek_event().anchor}'")
            return super().compose_node(parent, index)

    if len(content) > LARGEST_YAML:
        raise ValueError(f"it holds more than {LARGEST_YAML:,} characters")
    try:
        value = yaml.load(content, Loader)
    except RecursionError:
        raise ValueError(f"it is nested more than {DEEPEST} levels deep") from None
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(" ".join(str(error).split())[:200]) from error  # 2020-99-99 is one
    check_depth(value)
    return value


def parse_xml(content: bytes) -> ElementTree.Element:
    """Return the root of a document.

    Raises:
        ValueError: it is no XML, too large, or has a DOCTYPE, whose entities can make a few lines
            stand for gigabytes or name other files.
    """

    class Builder(ElementTree.TreeBuilder):
        def doctype(self, name: str, *_: Any) -> None:
            raise ValueError(f"it has the DOCTYPE '{name[:60]}'")

    if len(content) > LARGEST_XML:
        raise ValueError(f"it holds more than {LARGEST_XML:,} bytes")
    parser = ElementTree.XMLParser(target=Builder())
    try:
        parser.feed(content)
        return parser.close()
    except (ElementTree.ParseError, LookupError) as error:  # an encoding may be unknown
        raise ValueError(f"it is no XML: {error}") from None


def check_text(value: Any) -> None:
    """Raise a ValueError for half a character, which JSON can name and no file can hold."""
    json.dumps(value, ensure_ascii=False).encode()


def printable(text: str) -> str:
    """Return a text that does nothing to a terminal: names may hold its control sequences."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def check_depth(value: Any) -> None:
    """Raise a ValueError for what is nested too deep for functions that call themselves."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return
    raise ValueError(f"it is nested more than {DEEPEST} levels deep")


def check_keys(value: Any, kinds: Mapping[str, type | tuple[type, ...]]) -> None:
    """Raise a ValueError unless a value is a dictionary with these keys, each of its kind."""
    if not isinstance(value, dict):
        raise ValueError(f"it holds a {type(value).__name__} instead of names and values")
    for name, kind in kinds.items():
        if name not in value or not isinstance(value[name], kind):
            raise ValueError(f"'{name}' is missing or of another kind")


def check_state(state: Any) -> None:
    """Raise a ValueError unless these are the plain values a predictor is made from."""
    check_keys(state, {"spec": dict, "task": dict, "preprocessor": dict, "card": dict})
    check_keys(state["card"], {"model": str, "builder": dict, "data": dict})


def check_plugins(plugins: Any, folder: Path) -> None:
    """Raise a ValueError for what is no list of files, or names one in a folder others made.

    A plugin is code. Those of a user lie where the user put them; zoo puts none into a run.
    """
    if not isinstance(plugins or [], list) or not all(isinstance(p, str) for p in plugins or []):
        raise ValueError("'plugin' is no list of files")
    for plugin in plugins or []:
        if Path(plugin).resolve().is_relative_to(folder.resolve()):
            raise ValueError(
                f"it brings the plugin '{plugin}' along, which is code to be run unseen"
            )


def check_members(archive: zipfile.ZipFile, size: int) -> None:
    """Look at a zip's table of contents before anything is unpacked.

    Args:
        archive: the zip, .npz and .keras files among them.
        size: bytes of the whole file; members may share their bytes and each claim them.

    Raises:
        ValueError: a name leads elsewhere or occurs twice, or it would expand without measure.
    """
    names: set[str] = set()
    for member in archive.infolist():
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0]:
            raise ValueError(f"its member '{member.filename[:60]}' leads out of it")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ValueError(f"its member '{member.filename[:60]}' is a link")
        if member.filename in names:
            raise ValueError(f"it has two members '{member.filename[:60]}'")
        names.add(member.filename)
    check_expansion(sum(member.file_size for member in archive.infolist()), size)


def check_expansion(unpacked: int, packed: int) -> None:
    """Raise a ValueError where a few bytes become very many."""
    if unpacked > max(SMALL, MOST_EXPANDED * packed):
        raise ValueError(
            f"its {packed:,} bytes expand to more than {max(SMALL, MOST_EXPANDED * packed):,}"
        )


class Lines(io.RawIOBase):
    """The bytes of a text file, unpacked, for as long as its lines and its size stay sane.

    Args:
        file: the bytes; closed with this.
        path: for messages, and for its size on disk.

    Attributes:
        count: bytes read so far.
    """

    def __init__(self, file: IO[bytes], path: Path):
        self.file, self.path = file, path
        self.count = self.line = 0
        self.packed = os.path.getsize(path)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self.file.read(min(len(buffer), LARGEST_LINE))
        buffer[: len(block)] = block
        end = block.rfind(b"\n")
        self.count += len(block)
        self.line = self.line + len(block) if end < 0 else len(block) - 1 - end
        if self.line > LARGEST_LINE:
            raise InputError(
                f"'{self.path}' has a line of more than {LARGEST_LINE:,} bytes; expected one row a "
                "line; try a file with line breaks"
            )
        try:
            check_expansion(self.count, self.packed)
        except ValueError as error:
            raise InputError(
                f"'{self.path}' is refused: {error}; expected data, which does not shrink so; "
                "try unpacking it yourself"
            ) from error
        return len(block)

    def close(self) -> None:
        self.file.close()
        super().close()
