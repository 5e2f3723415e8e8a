"""Plain text files as documents."""

from __future__ import annotations

import re
from pathlib import Path

from zoo.errors import InputError

from .base import Raw
from .delimited import reported

FEW = 10  # blocks


def read_text(path: Path) -> Raw:
    """Read a text file: its documents are blocks between blank lines.

    With fewer than ten such blocks each line is a document, so that there is something to split.
    """
    with reported(path):
        text = path.read_text(encoding="utf-8-sig")
    if "\0" in text:
        raise InputError(
            f"'{path}' holds zero bytes; expected UTF-8 text; try `file {path}` to see what it is"
        )
    blocks = [block.strip("\n") for block in re.split(r"\n[ \t]*\n", text) if block.strip()]
    separator = "blank lines"
    if len(blocks) < FEW:
        blocks = [line for line in text.splitlines() if line.strip()]
        separator = "line breaks"
    if not blocks:
        raise InputError(f"'{path}' is empty; expected text; try another file")
    note = f"{len(blocks):,} documents, separated by {separator}"
    return Raw("text", documents=blocks, notes=[note])
