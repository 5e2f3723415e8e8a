"""Files written as a whole and read with a user's errors. Standard library only.

What is being written lies beside its place as `.NAME.0.zoo-tmp`, locked, until it is whole and on
the disk; then it takes its place in one step. What a killed process left has no lock any more, and
whoever writes next in that folder removes it.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from zoo.errors import InputError, WriteError
from zoo.untrusted import LARGEST_JSON, read_bytes

with contextlib.suppress(ImportError):  # not on every system that can read a run
    import fcntl

SUFFIX = ".zoo-tmp"  # of a file; a folder has one beside it, which is its lock
FOLDER = ".zoo-dir"
Pieces = Sequence[bytes | memoryview]


def write_atomic(path: str | os.PathLike[str], content: bytes | str | Pieces) -> None:
    """Replace a file as a whole, durably: a reader sees the old content or the new one.

    Args:
        path: of the file.
        content: of it, text in UTF-8; what is large may come in pieces.

    Raises:
        WriteError: it cannot be written there; what was there is kept.
    """
    path = Path(path)
    with writing(path), _temporary(path) as (temporary, file):
        content = content.encode() if isinstance(content, str) else content
        file.writelines([content] if isinstance(content, bytes) else content)
        file.flush()
        os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync(path.parent)


@contextlib.contextmanager
def building(path: Path) -> Iterator[Path]:
    """Give a path in a temporary folder beside `path`, of its name, for what others write.

    `put` moves it to its place. What is left at the end is removed, and so are the folders that
    were made on the way to it if nothing came to be there.
    """
    made = [folder for folder in path.parents if not folder.exists()]
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with _temporary(path) as (temporary, _):
                folder = temporary.with_suffix(FOLDER)
                folder.mkdir()
                yield folder / path.name
    finally:
        for folder in made:
            with contextlib.suppress(OSError):  # it is not empty
                folder.rmdir()


def put(new: Path, path: Path) -> None:
    """Let a file or folder of `building` take the place of what is there, in one step.

    Where a file system cannot exchange two folders, as NFS, it takes two: a kill between them
    leaves the old one in the temporary folder.
    """
    _sync_tree(new)
    if not (new.is_dir() and path.is_dir()):
        os.replace(new, path)
    elif not _exchanged(new, path):
        old = new.with_name("old")
        os.replace(path, old)
        try:
            os.replace(new, path)
        except OSError:
            os.replace(old, path)
            raise
    _sync(path.parent)


def place(paths: Iterator[Path], files: Mapping[str, str]) -> Path:
    """Make a folder of files and move it as a whole to the first path where nothing is.

    An empty folder counts as nothing: give it a file at least, so that no other takes its place.
    """
    path = next(paths)
    with building(path) as new:
        new.mkdir()
        for name, text in files.items():
            write_atomic(new / name, text)
        while not _put_new(new, path):  # another process was faster
            path = next(paths)
    return path


def _put_new(new: Path, path: Path) -> bool:
    _sync_tree(new)
    try:
        os.rename(new, path)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    _sync(path.parent)
    return True


def append(path: Path, text: str) -> None:
    """Add to the end of a file all of a text, or nothing of it.

    Raises:
        WriteError: there is no room.
    """
    with writing(path), open(path, "ab", buffering=0) as file:
        before = os.fstat(file.fileno()).st_size
        data = text.encode()
        try:
            while data:  # a disk that fills up takes a part, and refuses the next
                data = data[file.write(data) :]
        except BaseException:
            file.truncate(before)
            raise


def sync(path: Path) -> None:
    """Bring what was added to a file to the disk.

    Raises:
        WriteError: it is gone, or does not fit.
    """
    with writing(path):
        _sync(path)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a system's refusal to write into the error a user can see."""
    try:
        yield
    except OSError as error:
        raise WriteError(
            f"Cannot write '{path}': {error.strerror or error}. Expected a place that can be "
            "written to, with room left."
        ) from error


@contextlib.contextmanager
def _temporary(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """Give a temporary file beside a path, locked for as long as it is open."""
    with contextlib.suppress(OSError):  # where names cannot be listed, there may be room to write
        _remove_strays(path.parent)
    temporary, file = _claim(path)
    try:
        yield temporary, file
    finally:
        if _is_there(file, temporary):
            _remove(temporary)
        with contextlib.suppress(OSError):  # what it still holds has no room on the disk
            file.close()


def _claim(path: Path) -> tuple[Path, IO[bytes]]:
    for number in itertools.count():
        temporary = path.with_name(f".{path.name[:50]}.{number}{SUFFIX}")
        with contextlib.suppress(FileExistsError):
            file = open(temporary, "xb")  # noqa: SIM115
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX)
            if _is_there(file, temporary):
                return temporary, file
            file.close()
    raise AssertionError("There is always another number.")


def _remove_strays(folder: Path) -> None:
    """Remove what killed processes left in a folder: what nobody has a lock on."""
    for name in os.listdir(folder):
        if name.startswith(".") and name.endswith(SUFFIX):
            with contextlib.suppress(OSError), open(folder / name, "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_there(file, folder / name):
                    _remove(folder / name)


def _is_there(file: IO[bytes], path: Path) -> bool:
    """Whether an open file is still the one at a path; another process may have removed it."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    return False


def _remove(temporary: Path) -> None:
    """Remove a temporary file and the folder that it locks, the lock last."""
    folder = temporary.with_suffix(FOLDER)
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        with contextlib.suppress(OSError):
            temporary.unlink()


def _exchanged(first: Path, second: Path) -> bool:
    """Exchange two paths in one step, where system and file system can: Linux on a local disk."""
    import ctypes

    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
    with contextlib.suppress(AttributeError):
        renameat2 = ctypes.CDLL(None).renameat2
        return renameat2(here, os.fsencode(first), here, os.fsencode(second), exchange) == 0
    return False


def _sync_tree(path: Path) -> None:
    """Bring a file, or a folder with all that is in it, to the disk."""
    for each in [*path.rglob("*"), path]:
        _sync(each)


def _sync(path: Path) -> None:
    """Bring a file's content, or the names in a folder, to the disk: a power cut keeps them."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # not for folders, says this system
            raise
    finally:
        os.close(descriptor)


def read_text(path: Path, largest: int = LARGEST_JSON) -> str:
    """Return a file's text, or raise an InputError that says why not."""
    try:
        return read_bytes(path, largest).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InputError(
            f"Cannot read '{path}': {reason}. Expected a file as `zoo train` writes it."
        ) from error


def damaged(path: Path, expected: str) -> InputError:
    """Build the error for a file that does not hold what it should."""
    return InputError(
        f"'{path}' is damaged. Expected {expected}. Restore the file, or train the run again."
    )


def plain(value: Any) -> Any:
    """Return a value made of dictionaries, lists, strings and Python numbers only."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # a numpy array or scalar
        return value.tolist()
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value)


def finite(value: Any) -> Any:
    """Return a plain value with None in place of NaN and infinity, which JSON lacks."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
