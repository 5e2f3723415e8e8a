"""A sign of life on stderr for whatever takes more than two seconds to read."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

PATIENCE = 2.0  # seconds


class Progress:
    """Say how many rows of a file have been read: a live line on a terminal, else one line."""

    def __init__(self, path: Path):
        self.path = path
        self.rows = 0
        self._started = time.monotonic()
        self._said = False
        self._status: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status:
            self._status.stop()

    def advance(self, rows: int) -> None:
        """Count rows that have been read."""
        self.rows += rows
        if time.monotonic() - self._started > PATIENCE:
            self._say()

    def _say(self) -> None:
        if not sys.stderr.isatty():
            if not self._said:
                print(f"Reading {self.path.name} ...", file=sys.stderr)
        elif not self._said:
            from rich.console import Console

            self._status = Console(stderr=True).status(self._text())
            self._status.start()
        else:
            self._status.update(self._text())
        self._said = True

    def _text(self) -> str:
        return f"Reading {self.path.name}: {self.rows:,} rows"
