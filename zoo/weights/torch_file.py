"""Tensors out of files that PyTorch wrote, without PyTorch and without unpickling.

Such a file is a pickle, a program that may call anything. Here its instructions are only looked at,
and those understood that name tensors, their shapes and their places in the storages, which are
plain numbers; any other is refused before it has done anything. Nothing is imported or called.

There are two forms. Since PyTorch 1.6 a file is a zip of one pickle and of a member a storage.
Before, it was five pickles, the fourth with the tensors and the fifth with the order of the
storages, and then these, each after the count of its numbers.
"""

from __future__ import annotations

import io
import math
import pickletools
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from zoo import untrusted
from zoo.errors import InputError

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001  # first pickles of the older form
DICTIONARY, TENSOR = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"
STORAGES = {
    "torch DoubleStorage": "<f8",
    "torch FloatStorage": "<f4",
    "torch HalfStorage": "<f2",
    "torch LongStorage": "<i8",
    "torch IntStorage": "<i4",
    "torch ShortStorage": "<i2",
    "torch CharStorage": "<i1",
    "torch ByteStorage": "<u1",
    "torch BoolStorage": "?",
}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
VALUES = ("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE")


class Storage(NamedTuple):
    """Numbers in a row: the name they go by in the file, and their type."""

    key: str
    dtype: str


class Tensor(NamedTuple):
    """A tensor as the file describes it; offset and strides count numbers, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Name(NamedTuple):
    """What a pickle would import, as "module name"."""

    text: str


class Program:
    """The instructions of one pickle, followed as far as tensors need them."""

    mark = object()

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, stream: io.BytesIO) -> Any:
        """Return what the pickle at this place of a stream describes, and stop behind it.

        Raises:
            ValueError: it has other instructions.
        """
        for code, argument, _ in pickletools.genops(stream):
            if code.name == "STOP":
                return self.stack.pop()
            if code.name not in STEPS:
                raise ValueError(f"it has the instruction {code.name}")
            STEPS[code.name](self, argument)
        raise ValueError("it ends too soon")

    def pop(self, count: int) -> tuple[Any, ...]:
        if count > len(self.stack):
            raise ValueError("it takes more than it has")
        return tuple(self.stack.pop() for _ in range(count))[::-1]

    def pop_marked(self) -> tuple[Any, ...]:
        top = next(i for i, x in enumerate(reversed(self.stack)) if x is self.mark)
        *values, _ = self.pop(top + 1)[::-1]
        return tuple(values[::-1])

    def name(self, text: str) -> None:
        if text not in (DICTIONARY, TENSOR, *STORAGES):
            raise ValueError(f"it names '{text[:60]}'")
        self.stack.append(Name(text))

    def call(self, _: None) -> None:
        function, arguments = self.pop(2)
        if function == Name(DICTIONARY) and arguments == ():
            self.stack.append({})
        elif function == Name(TENSOR):
            self.stack.append(Tensor(*arguments[:4]))
        else:
            raise ValueError("it calls what is no tensor")

    def storage(self, _: None) -> None:
        _, kind, key, *_ = self.pop(1)[0]
        self.stack.append(Storage(key, STORAGES[kind.text]))

    def set_items(self, items: tuple[Any, ...]) -> None:
        names, values = items[::2], items[1::2]
        if not isinstance(self.stack[-1], dict) or not all(isinstance(n, str) for n in names):
            raise ValueError("it has values without names")
        self.stack[-1].update(zip(names, values, strict=True))

    def extend(self, items: tuple[Any, ...]) -> None:
        if not isinstance(self.stack[-1], list):
            raise ValueError("it appends to what is no list")
        self.stack[-1].extend(items)


def _constant(value: Any) -> Callable[[Program, Any], None]:
    return lambda program, _: program.stack.append(value)


def _remember(program: Program, place: int) -> None:
    program.memo[place] = program.stack[-1]


STEPS: dict[str, Callable[[Program, Any], None]] = {
    "PROTO": lambda p, _: None,
    **{name: _constant(value) for name, value in CONSTANTS.items()},
    **dict.fromkeys(VALUES, lambda p, value: p.stack.append(value)),
    "EMPTY_TUPLE": _constant(()),
    "EMPTY_LIST": lambda p, _: p.stack.append([]),
    "EMPTY_DICT": lambda p, _: p.stack.append({}),
    "MARK": _constant(Program.mark),
    "TUPLE": lambda p, _: p.stack.append(p.pop_marked()),
    "TUPLE1": lambda p, _: p.stack.append(p.pop(1)),
    "TUPLE2": lambda p, _: p.stack.append(p.pop(2)),
    "TUPLE3": lambda p, _: p.stack.append(p.pop(3)),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _remember),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda p, place: p.stack.append(p.memo[place])),
    "GLOBAL": Program.name,
    "REDUCE": Program.call,
    "BINPERSID": Program.storage,
    "SETITEM": lambda p, _: p.set_items(p.pop(2)),
    "SETITEMS": lambda p, _: p.set_items(p.pop_marked()),
    "APPEND": lambda p, _: p.extend(p.pop(1)),
    "APPENDS": lambda p, _: p.extend(p.pop_marked()),
    "BUILD": lambda p, _: p.stack.pop(),  # notes PyTorch adds to a dictionary
}


def read(path: Path) -> dict[str, np.ndarray]:
    """Return the named tensors of a `state_dict`, in the file's order, read-only.

    They are views of the file's content, with the strides they were saved with.

    Raises:
        InputError: the file is missing or damaged, or holds more than tensors.
    """
    try:
        content = untrusted.read_bytes(path, untrusted.memory())
        tensors, storages = (_zipped if content[:2] == b"PK" else _older)(content)
        return {name: _array(name, tensor, storages) for name, tensor in tensors.items()}
    except (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError,
            StopIteration, NotImplementedError, zipfile.BadZipFile) as error:  # fmt: skip
        raise InputError(
            f"Cannot read the weights '{path}': {' '.join(str(error).split())[:200]}. Expected "
            "named tensors of PyTorch and nothing else. Try saving model.state_dict()."
        ) from error


def _tensors(stream: io.BytesIO) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors that a pickle describes, and the types of their storages by key."""
    found = Program().run(stream)
    if not isinstance(found, dict) or not found:
        raise ValueError("it holds no named tensors")
    for name, tensor in found.items():
        if not isinstance(tensor, Tensor):
            raise ValueError(f"'{name[:60]}' is no tensor")
    return found, {tensor.storage.key: tensor.storage.dtype for tensor in found.values()}


