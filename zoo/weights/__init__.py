"""Values of variables as named arrays, and as safetensors files: nothing is deserialized."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from zoo.errors import InputError
from zoo.files import write_atomic


def save(model: Any, path: Path) -> None:
    """Write all weights of a model, named by position and path."""
    write_atomic(path, to_bytes(named(model.weights)))


def load(model: Any, path: Path) -> None:
    """Read weights into a model of the same architecture.

    Raises:
        InputError: the file is missing, damaged or another model's.
    """
    try:
        with safe_open(path, "numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise InputError(
            f"Cannot read the weights '{path}': {' '.join(str(error).split())[:200]}. Expected a "
            "finished run. Continue it with `zoo train --resume RUN`."
        ) from error
    load_named(model.weights, tensors, str(path))


def snapshot(items: Sequence[keras.Variable]) -> list[np.ndarray]:
    """Return the values of variables."""
    return [np.asarray(variable.numpy()) for variable in items]


def assign(items: Sequence[keras.Variable], values: Sequence[np.ndarray]) -> None:
    """Give variables back what `snapshot` returned."""
    for variable, value in zip(items, values, strict=True):
        variable.assign(value)


def named(items: Sequence[keras.Variable]) -> dict[str, np.ndarray]:
    """Return values under names made of position and path; the path alone is not unique."""
    values = snapshot(items)
    pairs = zip(items, values, strict=True)
    return {f"{i:05d}/{variable.path}": value for i, (variable, value) in enumerate(pairs)}


def load_named(
    items: Sequence[keras.Variable], tensors: dict[str, np.ndarray], source: str
) -> None:
    """Assign values saved by `named`, matched by position, shape and dtype.

    Raises:
        InputError: they are another model's.
    """
    values = [tensors[name] for name in sorted(tensors)]
    if len(values) != len(items):
        raise InputError(
            f"'{source}' holds {len(values)} arrays. Expected {len(items)}, as this model has."
        )
    for variable, name, value in zip(items, sorted(tensors), values, strict=True):
        if tuple(variable.shape) != value.shape or str(variable.dtype) != str(value.dtype):
            raise InputError(
                f"'{source}' holds {name} of shape {value.shape}, {value.dtype}. "
                f"Expected {tuple(variable.shape)}, {variable.dtype}, as this model has."
            )
    assign(items, values)
