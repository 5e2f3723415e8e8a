"""How two records of a run differ, as far as its numbers depend on it.

A record is what config.yaml holds; every checkpoint keeps the one it was made under. To go on under
another cannot give what would have been, so that is refused unless that kind of change is allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from zoo.config import LENGTHS
from zoo.errors import InputError
from zoo.files import plain
from zoo.reports.summary import flatten

# Names of a flattened record; those that end in a point stand for all they begin.
KINDS = {
    "options": ("model", "task", "options.", "builder.", "precision", "jit"),
    "data": ("data.fingerprint",),
    "versions": ("version", "environment.keras", "environment.tensorflow", "plugins."),
    "device": ("device", "replicas", "environment.processor", "environment.threads"),
    "callbacks": ("callbacks",),
}
MOST = 5  # that are named in a message
# How long and how safely to train, and where things are; what the data is, its fingerprint says.
NO_NUMBERS = (*LENGTHS, "checkpoint_every", "run", "device", "plugin", "data", "validation", "test")


@dataclass(frozen=True)
class Change:
    """One thing that differs."""

    kind: str
    name: str
    was: Any
    now: Any

    def __str__(self) -> str:
        name = "the data" if self.kind == "data" else self.name.partition(".")[2] or self.name
        return f"{name} was {_shown(self.was)}, now {_shown(self.now)}"


def differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """Return what differs between two records and makes a difference."""
    before, after = flatten(plain(was)), flatten(plain(now))
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    known = [(_kind(name), name) for name in names]
    return [Change(kind, n, before.get(n), after.get(n)) for kind, n in known if kind]


def refuse(changes: Collection[Change], run: Any, allowed: Collection[str] | None = ()) -> None:
    """Raise an InputError that names the differences of a kind that was not allowed.

    Args:
        changes: all differences.
        run: the run they are of.
        allowed: kinds that are; None where none can be.
    """
    refused = [change for change in changes if change.kind not in (allowed or ())]
    if not refused:
        return
    listed = "; ".join(map(str, refused[:MOST]))
    listed += f"; and {len(refused) - MOST} more" if len(refused) > MOST else ""
    kinds = dict.fromkeys(f"--allow-change {change.kind}" for change in refused)
    advice = "" if allowed is None else f" To go on all the same: {' '.join(kinds)}."
    raise InputError(
        f"'{run}' was trained otherwise: {listed}. Expected the same, so that the result is what "
        f"it would have been.{advice}"
    )


def length(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return how long a run was to be: one of `config.LENGTHS` with its value."""
    options = record["options"]
    return {name: options[name] for name in LENGTHS if options.get(name) is not None}


def _kind(name: str) -> str | None:
    if name.removeprefix("options.") in NO_NUMBERS:
        return None
    for kind, members in KINDS.items():
        if any(name == m or (m.endswith(".") and name.startswith(m)) for m in members):
            return kind
    return None


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)[:60]