def _zipped(content: bytes) -> tuple[dict[str, Tensor], dict[str, np.ndarray]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        untrusted.check_members(archive, len(content))
        members = {name.partition("/")[2]: name for name in archive.namelist()}
        if "byteorder" in members and archive.read(members["byteorder"]) != b"little":
            raise ValueError("its numbers begin with the large end")
        tensors, types = _tensors(io.BytesIO(archive.read(members["data.pkl"])))
        storages = {
            key: np.frombuffer(archive.read(members[f"data/{key}"]), dtype)
            for key, dtype in types.items()
        }
    return tensors, storages


def _older(content: bytes) -> tuple[dict[str, Tensor], dict[str, np.ndarray]]:
    stream = io.BytesIO(content)
    magic, version, system = (Program().run(stream) for _ in range(3))
    if magic != MAGIC or version != VERSION or not system["little_endian"]:
        raise ValueError("it is no file of PyTorch")
    tensors, types = _tensors(stream)
    order = Program().run(stream)
    return tensors, dict(_in_order(content, stream.tell(), order, types))


def _in_order(
    content: bytes, position: int, order: list[str], types: dict[str, str]
) -> Iterator[tuple[str, np.ndarray]]:
    for key in order:
        count = int(np.frombuffer(content, "<i8", 1, position)[0])
        if count < 0:
            raise ValueError("a storage has a count below zero")
        array = np.frombuffer(content, types[key], count, position + 8)
        position += 8 + array.nbytes
        yield key, array


def _array(name: str, tensor: Tensor, storages: dict[str, np.ndarray]) -> np.ndarray:
    """Return a tensor as a view of its storage, refusing to look beyond it."""
    storage, offset = storages[tensor.storage.key], tensor.offset
    shape, strides = tensor.shape, tensor.strides
    numbers = (offset, *shape, *strides)
    if not all(type(n) is int and n >= 0 for n in numbers) or len(shape) != len(strides):
        raise ValueError(f"'{name[:60]}' has no shape")
    size: int = math.prod(shape)
    last = offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
    if size > storage.size or (size and last >= storage.size):
        raise ValueError(f"'{name[:60]}' is larger than its numbers")
    steps = [s * storage.itemsize for s in strides]
    return as_strided(storage[offset:], shape, steps, writeable=False)
