"""A session carried out: trained, saved, measured, drawn."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from zoo import options, predictors, reports, weights
from zoo.errors import DivergenceError, InputError, Interrupted, WriteError
from zoo.files import sync
from zoo.runs import Run, config_text
from zoo.training import drawing
from zoo.training.checkpoints import Checkpoints
from zoo.training.distribution import is_chief
from zoo.training.feeds import Streamed
from zoo.training.loop import Trainer
from zoo.training.order import padding
from zoo.training.progress import Progress
from zoo.training.session import Session
from zoo.training.stopping import EarlyStopping
from zoo.training.watching import Watch

Say = Callable[[str], None]
Callbacks = Sequence[keras.callbacks.Callback]


def train(session: Session, callbacks: Callbacks, say: Say) -> Run:
    """Carry out a new session in a new run directory."""
    session.begin(say)
    trainer = session.trainer(None, callbacks)  # whatever is wrong is found before a folder exists
    say(describe(session))
    with together(), _created(session, trainer) as run, resumable(run):
        trainer.checkpoints = Checkpoints(run.checkpoints, writes=is_chief())
        return carry_out(session, trainer, run, say)


@contextmanager
def _created(session: Session, trainer: Trainer) -> Iterator[Run]:
    """Give a new run directory, which the chief makes and locks."""
    if not is_chief():
        yield Run(trainer.agreement.text(""))
        return
    files = {
        "config.yaml": config_text(trainer.record),
        "preprocessor.json": json.dumps(session.state(), ensure_ascii=False),
    }
    run = Run.create(session.config.run.run, session.row.name, session.dataset.name, files)
    with run.locked():
        trainer.agreement.text(str(run))
        yield run


@contextmanager
def resumable(run: Run) -> Iterator[None]:
    """Say how to go on when there is no room left to write, or a signal comes outside the loop."""
    try:
        yield
    except WriteError as error:
        if not run.config_path.exists():
            raise WriteError(f"{error} The run '{run}' is gone: train again.") from error
        raise WriteError(f"{error} Then continue with `zoo train --resume {run}`.") from error
    except KeyboardInterrupt as error:
        error.add_note(f"Continue with `zoo train --resume {run}`.")
        raise


@contextmanager
def together() -> Iterator[None]:
    """Say in one line that another worker is gone."""
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.InternalError) as error:
        if not os.environ.get("TF_CONFIG"):
            raise
        raise InputError(
            "A worker of TF_CONFIG cannot be reached any more. Expected all of them until the end. "
            "Look at their messages, then start all again with `zoo train --resume RUN`."
        ) from error


def carry_out(session: Session, trainer: Trainer, run: Run, say: Say) -> Run:
    """Train, then write and measure what was trained."""
    chosen = session.config.optimization
    limit = None if chosen.time_limit is None else options.seconds(chosen.time_limit)
    watch = watch_pictures(session, run, say) if is_chief() else None
    with Progress(session.epochs, session.steps_per_epoch) as progress:
        trainer.on_call = lambda logs: progress.step(
            trainer.position.epoch + 1, trainer.position.step, logs
        )

        def close(row: dict[str, Any]) -> None:
            if is_chief():
                run.append_log(row)
            progress.epoch(row)
            if watch is not None:
                watch.epoch(row)

        trainer.on_row, trainer.say = close, say
        trainer.advice = f" Continue with `zoo train --resume {run}`."
        epochs = None if chosen.steps or limit else chosen.epochs
        try:
            trainer.fit(epochs=epochs, steps=chosen.steps, seconds=limit)
        except Interrupted as error:
            message = f"{error}{trainer.advice}"
            raise Interrupted(message, error.exit_code - 128) from None
        except DivergenceError as error:
            if is_chief():
                trainer.keep_best()
                weights.save(session.model, run.model_weights)
            raise DivergenceError(f"{error} The run is '{run}'.") from None
    if not is_chief():
        return run
    sync(run.log_path)  # before the weights: a run that has them is trained, and its log is whole
    weights.save(session.model, run.model_weights)
    say(ending(trainer.stopping, trainer.position.epoch, session.epochs))
    if watch is not None:
        watch.finish()
    with _measurable(run):
        finish(session, run, say, trainer.position.step)
    return run


def watch_pictures(session: Session, run: Run, say: Say) -> Watch | None:
    """Return what looks on where pictures are learned to be made, which say what made them."""
    if not session.task.origin:
        return None
    data, split = session.dataset, None
    if session.task.name != "image-synthesis":
        split = data.validation if len(data.validation) else data.train
    return Watch(session.model, _named(session, run), run, say, split)


def _named(session: Session, run: Run) -> dict[str, Any]:
    """Return what a predictor is made from, and the run it is of."""
    state = session.state()
    state["card"]["run"] = run.path.name
    return state


@contextmanager
def _measurable(run: Run) -> Iterator[None]:
    """Say that a run is trained when a file to measure it on was lost meanwhile."""
    try:
        yield
    except WriteError:
        raise
    except InputError as error:
        raise InputError(
            f"{error} The run '{run}' is trained and kept: with the file as it was, "
            f"`zoo evaluate {run}` measures it, and `zoo train --resume {run}` writes its report."
        ) from error


def count(number: int, what: str) -> str:
    """Say how many there are of something."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def ending(stopping: EarlyStopping | None, done: int, planned: int | None) -> str:
    """Say after which epoch training ended, and whose weights were kept."""
    given_up = stopping is not None and stopping.waited >= stopping.patience
    early = given_up or (planned is not None and done < planned)
    ended = f"Stopped early, after epoch {done}" if early else f"Trained for {count(done, 'epoch')}"
    if stopping is None or stopping.best_epoch is None:
        return f"{ended}."
    return (
        f"{ended}; the weights of epoch {stopping.best_epoch}, the best on validation, were kept."
    )


