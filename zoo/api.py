"""The commands as functions: train, evaluate, predict, export."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from zoo import config
from zoo.errors import InputError, unknown
from zoo.predictors import Predictor, load
from zoo.runs import Run

Say = Callable[[str], None]


def train(
    model: str,
    *,
    callbacks: Sequence[Any] = (),
    strategy: Any = None,
    say: Say = lambda message: None,
    **options: Any,
) -> Run:
    """Train a model and return its run.

    Args:
        model: a name of `zoo.list_models()`.
        callbacks: Keras callbacks.
        strategy: a `tf.distribute.Strategy`; by default one is chosen from the machine.
        say: called with what a person should be told.
        **options: the options of `zoo train`, as `data="digits", learning_rate=1e-3`; the
            builder's own as `set={"units": (64, 64)}`.

    Raises:
        InputError: something asked for is wrong or impossible.
        DivergenceError: the loss became NaN or infinite.
        Interrupted: SIGINT or SIGTERM came; a checkpoint was written.
    """
    chosen = configure(model, options)
    with _enough_memory():
        session = _prepare(chosen, say, strategy)
        from zoo.training import work

        return work.train(session, callbacks, say)


def resume(
    run: str | os.PathLike[str] | Run,
    *,
    callbacks: Sequence[Any] = (),
    strategy: Any = None,
    allow_change: Sequence[str] = (),
    say: Say = lambda message: None,
    **options: Any,
) -> Run:
    """Continue a run from its newest checkpoint as if it had never stopped, or extend it.

    Args:
        run: a run directory.
        callbacks: the same Keras callbacks as before.
        strategy: the same `tf.distribute.Strategy` as before, where one was given.
        allow_change: kinds of changes to go on with all the same, so that the result is not what
            it would have been: "options", "data", "versions", "device", "callbacks".
        say: called with what a person should be told.
        **options: `epochs`, `steps` or `time_limit` for a longer run, all counted from its
            beginning; `checkpoint_every`, or `data` where that was moved; others with
            `allow_change`.

    Raises:
        InputError: the run cannot be continued so that the result is what it would have been; the
            message names the differences.
        DivergenceError, Interrupted: as in `train`.
    """
    for kind in allow_change:
        if kind not in config.CHANGES:
            raise unknown("value for --allow-change", kind, config.CHANGES)
    run = run if isinstance(run, Run) else Run.open(run)
    chosen, extends = _continued(run, options)
    with _enough_memory():
        session = _prepare(chosen, say, strategy)
        from zoo.training import resuming

        words = config.command_line(config.build(chosen.model, options)).split(" ", 3)[3:]
        command = " ".join(["zoo train --resume", str(run), *words])
        request = resuming.Request(command, bool(options), extends, allow_change)
        return resuming.resume(session, run, request, callbacks, say)


def _continued(run: Run, options: Mapping[str, Any]) -> tuple[config.Config, bool]:
    """Return the configuration to continue a run with, and whether it was given a length."""
    record = run.record
    if "run" in options:
        raise InputError("--run was given with --resume. Expected one: a run stays where it is.")
    known, lengths = dict(record["options"]), [n for n in config.LENGTHS if n in options]
    if lengths:
        known |= dict.fromkeys(config.LENGTHS)
    chosen = config.build(record["model"], {**known, **_plain_settings(options)})
    return chosen, bool(lengths)


def verify(
    run: str | os.PathLike[str] | Run, *, strategy: Any = None, say: Say = lambda message: None
) -> dict[str, Any]:
    """Repeat what a run did between its last two checkpoints, or from its beginning to the only
    one, and compare; nothing is written.

    Returns:
        `identical`, `first_step`, `last_step`, `arrays` compared and `differences`, the names of
        what differs.

    Raises:
        InputError: there is no checkpoint, or data, versions or device are others.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    chosen, _ = _continued(run, {})
    session = _prepare(chosen, say, strategy)
    from zoo.training import verifying

    return verifying.verify(session, run, say)


def plan(model: str, *, say: Say = lambda message: None, **options: Any) -> dict[str, Any]:
    """Check everything, build the model, and estimate time and memory; nothing is written."""
    with _enough_memory():
        session = _prepare(configure(model, options), say, None)
        from zoo.training import work

        return work.estimate(session, say)


@contextmanager
def _enough_memory() -> Iterator[None]:
    """Say in one line that a model or a batch does not fit."""
    try:
        yield
    except Exception as error:
        if type(error).__name__ not in ("ResourceExhaustedError", "MemoryError"):
            raise
        raise InputError(
            "The model does not fit into memory. Expected a smaller one, or smaller batches. "
            "Try smaller --set values (`zoo show MODEL`), or --batch-size."
        ) from error


def configure(model: str, options: Mapping[str, Any]) -> config.Config:
    """Sort the options of a new run into a configuration; `set` may be a dictionary."""
    chosen = config.build(model, _plain_settings(options))
    if chosen.run.run is not None:
        Run.refuse_existing(chosen.run.run)  # before anything is loaded
    return chosen


def _plain_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with `set` as the command line gives it."""
    options = dict(options)
    if isinstance(options.get("set"), Mapping):
        options["set"] = [f"{name}={_setting(value)}" for name, value in options["set"].items()]
    return options


def _setting(value: Any) -> str:
    """Write a value as `--set` reads it."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value)) if value else "()"
    return str(value)


