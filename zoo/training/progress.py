"""What a person sees while a model trains: a live bar on a terminal, else a line an epoch."""

from __future__ import annotations

import sys
import time
from typing import Any

QUIET_SECONDS = 1.0


class Progress:
    """Shows epochs on stderr; without a terminal, a line at most every second and the last.

    Args:
        epochs: how many there will be at most, None when time decides.
        steps_per_epoch: optimizer steps an epoch.
    """

    def __init__(self, epochs: int | None, steps_per_epoch: int):
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self._bar: Any = None
        self._task: Any = None
        self._shown_at = 0.0
        self._pending = ""

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[values]}"),
                console=Console(stderr=True),
            )
            total = None if self.epochs is None else self.epochs * self.steps_per_epoch
            self._task = self._bar.add_task("Training", total=total, values="")
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif self._pending:
            print(self._pending, file=sys.stderr, flush=True)

    def step(self, epoch: int, step: int, logs: dict[str, Any]) -> None:
        """Show values in the middle of an epoch."""
        if self._bar is not None:
            self._bar.update(self._task, completed=step, description=self._epoch(epoch))

    def epoch(self, row: dict[str, Any]) -> None:
        """Show a closed epoch."""
        hidden = {"epoch", "step", "seconds", "learning_rate", "skipped"}
        if "val_loss" not in row:  # two networks in competition: a dozen numbers in the log
            hidden |= {name for name in row if name.startswith("val_") or "gradient" in name}
        values = "  ".join(f"{k} {v:.4f}" for k, v in row.items() if k not in hidden)
        if self._bar is not None:
            description = self._epoch(row["epoch"])
            self._bar.update(
                self._task, completed=row["step"], description=description, values=values
            )
            return
        line = f"{self._epoch(row['epoch'])}  {values}  {row['seconds']:.1f} s"
        if time.monotonic() - self._shown_at < QUIET_SECONDS:
            self._pending = line
            return
        print(line, file=sys.stderr, flush=True)
        self._shown_at, self._pending = time.monotonic(), ""

    def _epoch(self, number: int) -> str:
        return f"Epoch {number}" if self.epochs is None else f"Epoch {number}/{self.epochs}"
