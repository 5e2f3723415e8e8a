"""The rows: built in, from installed packages, and registered at run time."""

from __future__ import annotations

import fnmatch
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from zoo.errors import InputError, unknown
from zoo.registry import (
    applications,
    cnn,
    cnn_classic,
    cnn_modern,
    dense,
    detection,
    encoder,
    forecasting,
    gan,
    rnn,
    segmentation,
    seq2seq,
    transformer,
)
from zoo.registry import arguments as builder_arguments
from zoo.registry.arguments import REQUIRED, Argument
from zoo.registry.row import Paper, Row
from zoo.startup import quiet, start

FAMILIES = (
    dense, cnn, cnn_classic, cnn_modern, segmentation, detection, rnn, seq2seq, forecasting,
    transformer, encoder, gan, applications,
)  # fmt: skip
BUILT_IN = {row.name: row for family in FAMILIES for row in family.ROWS}
ENTRY_POINTS = "zoo.models"

broken_entry_points: list[str] = []
_registered: dict[str, Row] = {}
_installed: dict[str, Row] | None = None


def rows() -> dict[str, Row]:
    """Return every known row by name, the built-in ones first."""
    return {**BUILT_IN, **_from_entry_points(), **_registered}


def list_models(
    pattern: str = "*", family: str | None = None, task: str | None = None
) -> list[str]:
    """List the names of models.

    Args:
        pattern: a shell wildcard the name must match, such as `*-nano`.
        family: only those of this family: dense, cnn, rnn, transformer, gan,
            forecasting.
        task: only those that can do this task.
    """
    return [
        row.name
        for row in rows().values()
        if fnmatch.fnmatchcase(row.name, pattern)
        and family in (None, row.family)
        and (task is None or task in row.tasks)
    ]


def get(name: str) -> Row:
    """Return a row by name."""
    row = _registered.get(name) or BUILT_IN.get(name) or _from_entry_points().get(name)
    if row is None:
        raise unknown("model", name, rows(), look="zoo list")
    return row


def arguments(name: str) -> list[Argument]:
    """Return what a model's builder can be told, with defaults; nothing is imported for it."""
    return list(builder_arguments.signature(get(name)).arguments)


def check_arguments(name: str, values: Mapping[str, Any], data: bool = False) -> dict[str, Any]:
    """Check names and types of a model's options and return them converted.

    Args:
        name: the model.
        values: options by name, as given with `--set`.
        data: accept what the data dictates (`input_shape`, `classes` ...) as well.
    """
    return builder_arguments.check(get(name), values, data=data)


def complete(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a builder is told, its defaults said too, so that later ones change nothing.

    Left out are defaults that a file cannot hold.
    """
    row = get(name)
    defaults = {a.name: a.default for a in builder_arguments.signature(row).arguments}
    kept = {name: value for name, value in defaults.items() if builder_arguments.plain(value)}
    return {**row.options, **kept, **values}


def builder(name: str) -> Callable[..., Any]:
    """Return a model's builder, imported, with TensorFlow up."""
    row = get(name)
    start()
    return builder_arguments.resolve(row.builder)


def create(name: str, **arguments: Any) -> Any:
    """Build a model.

    Args:
        name: a name of `list_models()`.
        **arguments: what the data dictates (`input_shape`, `classes` ...) and any option shown by
            `zoo show NAME`.

    Returns:
        A `keras.Model`.
    """
    row = get(name)
    given = {**row.options, **builder_arguments.check(row, arguments, data=True)}
    missing = [
        a.name
        for a in builder_arguments.signature(row).arguments
        if a.default is REQUIRED and a.name not in given
    ]
    if missing:
        raise InputError(
            f"Model '{name}' was not given {', '.join(missing)}. "
            f"Try: zoo.create('{name}', {', '.join(f'{m}=...' for m in missing)})"
        )
    return builder(name)(**given)


def register(
    name: str,
    builder: str | Callable[..., Any],
    family: str = "custom",
    tasks: Iterable[str] = ("classification",),
    summary: str = "",
    options: Mapping[str, Any] | None = None,
    paper: Paper | None = None,
    params: tuple[Mapping[str, Any], int] | None = None,
    tiny: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> Row:
    """Add a model for this process; registering a name again replaces it.

    Args:
        name: what a user types.
        builder: a function returning a `keras.Model`, or "module:function".
        family, tasks, summary, options, paper, params, tiny, training: see `Row`.

    Returns:
        The row.
    """
    if name in BUILT_IN:
        raise InputError(f"The name '{name}' belongs to a model of zoo. Try: 'my-{name}'")
    _registered[name] = Row(
        name=name,
        family=family,
        tasks=(tasks,) if isinstance(tasks, str) else tuple(tasks),
        builder=builder,
        summary=summary or _first_line(builder),
        options=dict(options or {}),
        paper=paper,
        params=params,
        tiny=dict(tiny or {}),
        training=dict(training or {}),
    )
    return _registered[name]


def load_plugins(paths: Iterable[str | Path]) -> None:
    """Run users' Python files, which call `zoo.register`; they may well import TensorFlow."""
    for path in paths:
        with quiet():
            load_plugin(path)


def load_plugin(path: str | Path) -> None:
    """Run a user's Python file, which calls `zoo.register`."""
    path = Path(path)
    if not path.is_file() or path.suffix != ".py":
        raise InputError(f"Received the plugin '{path}'. Expected an existing Python file (.py).")
    name = f"zoo_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except InputError as error:
        raise InputError(f"The plugin '{path}' failed: {error}") from error
    except Exception as error:
        raise InputError(_plugin_failure(path, error)) from error


def _plugin_failure(path: Path, error: Exception) -> str:
    source = path.absolute()
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename) == source]
    line = frames[-1].lineno if frames else getattr(error, "lineno", None)
    where = f" at line {line}" if line else ""
    return f"The plugin '{path}' failed{where}: {type(error).__name__}: {error}. Try: python {path}"


def _from_entry_points() -> dict[str, Row]:
    """Collect rows of installed packages, once; a broken package must not break the tool."""
    global _installed
    if _installed is None:
        _installed = {}
        for point in _entry_points():
            try:
                found = point.load()
                for row in [found] if isinstance(found, Row) else list(found):
                    if not isinstance(row, Row):
                        raise TypeError(f"expected a zoo.registry.Row, received {row!r}")
                    if row.name in BUILT_IN:
                        raise ValueError(f"the name '{row.name}' belongs to a model of zoo")
                    _installed[row.name] = row
            except Exception as error:
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                broken_entry_points.append(f"{point.name} ({point.value}): {reason}")
    return _installed


def _entry_points() -> Iterable[Any]:
    from importlib.metadata import entry_points

    return entry_points(group=ENTRY_POINTS)


def _first_line(builder: str | Callable[..., Any]) -> str:
    doc = "" if isinstance(builder, str) else (builder.__doc__ or "")
    return doc.strip().partition("\n")[0]