def _prepare(chosen: config.Config, say: Say, strategy: Any) -> Any:
    from zoo.startup import start

    _check(chosen)
    device = start(chosen.run.device)
    from zoo.training.session import prepare

    session = prepare(chosen, device, strategy)
    say(f"Device: {device}")  # said once nothing is wrong, so that a mistake is a line of its own
    for note in session.dataset.notes:
        say(f"Data: {note}")
    return session


def _check(chosen: config.Config) -> None:
    """Find what is wrong with the names that were given, before TensorFlow is up."""
    from zoo import registry
    from zoo.datasets.load import is_name

    registry.load_plugins(chosen.run.plugin)
    row = registry.get(chosen.model)
    config.resolve(chosen, row.training)
    registry.check_arguments(row.name, registry.parse_settings(chosen.network.set))
    if chosen.data.data:
        is_name(chosen.data.data)


def evaluate(
    source: str | os.PathLike[str] | Run | Predictor,
    data: str | os.PathLike[str] | None = None,
    *,
    split: str | None = None,
    extractor: str | os.PathLike[str] | None = None,
    say: Say = lambda message: None,
) -> dict[str, Any]:
    """Measure a run or an artifact.

    Args:
        source: a run, a SavedModel, a `.keras` file or a predictor.
        data: a file, used whole, or a data set's name; by default the run's own data.
        split: which split of the run's own data: train, validation or test, which is the default.
        extractor: of generated pictures, the run of a classifier, or "inception-v3", whose features
            they are compared by.
        say: called with what a person should be told.

    Returns:
        `task`, `data`, `split` (None where `data` was given), `examples`, `scores` (numbers by
        name) and `tables`.
    """
    if data is not None and split is not None:
        raise InputError(
            f"Received the split '{split}' and the data '{data}'. Expected one of them: a split is "
            "of the run's own data. Try without --split."
        )
    predictor = source if isinstance(source, Predictor) else load(source)
    split = split or "test" if data is None else None
    predictor.refuse_extractor(extractor)
    examples = split_of(source, predictor, data, split)
    if not len(examples):
        received = f"the {split} split" if split else f"the data '{data}'"
        raise InputError(
            f"Received {received}, which is empty. Expected at least one example. Try another "
            "--split or --data."
        )
    result = predictor.task.evaluate(predictor.measurable, examples)
    if predictor.makes_pictures or predictor.translates:
        from zoo.training.comparing import compare

        result["scores"] |= compare(source, predictor, examples, extractor, say)
    return {
        "task": predictor.task.name,
        "split": split,
        "data": predictor.card["data"]["reference"] if data is None else os.fspath(data),
        "examples": len(examples),
        **result,
    }


def split_of(
    source: Any,
    predictor: Predictor,
    data: str | os.PathLike[str] | None,
    split: str | None,
    targets: bool = True,
) -> Any:
    """Return the examples to measure or predict: of `data`, or a split of the run's own."""
    from zoo import datasets

    if data is not None:
        return datasets.read(data, predictor.spec, targets=targets)
    if isinstance(source, Predictor) or not os.path.isfile(os.path.join(source, "config.yaml")):
        raise InputError(
            "Received an artifact, which has no data of its own. Expected data to measure on. "
            "Try --data with a name of `zoo data list`, or a file."
        )
    from zoo.training.session import load_data

    record = Run.open(source).record
    dataset = load_data(config.build(record["model"], record["options"]))
    if dataset.fingerprint != record["data"]["fingerprint"]:
        raise InputError(
            f"The data '{record['data']['reference']}' has changed since the run was trained. "
            "Expected the same content and split. Put back what it was, or name what to measure on "
            "with --data."
        )
    if split not in ("train", "validation", "test"):
        raise unknown("split", str(split), ("train", "validation", "test"))
    return getattr(dataset, split)


def predict(
    source: str | os.PathLike[str] | Run | Predictor,
    data: Any,
    *,
    say: Say = lambda message: None,
) -> dict[str, Any]:
    """Answer examples with named outputs, arrays of one row an example.

    Args:
        source: a run, a SavedModel, a `.keras` file or a predictor.
        data: a file, a data frame, or a dictionary of raw columns. Time series are continued: each
            ends with its last target, and the times and the names of groups come too.
        say: called with what a person should be told.
    """
    predictor = source if isinstance(source, Predictor) else load(source)
    predictor.refuse_generator()
    if predictor.spec.kind == "series" and not isinstance(data, Mapping):
        from zoo.predictors.forecasting import forecast

        return forecast(predictor, data, say)
    if hasattr(data, "iloc"):
        data = predictor.columns(data)
    if isinstance(data, Mapping):
        return predictor(data)
    split = split_of(source, predictor, data, None, targets=False)
    from zoo.predictors import texts

    texts.note(predictor, split, say)
    return predictor.predict(split)


def export(
    source: str | os.PathLike[str] | Run,
    format: str = "savedmodel",
    output: str | os.PathLike[str] | None = None,
    *,
    say: Say = lambda message: None,
) -> dict[str, Any]:
    """Write a run as an artifact that stands alone, and compare the two.

    Args:
        source: a run.
        format: "savedmodel" or "keras".
        output: where to; by default `RUN/export/<format>`.
        say: called with what a person should be told.

    Returns:
        `path`, `format`, and the comparison: `examples`, `largest_difference`, `tolerance`.

    Raises:
        ExportMismatchError: the artifact answers differently from the run.
    """
    from zoo.startup import start

    run = source if isinstance(source, Run) else Run.open(source)
    start()
    from zoo.exporters import write

    return write(run, format, output, say)