def finish(session: Session, run: Run, say: Say, step: int) -> None:
    """Measure the trained model on the test split, draw, and write the report."""
    data = session.dataset
    predictor = predictors.from_model(session.model, _named(session, run))
    name = "test" if len(data.test) else "validation" if len(data.validation) else "train"
    split = getattr(data, name)
    result = {
        "task": session.task.name,
        "split": name,
        "data": session.config.data.data,
        "examples": len(split),
        "step": step,
        **session.task.evaluate(predictor.predict, split),
    }
    run.write_metrics(result)
    drawing.draw(run, predictor, data, result)
    reports.write(run)
    say(headline(session.task.score, result))


def headline(score: str, result: dict[str, Any]) -> str:
    """Say the main score in one line."""
    value = result["scores"].get(score)
    shown = "undefined" if value is None else f"{value:.4f}"
    baselines = {next(iter(row.values())): row for row in result["tables"].get("baselines", ())}
    others = [
        f"{name} {row[score]:.4f}"
        for name, row in baselines.items()
        if name != "model" and row.get(score) is not None
    ]
    beside = f" ({', '.join(others)})" if others else ""
    return (
        f"{result['split'].capitalize()} {score} {shown}{beside} on "
        f"{count(result['examples'], 'example')}"
    )


def describe(session: Session) -> str:
    """Say in one line what will be trained on what."""
    sizes = session.data_card()["sizes"]
    feed, batch = session.feeds["train"], session.config.optimization.batch_size or 32
    read = " read from their files" if isinstance(feed, Streamed) else ""
    if getattr(feed, "lengths", None) is not None:
        read += f" ({padding(feed, batch, session.config.run.seed):.1%} padding)"
    steps, epochs = session.config.optimization.steps, session.epochs
    length = count(epochs, "epoch") if epochs else "until time is up at a constant learning rate"
    length = count(steps, "step") if steps else length
    examples = count(sizes["train"], "training example")
    return (
        f"{session.row.name} for {session.task.name}: {session.model.count_params():,} parameters, "
        f"{examples}{read}, {session.steps_per_epoch:,} steps an epoch, {length}, "
        f"{session.precision}"
    )


def estimate(session: Session, say: Say, seconds: float = 1.0) -> dict[str, Any]:
    """Train for about a second in memory, to say what the whole run would take."""
    session.begin(lambda message: None)
    trainer = session.trainer(None)
    say("Compiling a step, then timing some")
    trainer.fit(steps=1)
    trainer.position.stopped = False
    before, called, validating = trainer.position.step, list[float](), list[float]()
    trainer.on_call = lambda logs: called.append(time.monotonic())
    trainer.on_row = lambda row: validating.append(time.monotonic() - called[-1])
    began = time.monotonic()
    trainer.fit(seconds=trainer.position.seconds + seconds)
    each = (time.monotonic() - began - sum(validating)) / (trainer.position.step - before)
    chosen = session.config.optimization
    steps = chosen.steps or (session.epochs or 0) * session.steps_per_epoch or None
    limit = None if chosen.time_limit is None else options.seconds(chosen.time_limit)
    if steps is not None:
        limit = each * steps + sum(validating) / len(validating) * (session.epochs or 0)
    return {
        "model": session.row.name,
        "task": session.task.name,
        "device": session.device,
        "precision": session.precision,
        "parameters": session.model.count_params(),
        "sizes": session.data_card()["sizes"],
        "steps_per_epoch": session.steps_per_epoch,
        "epochs": session.epochs,
        "steps": steps,
        "seconds_per_step": each,
        "seconds": limit,
        "memory_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
