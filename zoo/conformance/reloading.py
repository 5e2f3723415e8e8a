"""Models written in each of Keras's own ways and read back in one fresh process.

The child is `python -m zoo.conformance.reloading FOLDER`; parent and child talk through files.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import registry
from zoo.registry.arguments import resolve


@dataclass(frozen=True)
class Way:
    """A way to keep a model: how it is written, and read as a function of its inputs.

    A compiled function rounds otherwise than single operations do: TensorFlow joins some of them.
    """

    write: Callable[[keras.Model, Path], Any]
    read: Callable[[Path], Callable[[Any], Any]]
    compiled: bool = False


@dataclass(frozen=True)
class Built:
    """A model, the name and arguments it was built from, and inputs to call it with."""

    name: str
    arguments: dict[str, Any]
    model: keras.Model
    inputs: Any


def reload(
    models: Iterable[Built], folder: Path, plugins: Iterable[str] = ()
) -> dict[str, dict[str, Any]]:
    """Write models in all `WAYS`, read them in a fresh process and call them there.

    Args:
        models: the models.
        folder: an existing folder to write to.
        plugins: files the fresh process must load to know the models.

    Returns:
        For each model and way the outputs, or a line saying what went wrong.
    """
    models = list(models)
    errors = {built.name: _write(built, folder / built.name) for built in models}
    job = {"plugins": sorted(set(plugins)), "models": [built.name for built in models]}
    (folder / "job.json").write_text(json.dumps(job))
    command = [sys.executable, "-P", "-m", "zoo.conformance.reloading", str(folder)]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    if child.returncode:
        last = (child.stderr.strip().splitlines() or ["no message"])[-1]
        if child.returncode < 0:
            last = f"it was ended by signal {-child.returncode}, maybe for want of memory"
        return {name: dict.fromkeys(WAYS, f"the fresh process failed: {last}") for name in errors}
    unread = json.loads((folder / "errors.json").read_text())
    return {
        name: {way: _answer(folder / name, way, unread[name] | found) for way in WAYS}
        for name, found in errors.items()
    }


def _answer(folder: Path, way: str, errors: dict[str, str]) -> Any:
    return errors[way] if way in errors else np.load(folder / f"{way}.npy")


def _write(built: Built, folder: Path) -> dict[str, str]:
    folder.mkdir()
    job = {"name": built.name, "arguments": built.arguments}
    (folder / "job.json").write_text(json.dumps(job))
    x = built.inputs
    np.savez(folder / "inputs.npz", **(x if isinstance(x, dict) else {"": x}))
    errors = {}
    for name, way in WAYS.items():
        try:
            way.write(built.model, folder)
        except Exception as error:
            errors[name] = f"cannot be written: {type(error).__name__}: {error}"
    return errors


def _read_weights(folder: Path) -> Callable[[Any], Any]:
    job = json.loads((folder / "job.json").read_text())
    model = registry.create(job["name"], **job["arguments"])
    model.load_weights(folder / "model.weights.h5")
    return lambda x: model(x, training=False)


def _read_keras(folder: Path) -> Callable[[Any], Any]:
    model = keras.models.load_model(folder / "model.keras")
    return lambda x: model(x, training=False)


def _read_saved_model(folder: Path) -> Callable[[Any], Any]:
    loaded = tf.saved_model.load(str(folder / "saved_model"))
    return lambda x: loaded.serve(x)  # keeps what was loaded, and so its variables, alive


WAYS = {
    "weights file": Way(
        lambda model, folder: model.save_weights(folder / "model.weights.h5"), _read_weights
    ),
    "keras file": Way(lambda model, folder: model.save(folder / "model.keras"), _read_keras),
    "SavedModel": Way(
        lambda model, folder: model.export(str(folder / "saved_model"), verbose=False),
        _read_saved_model,
        compiled=True,
    ),
}


def _child(folder: Path) -> None:
    """Read every model under a folder in every way and write what it answers beside it."""
    job = json.loads((folder / "job.json").read_text())
    for plugin in job["plugins"]:
        registry.load_plugin(plugin)
    errors: dict[str, dict[str, str]] = {name: {} for name in job["models"]}
    for name in errors:
        resolve(registry.get(name).builder)  # registers its classes with Keras
        with np.load(folder / name / "inputs.npz") as file:
            named = dict(file)
        for kind, way in WAYS.items():
            try:
                answer = way.read(folder / name)(named.get("", named))
                np.save(folder / name / f"{kind}.npy", answer)
            except Exception as error:
                errors[name][kind] = f"cannot be read: {type(error).__name__}: {error}"
            gc.collect()  # a large model must go before the next one comes
    (folder / "errors.json").write_text(json.dumps(errors))


if __name__ == "__main__":
    _child(Path(sys.argv[1]))
