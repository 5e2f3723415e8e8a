"""Everything a run is, written so that it can be continued as if it had never stopped."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from zoo import weights
from zoo.errors import InputError
from zoo.files import Pieces, write_atomic, writing
from zoo.untrusted import LARGEST_LOG, check_keys, memory, parse_json, read_bytes

KEPT = 2
# Left to itself, saving may cost this share of the time and happens this often, in seconds.
CHEAP = 0.01
USUAL = 30.0
LATENCY, BYTES_A_SECOND = 0.01, 150e6  # of saving, until it was done once
BEGINS = b'{"sha256": "'
State = dict[str, Any]
UNREADABLE = (OSError, ValueError, KeyError, TypeError, SafetensorError)


class Interval:
    """When to save: every so many steps or seconds, or by default as often as costs little.

    By default that is every 30 s, or less often where saving would cost more than a hundredth of
    the time; and at the end of an epoch, unless steps were asked for, whenever it is that cheap.

    Args:
        steps: between two checkpoints.
        seconds: the same in time.
    """

    def __init__(self, steps: int | None = None, seconds: float | None = None):
        self.steps, self.seconds = steps, seconds
        self._saved_at = time.monotonic()
        self._took = 0.0

    def due(self, step: int, closed: bool) -> bool:
        """Whether to save after a step, which `closed` an epoch or did not."""
        if self.steps is not None:
            return step % self.steps == 0
        passed = time.monotonic() - self._saved_at
        cheap = self._took < CHEAP * passed
        if self.seconds is not None:
            return passed >= self.seconds or (closed and cheap)
        return cheap and (closed or passed >= USUAL)

    def until(self, step: int) -> int | None:
        """Return how many steps there are until the next checkpoint, where that is known."""
        return None if self.steps is None else self.steps - step % self.steps

    def expect(self, size: int) -> None:
        """Take note at the beginning that so many bytes are to be saved."""
        self._saved_at = time.monotonic()
        self._took = LATENCY + size / BYTES_A_SECOND

    def saved(self, began: float) -> None:
        """Take note that something was saved, which `began` at a time of `time.monotonic`."""
        self._saved_at = time.monotonic()
        self._took = self._saved_at - began


class Checkpoints:
    """A folder of checkpoints, the last two kept.

    Each is a safetensors file and a JSON file of the other state. The JSON is written last, names
    the other file and holds a checksum of both, so that it alone decides what there is.

    Args:
        folder: made when something is saved.
        writes: False for workers that only read what the chief wrote.
    """

    def __init__(self, folder: Path, writes: bool = True):
        self.folder = folder
        self.writes = writes

    def save(self, step: int, tensors: dict[str, np.ndarray], state: State) -> None:
        """Write the state after `step`, then remove what is no longer needed."""
        if not self.writes:
            return
        with writing(self.folder):
            self.folder.mkdir(exist_ok=True)
        data = weights.pieces(tensors)
        digest = _digest(data, state)
        name = f"step-{step:09d}"
        file = f"{name}-{digest[:8]}.safetensors"
        write_atomic(self.folder / file, data)
        content = {"sha256": digest, "file": file, "state": state}
        text = json.dumps(content)
        if len(text) > LARGEST_LOG:  # it could not be read again
            raise InputError(
                f"The log of '{self.folder.parent}' is full: a checkpoint would hold {len(text):,} "
                f"bytes. Expected at most {LARGEST_LOG:,}, some two million epochs. The one before "
                "is kept. Try fewer epochs."
            )
        write_atomic(self.folder / f"{name}.json", text)
        self._clean(name, file)

    def _clean(self, name: str, file: str) -> None:
        """Keep this checkpoint and the one before; a later one was damaged and passed over."""
        kept = [name, *[other for other in self.names() if other < name][1 - KEPT :]]
        with writing(self.folder):
            for other in set(self.names()) - set(kept):
                (self.folder / f"{other}.json").unlink()
            for path in [*self.folder.glob("*.safetensors"), *self.folder.glob(".*.tmp")]:
                if path.name != file and (path.stem[:14] == name or path.stem[:14] not in kept):
                    path.unlink()

    def names(self) -> list[str]:
        """Return complete checkpoints, oldest first."""
        return sorted(path.stem for path in self.folder.glob("step-*.json"))

    def load(self) -> tuple[dict[str, np.ndarray], State, list[str]]:
        """Return tensors and state of the newest intact checkpoint, and the names of damaged ones.

        Raises:
            InputError: there is none.
        """
        damaged: list[str] = []
        for name in reversed(self.names()):
            try:
                return (*self.read(name), damaged)
            except UNREADABLE:
                damaged.append(name)
        found = f"only damaged ones ({', '.join(damaged)})" if damaged else "none"
        raise InputError(
            f"'{self.folder}' holds no checkpoint to resume from: found {found}. "
            "Train again with `zoo train --config RUN/config.yaml --run NEW`."
        )

    def read(self, name: str) -> tuple[dict[str, np.ndarray], State]:
        """Return tensors and state of one checkpoint; raise one of `UNREADABLE` if damaged."""
        text = read_bytes(self.folder / f"{name}.json", LARGEST_LOG)
        if not text.startswith(BEGINS):  # before much memory is spent on it
            raise ValueError(f"{name}: no checkpoint")
        content = parse_json(text, LARGEST_LOG)
        check_keys(content, {"file": str, "sha256": str, "state": dict})
        data = read_bytes(self.folder / Path(content["file"]).name, memory())
        if _digest([data], content["state"]) != content["sha256"]:
            raise ValueError(f"{name}: checksum differs")
        return load(data), content["state"]


def _digest(data: Pieces, state: State) -> str:
    digest = hashlib.sha256()
    for piece in data:
        digest.update(piece)
    digest.update(json.dumps(state).encode())
    return digest.hexdigest()
