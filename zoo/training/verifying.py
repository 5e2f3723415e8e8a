"""A slice of a run done again, to see whether it comes out the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.errors import InputError
from zoo.runs import Run
from zoo.training import changes, state
from zoo.training.checkpoints import UNREADABLE, Checkpoints, Interval, State
from zoo.training.progress import Progress
from zoo.training.session import Session
from zoo.training.work import Say

Tensors = dict[str, np.ndarray]
# Of a position; whether time was up is not repeated.
PLACE = ("epoch", "batch", "step")


class Reached(Exception):
    """The repetition has come to the place where the run saved its newest checkpoint."""


class Repeated(Checkpoints):
    """Keeps what would be saved at one position of training, and ends there; writes nothing.

    Args:
        of: the run's checkpoints.
        position: the one to wait for, as `State` holds it.
    """

    def __init__(self, of: Checkpoints, position: State):
        super().__init__(of.folder, writes=False)
        self.position = position
        self.tensors: Tensors = {}
        self.state: State = {}

    def save(self, step: int, tensors: Tensors, state: State) -> None:
        """Keep what is saved at the position that is waited for."""
        position = state["position"]
        if all(position[name] == self.position[name] for name in PLACE):
            self.tensors, self.state = tensors, state
            raise Reached


def verify(session: Session, run: Run, say: Say) -> dict[str, Any]:
    """Repeat what led to a run's newest checkpoint; see `zoo.api.verify`."""
    kept = Checkpoints(run.checkpoints)
    names = kept.names()
    if not names:
        raise InputError(
            f"'{run}' has no checkpoint. Expected one, up to which training can be repeated. Go on "
            f"training with `zoo train --resume {run}`."
        )
    last, ended = _read(kept, names[-1])
    first, began = _read(kept, names[-2]) if len(names) > 1 else (None, ended)
    for was, now in ((began["record"], ended["record"]), (ended["record"], session.record())):
        changes.refuse(changes.differences(was, now), run, allowed=None)
    repeated = Repeated(kept, ended["position"])
    if first is None:
        session.begin(say)
    trainer = session.trainer(repeated)
    trainer.interval = Interval(ended["position"]["step"])
    if first is not None:
        state.put_back(trainer, first, began)
        state.reopen(trainer)  # where the run was over once, and extended
    start = trainer.position.step + 1
    say(f"Repeating steps {start} to {ended['position']['step']} of {run}")
    _repeat(session, trainer)
    return {"first_step": start} | _compared(ended, last, repeated)


def _read(kept: Checkpoints, name: str) -> tuple[Tensors, State]:
    try:
        tensors, found = kept.read(name)
        state.check(found, f"{kept.folder}/{name}")
        return tensors, found
    except UNREADABLE as error:
        raise InputError(
            f"Checkpoint {name} in '{kept.folder}' is damaged. Expected the last two to be intact. "
            "Go on training with `zoo train --resume RUN`, which uses the one before."
        ) from error


def _repeat(session: Session, trainer: Any) -> None:
    chosen = session.config.optimization
    with Progress(session.epochs, session.steps_per_epoch) as progress:
        trainer.on_call = lambda logs: progress.step(
            trainer.position.epoch + 1, trainer.position.step, logs
        )
        try:
            trainer.fit(epochs=chosen.epochs, steps=chosen.steps)
        except Reached:
            return


def _compared(ended: State, last: Tensors, repeated: Repeated) -> dict[str, Any]:
    kept, found = _by_place(last), _by_place(repeated.tensors)
    names = sorted({**kept, **found})
    unequal = [n for n in names if not _equal(kept.get(n), found.get(n))]
    parts = ("log", "callbacks", "stopping")
    unequal += [n for n in parts if _timeless(ended[n]) != _timeless(repeated.state.get(n))]
    return {
        "identical": not unequal,
        "last_step": ended["position"]["step"],
        "arrays": len(names),
        "differences": unequal,
    }


def _by_place(tensors: Tensors) -> Tensors:
    """Return arrays of variables by their number alone: Keras counts names within a process."""
    return {name.split("/")[0] if name[0].isdigit() else name: v for name, v in tensors.items()}


def _equal(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    if first is None or second is None:
        return False
    return first.dtype == second.dtype and first.tobytes() == second.tobytes()


def _timeless(state: Any) -> Any:
    """Return what was saved without the time it took, which is never the same."""
    if isinstance(state, dict):
        return {name: value for name, value in state.items() if name != "seconds"}
    return [_timeless(item) for item in state] if isinstance(state, list) else state
