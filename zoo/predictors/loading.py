"""Runs and artifacts read back; no code in a run or a .keras file is executed, whoever made it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.errors import InputError
from zoo.predictors.predictor import Predictor, from_model, parts
from zoo.runs import Run, kind_of
from zoo.untrusted import LARGEST_JSON, check_keys, check_state, parse_json, read_bytes

# What goes wrong where plain values are not what they should be.
WRONG = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, AssertionError,
    MemoryError, NotImplementedError,
)  # fmt: skip


def load(path: str | os.PathLike[str] | Run) -> Predictor:
    """Load a run, a SavedModel or a `.keras` file that `zoo export` wrote.

    Loading a run builds its model and reads numbers; nothing is deserialized. A SavedModel is
    code: load only those you trust.

    Raises:
        InputError: there is none of them at the path, or it is damaged.
    """
    from zoo.startup import start

    start()
    loaders = {"run": _load_run, "savedmodel": _load_savedmodel, "keras": _load_keras}
    return loaders[kind_of(path)](Path(path))


def _load_run(path: Path) -> Predictor:
    import keras

    from zoo import registry, weights

    run = Run.open(path)
    state = saved_state(run.preprocessor_path)
    state["card"]["run"] = path.resolve().name
    registry.load_plugins(run.record["options"].get("plugin") or ())
    keras.config.set_dtype_policy("float32")
    card, arrays = state["card"], weights.size(run.model_weights)
    with _whole(path), weights.at_most(*arrays, str(run.model_weights)):
        model = registry.create(card["model"], **card["builder"])
    weights.load(model, run.model_weights)
    with _whole(path):
        return _reported(from_model(model, state), path)


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Say in one line that what a run or an artifact describes cannot be built or used."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.InvalidArgumentError:
        raise  # of the input: `Predictor` has a message for it
    except (*WRONG, tf.errors.OpError) as error:
        raise InputError(
            f"'{path}' does not fit together: {' '.join(str(error).split())[:200]}. Expected it as "
            "`zoo` wrote it. Train or export it again."
        ) from error


def _reported(predictor: Predictor, path: Path) -> Predictor:
    """Return a predictor whose model and preprocessing may turn out not to fit together."""

    def reported(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda **inputs: _whole(path)(function)(**inputs)

    predictor.functions = {name: reported(f) for name, f in predictor.functions.items()}
    return predictor


def _load_savedmodel(path: Path) -> Predictor:
    import tensorflow as tf

    state = saved_state(path / "assets" / "zoo.json")
    try:
        loaded = tf.saved_model.load(str(path))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise InputError(
            f"'{path}' could not be loaded as a SavedModel: {' '.join(str(error).split())[:200]}. "
            "Expected a folder that `zoo export` wrote."
        ) from error
    with _whole(path):
        check_keys(state, {"arguments": dict, "outputs": dict})
        functions = {
            name: _signature(
                loaded.signatures[name],
                state["arguments"] if name == "serving_default" else {},
                order,
            )
            for name, order in state["outputs"].items()
        }
    predictor = _reported(Predictor(functions, state), path)
    predictor.loaded = loaded  # keeps its tables and variables alive
    return predictor


def _load_keras(path: Path) -> Predictor:
    from zoo.serving import load_served

    served = load_served(path)
    with _whole(path):
        return _reported(from_model(served.model, served.state), path)


def _signature(
    function: Callable[..., Any], names: Mapping[str, str], order: list[str]
) -> Callable[..., Any]:
    """Return a SavedModel's signature with raw names for arguments and its outputs in order."""

    def call(**inputs: Any) -> Any:
        answers = function(**{names.get(name, name): value for name, value in inputs.items()})
        return {name: answers[name] for name in order}

    return call


def saved_state(path: Path) -> dict[str, Any]:
    """Read what a predictor is made from, and try it."""
    try:
        state = parse_json(read_bytes(path, LARGEST_JSON))
        check_state(state)
        parts(state)
    except (OSError, *WRONG) as error:
        reason = getattr(error, "strerror", None) or f"it is damaged ({str(error)[:100]})"
        raise InputError(
            f"Cannot read '{path}': {reason}. Expected a finished run, or an artifact as "
            "`zoo export` writes it. Train or export it again."
        ) from error
    return state
