"""Files written as a whole and read with a user's errors. Standard library only."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.errors import InputError


def write_atomic(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Replace a file as a whole, durably: a reader sees the old content or the new one.

    Raises:
        InputError: it cannot be written there; what was there is kept.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name[:80]}.{os.getpid()}.tmp")
    with writing(path):
        try:
            with open(temporary, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a system's refusal to write into the error a user can see."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"Cannot write '{path}': {error.strerror or error}. Expected a place that can be "
            "written to, with room left."
        ) from error


def read_text(path: Path) -> str:
    """Return a file's text, or raise an InputError that says why not."""
    try:
        return path.read_text(encoding="utf-8")
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


def csv_text(lines: Sequence[Sequence[Any]]) -> str:
    """Return lines of cells as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def cell_text(value: Any) -> str:
    """Return a value as it is written in a log: every bit of a float, nothing for None."""
    value = plain(value)
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def cell_value(text: str) -> Any:
    """Return what `cell_text` wrote as int, float, text or None."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text or None


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
