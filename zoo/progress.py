"""A sign of life on stderr for whatever takes more than two seconds. Standard library only."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

PATIENCE = 2.0  # seconds


class Progress:
    """Say how much is done: a live line on a terminal, else one line.

    Args:
        text: what is being done, as "Reading sales.csv".
        unit: what is counted.
        total: how many there are, where that is known.
    """

    def __init__(self, text: str, unit: str = "rows", total: int | None = None):
        self.text, self.unit, self.total = text, unit, total
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
        """Count what is done."""
        self.rows += rows
        if time.monotonic() - self._started > PATIENCE:
            self._say()

    def _say(self) -> None:
        if not sys.stderr.isatty():
            if not self._said:
                print(f"{self.text} ...", file=sys.stderr)
        elif not self._said:
            from rich.console import Console

            self._status = Console(stderr=True).status(self._text())
            self._status.start()
        else:
            self._status.update(self._text())
        self._said = True

    def _text(self) -> str:
        total = "" if self.total is None else f" of {self.total:,}"
        return f"{self.text}: {self.rows:,}{total} {self.unit}"
