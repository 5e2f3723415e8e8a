"""Everything a run is, written so that it can be continued as if it had never stopped."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from zoo.errors import InputError
from zoo.files import write_atomic

KEPT = 2


class Checkpoints:
    """A folder of checkpoints, the last two kept.

    Each is a safetensors file and a JSON file, written last, that holds its checksum.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def save(self, step: int, tensors: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        """Write the state after `step`, then remove the oldest."""
        self.folder.mkdir(exist_ok=True)
        data = save(tensors)
        name = f"step-{step:09d}"
        write_atomic(self.folder / f"{name}.safetensors", data)
        state = {**state, "sha256": hashlib.sha256(data).hexdigest()}
        write_atomic(self.folder / f"{name}.json", json.dumps(state))
        for old in self.names()[:-KEPT]:
            (self.folder / f"{old}.json").unlink()
            (self.folder / f"{old}.safetensors").unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Return complete checkpoints, oldest first."""
        return sorted(path.stem for path in self.folder.glob("step-*.json"))

    def load(self) -> tuple[dict[str, np.ndarray], dict[str, Any], list[str]]:
        """Return tensors and state of the newest intact checkpoint, and the names of damaged ones.

        Raises:
            InputError: there is none.
        """
        damaged = []
        for name in reversed(self.names()):
            try:
                return (*self._read(name), damaged)
            except (OSError, ValueError, KeyError, SafetensorError):
                damaged.append(name)
        found = f"only damaged ones ({', '.join(damaged)})" if damaged else "none"
        raise InputError(
            f"'{self.folder}' holds no checkpoint to resume from: found {found}. "
            "Train again with `zoo train --config RUN/config.yaml --run NEW`."
        )

    def _read(self, name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        state = json.loads((self.folder / f"{name}.json").read_text())
        data = (self.folder / f"{name}.safetensors").read_bytes()
        if hashlib.sha256(data).hexdigest() != state["sha256"]:
            raise ValueError(f"{name}: checksum differs")
        return load(data), state
