"""Values of variables as named arrays, and as safetensors files: nothing is deserialized."""

from __future__ import annotations

import errno
import json
import math
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from safetensors import SafetensorError, safe_open

from zoo.errors import InputError
from zoo.files import Pieces, write_atomic

TYPES = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "uint16": "U16", "int16": "I16", "uint32": "U32",
    "int32": "I32", "uint64": "U64", "int64": "I64", "float16": "F16", "float32": "F32",
    "float64": "F64",
}  # fmt: skip
SPARE_ARRAYS, SPARE_NUMBERS = 100, 100_000  # beside the weights: seeds, counters, metrics


def save(model: Any, path: Path) -> None:
    """Write all weights of a model, named by position and path."""
    write_atomic(path, pieces(named(model.weights)))


def pieces(tensors: Mapping[str, np.ndarray]) -> Pieces:
    """Return a safetensors file: its header, then the arrays themselves, not copied.

    Raises:
        InputError: an array is of another type than `TYPES`.
    """
    header, end = {}, 0
    for name, value in tensors.items():
        begin, end = end, end + value.nbytes
        dtype = value.dtype.name
        if dtype not in TYPES:
            raise InputError(
                f"Variable '{name}' is of type {dtype}. Expected one of {', '.join(TYPES)}, which "
                "can be saved."
            )
        header[name] = {"dtype": TYPES[dtype], "shape": value.shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    arrays = [np.ascontiguousarray(value).reshape(-1) for value in tensors.values()]
    data = [array.view(np.uint8).data for array in arrays]
    return [len(text).to_bytes(8, "little"), text, *data]


def load(model: Any, path: Path) -> None:
    """Read weights into a model of the same architecture, whose shapes come first: what a file
    promises beyond them is not read.

    Raises:
        InputError: the file is missing, damaged or another model's.
    """
    if not path.exists():
        raise InputError(
            f"'{path.parent}' has no weights yet: its training is not over. Expected a finished "
            f"run. Continue it with `zoo train --resume {path.parent}`."
        )
    with _opened(path) as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in _names(file)}
        _refuse_other(model.weights, shapes, str(path))
        tensors = {name: file.get_tensor(name) for name in shapes}
    load_named(model.weights, tensors, str(path))


def read(path: Path) -> dict[str, np.ndarray]:
    """Return all arrays of a file by name.

    Raises:
        InputError: the file is missing or damaged.
    """
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in _names(file)}


def size(path: Path) -> tuple[int, int]:
    """Return how many arrays a file holds and how many numbers, from its header alone.

    Raises:
        InputError: the file is missing or damaged.
    """
    with _opened(path) as file:
        sizes = [math.prod(file.get_slice(name).get_shape()) for name in _names(file)]
    return len(sizes), sum(sizes)


@contextmanager
def at_most(arrays: int, numbers: int, source: str) -> Iterator[None]:
    """Let the variables made here be no more and no larger than the file they are made for.

    What a builder is told may come from the same stranger as the file, and one number of it can ask
    for more memory than there is. Each variable is looked at before it is made.

    Raises:
        InputError: there are more, apart from those that are not saved, of which there may be one
            for each that is and some to spare.
    """
    left = [2 * arrays + SPARE_ARRAYS, numbers + SPARE_NUMBERS]

    def create(make: Callable[..., Any], **arguments: Any) -> Any:
        left[0] -= 1
        left[1] -= _numbers(arguments["initial_value"])
        if min(left) < 0:
            raise larger
        return make(**arguments)

    larger = InputError(
        f"'{source}' holds {arrays:,} arrays of {numbers:,} numbers, but the model it describes is "
        "larger. Expected weights for all of it. Train or export it again."
    )
    try:
        with tf.variable_creator_scope(create):
            yield
    except Exception:
        if min(left) < 0:  # Keras made another error of it
            raise larger from None
        raise


def _numbers(initial: Any) -> int:
    """Return how many numbers an initial value has; one yet to be computed is only traced."""
    if not callable(initial):
        return math.prod(np.shape(initial))
    traced = tf.function(initial, autograph=False).get_concrete_function()
    return int(traced.output_shapes.num_elements())


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        with safe_open(path, "numpy") as file:
            yield file
    except (OSError, SafetensorError, ValueError, TypeError, MemoryError) as error:
        of_run = (path.parent / "config.yaml").exists()
        if of_run and isinstance(error, FileNotFoundError):
            raise InputError(
                f"The run '{path.parent}' has no weights: it was not trained to its end. Expected "
                f"a finished run. Try `zoo train --resume {path.parent}`."
            ) from error
        again = f"`zoo train --resume {path.parent}`" if of_run else "another copy"
        raise InputError(
            f"Cannot read the weights '{path}': {' '.join(str(error).split())[:200]}. Expected a "
            f"whole safetensors file. Try {again}."
        ) from error


def _names(file: Any) -> list[str]:
    return list(file.keys())


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
    _refuse_other(items, {name: value.shape for name, value in tensors.items()}, source)
    values = [tensors[name] for name in sorted(tensors)]
    for variable, name, value in zip(items, sorted(tensors), values, strict=True):
        if str(variable.dtype) != str(value.dtype):
            raise _another(source, name, f"type {value.dtype}", str(variable.dtype))
    assign(items, values)


def _refuse_other(
    items: Sequence[keras.Variable], shapes: dict[str, tuple[int, ...]], source: str
) -> None:
    """Raise an InputError where names in their order do not have the variables' shapes."""
    if len(shapes) != len(items):
        raise InputError(
            f"'{source}' holds {len(shapes)} arrays. Expected {len(items)}, as this model has."
        )
    for variable, name in zip(items, sorted(shapes), strict=True):
        if tuple(variable.shape) != shapes[name]:
            raise _another(source, name, f"shape {shapes[name]}", str(tuple(variable.shape)))


def _another(source: str, name: str, held: str, expected: str) -> InputError:
    return InputError(
        f"'{source}' holds {name[:60]} of {held}. Expected {expected}, as this model has."
    )
