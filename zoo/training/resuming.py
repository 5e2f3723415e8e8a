"""A run taken up again: as if it had never stopped, longer than it was to be, or changed."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import keras

from zoo import options
from zoo.errors import InputError
from zoo.files import write_atomic
from zoo.runs import Run
from zoo.training import changes, optimizers, state, work
from zoo.training.checkpoints import Checkpoints, State
from zoo.training.distribution import is_chief
from zoo.training.loop import Trainer
from zoo.training.session import Session


@dataclass(frozen=True)
class Request:
    """How a run is taken up.

    Attributes:
        command: the command that asks for it.
        given: whether options were given with it.
        extend: go on even where training was over, for a length was given.
        allowed: kinds of changes to accept, of `zoo.training.changes.KINDS`.
    """

    command: str
    given: bool = False
    extend: bool = False
    allowed: Collection[str] = ()


def resume(
    session: Session,
    run: Run,
    request: Request,
    callbacks: Sequence[keras.callbacks.Callback],
    say: work.Say,
) -> Run:
    """Continue a run where its newest checkpoint left it; one that is over stays as it is."""
    checkpoints = Checkpoints(run.checkpoints, writes=is_chief())
    lock = run.locked() if is_chief() else nullcontext()
    with work.together(), lock, work.resumable(run):
        saved, record = _saved(checkpoints, run, say)
        now = session.record(callbacks)
        changed = changes.differences(record, now)
        changes.refuse(changed, run, request.allowed)
        for change in changed:
            say(f"Changed: {change}")
        if saved is None:
            session.begin(say)
        trainer = session.trainer(checkpoints, callbacks)
        if saved is not None:
            _restore(session, trainer, saved, run, changed)
        longer = changes.length(record) != changes.length(now)
        extend = request.extend or (longer and trainer.position.stopped)
        position = trainer.position
        trainer.agreement.number(position.step)  # nobody writes before everybody has read
        if position.stopped and _finished(run) and not (extend and _is_longer(session, trainer)):
            say(_nothing_to_do(run, trainer))
            return run
        if extend or longer:
            _extend(session, trainer, run, record, say)
        say(f"Resuming {run} in epoch {position.epoch + 1} after step {position.step}")
        if is_chief():
            _write(session, run, request, trainer, changed or longer or request.given)
        return work.carry_out(session, trainer, run, say)


def _saved(
    checkpoints: Checkpoints, run: Run, say: work.Say
) -> tuple[tuple[dict[str, Any], State] | None, dict[str, Any]]:
    """Return the newest intact checkpoint, and the record it was made under.

    A run that was ended before its first checkpoint starts at its beginning.
    """
    if not (checkpoints.names() or run.model_weights.exists()):
        say(f"{run} has no checkpoint yet: starting at its beginning")
        return None, run.record
    tensors, found, damaged = checkpoints.load()
    state.check(found, str(checkpoints.folder))
    for name in damaged:
        say(f"Checkpoint {name} is damaged; the one before is used.")
    return (tensors, found), found["record"]


def _restore(
    session: Session,
    trainer: Trainer,
    saved: tuple[dict[str, Any], State],
    run: Run,
    changed: Sequence[changes.Change],
) -> None:
    others = {change.name for change in changed if change.kind == "options"}
    try:
        state.put_back(trainer, *saved)
    except InputError as error:
        if not others:
            raise
        raise InputError(f"The changed options do not fit what '{run}' saved: {error}") from error
    names = ("options.batch_size", "options.accumulate")
    if others & {*names} and trainer.position.batch:
        raise InputError(
            f"'{run}' stopped in the middle of epoch {trainer.position.epoch + 1}. Expected the "
            "same --batch-size and --accumulate until its end."
        )
    if "options.learning_rate" in others:
        optimizers.set_rate(trainer.model, session.config.optimization.learning_rate or 1e-3)


def _extend(
    session: Session, trainer: Trainer, run: Run, record: dict[str, Any], say: work.Say
) -> None:
    """Let a run go on that was over; say what becomes of early stopping and the schedule."""
    _refuse_shorter(session, trainer, run)
    stopping = trainer.stopping
    say(f"Length: {_words(record)} became {_words(session.record())}")
    if state.reopen(trainer) and stopping is not None:
        say(
            f"Early stopping had ended it: {stopping.patience} more epochs are given to find a "
            f"lower validation loss than that of epoch {stopping.best_epoch}"
        )
    say(_schedule(session, trainer))


def _refuse_shorter(session: Session, trainer: Trainer, run: Run) -> None:
    chosen, position = session.config.optimization, trainer.position
    time = None if chosen.time_limit is None else options.seconds(chosen.time_limit)
    for name, asked, done in (
        ("epochs", chosen.epochs, position.epoch),
        ("steps", chosen.steps, position.step),
        ("time-limit", time, position.seconds),
    ):
        if asked is not None and asked < done:
            raise InputError(
                f"--{name} received {asked:g}, but '{run}' has done {done:g}. Expected more, "
                f"counted from its very beginning. Try a larger --{name}."
            )


def _is_longer(session: Session, trainer: Trainer) -> bool:
    """Whether the length is another than what was done."""
    chosen, position = session.config.optimization, trainer.position
    return chosen.epochs != position.epoch and chosen.steps != position.step


def _words(record: dict[str, Any]) -> str:
    ((name, value),) = changes.length(record).items()
    return f"{value} of training" if name == "time_limit" else f"{value} {name}"


def _schedule(session: Session, trainer: Trainer) -> str:
    """Say at which learning rate training goes on, and why."""
    rate = optimizers.rate(trainer.model)
    before = trainer.log[-1]["learning_rate"] if trainer.log else rate
    chosen = session.config.optimization
    if chosen.schedule == "constant" and not chosen.warmup:
        return f"The learning rate stays {rate:.4g}"
    drawn = "warm-up" if chosen.schedule == "constant" else f"{chosen.schedule} schedule"
    return (
        f"The {drawn} is drawn anew over the whole length: the learning rate, {before:.4g} at "
        f"last, goes on at {rate:.4g}"
    )


def _write(session: Session, run: Run, request: Request, trainer: Trainer, changed: Any) -> None:
    """Put the run's files in the state of the checkpoint; note in config.yaml what changed."""
    if changed:
        old = run.config
        resumed = [*old.get("resumed", []), request.command]
        kept = {name: old[name] for name in ("created", "command")}
        run.write_config({**trainer.record, **kept, "resumed": resumed})
    if changed or not run.preprocessor_path.exists():
        write_atomic(run.preprocessor_path, json.dumps(session.state(), ensure_ascii=False))
    run.rewrite_log(trainer.log)


def _finished(run: Run) -> bool:
    """Whether everything that follows training was written, the report last."""
    return all(path.exists() for path in (run.model_weights, run.metrics_path, run.report_path))


def _nothing_to_do(run: Run, trainer: Trainer) -> str:
    position = trainer.position
    epochs = position.epoch + (position.batch > 0)
    ((name, value),) = changes.length(trainer.record).items()
    longer = "LONGER" if name == "time_limit" else 2 * value
    return (
        f"{run} is finished: {epochs} epochs, {position.step} steps. Nothing to do; to train "
        f"longer: zoo train --resume {run} --{name.replace('_', '-')} {longer}"
    )
