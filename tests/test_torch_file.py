"""Files of PyTorch are read without unpickling: they give tensors, and can do nothing."""

import collections
import io
import os
import pickle
import random
import subprocess
import sys
import types
import zipfile
from unittest import mock

import keras
import numpy as np
import pytest
from hostile import PICKLE

import zoo
from zoo.errors import InputError
from zoo.weights import torch_file, torch_order
from zoo.weights.transfer import transfer

SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}


def fake(module, name):
    return type(name, (), {"__module__": module, "__qualname__": name})


FLOAT, LONG, BFLOAT = (fake("torch", f"{n}Storage") for n in ("Float", "Long", "BFloat16"))


def _rebuild_tensor_v2():
    """Stands for PyTorch's function of this name: a pickle only has the name."""


_rebuild_tensor_v2.__module__ = "torch._utils"
MODULES = {"torch": types.ModuleType("torch"), "torch._utils": types.ModuleType("torch._utils")}
for kind in (FLOAT, LONG, BFLOAT):
    setattr(MODULES["torch"], kind.__name__, kind)
MODULES["torch._utils"]._rebuild_tensor_v2 = _rebuild_tensor_v2


class Storage:
    def __init__(self, key, values, kind=FLOAT):
        self.key, self.values, self.kind = key, np.asarray(values), kind


class Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.arguments = (storage, offset, shape, strides, False, collections.OrderedDict())

    def __reduce__(self):
        return _rebuild_tensor_v2, self.arguments


def pickled(value):
    class Pickler(pickle.Pickler):
        def persistent_id(self, found):
            if isinstance(found, Storage):
                return "storage", found.kind, found.key, "cpu", len(found.values), None
            return None

    stream = io.BytesIO()
    with mock.patch.dict(sys.modules, MODULES):
        Pickler(stream, protocol=2).dump(value)
    return stream.getvalue()


def older(value, storages, system=SYSTEM):
    keys = [storage.key for storage in storages]
    parts = [torch_file.MAGIC, torch_file.VERSION, system, value, keys]
    content = b"".join(map(pickled, parts))
    for storage in storages:
        content += len(storage.values).to_bytes(8, "little") + storage.values.tobytes()
    return content


def zipped(value, storages, order=b"little"):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("net/data.pkl", pickled(value))
        archive.writestr("net/byteorder", order)
        for storage in storages:
            archive.writestr(f"net/data/{storage.key}", storage.values.tobytes())
    return stream.getvalue()


NUMBERS = Storage("7", np.arange(12, dtype="float32"))
COUNTS = Storage("8", np.array([5], dtype="int64"), LONG)
TENSORS = collections.OrderedDict(
    kernel=Tensor(NUMBERS, 0, (3, 4), (1, 3)),  # its columns lie together
    part=Tensor(NUMBERS, 4, (2,), (5,)),
    count=Tensor(COUNTS, 0, (), ()),
    nothing=Tensor(NUMBERS, 0, (0, 3), (3, 1)),
)
TENSORS._metadata = {"version": 1}  # as PyTorch adds to a state_dict


def read(tmp_path, content):
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    return torch_file.read(path)


@pytest.mark.parametrize("form", [older, zipped])
def test_tensors_are_found_with_their_strides(tmp_path, form):
    found = read(tmp_path, form(TENSORS, [NUMBERS, COUNTS]))
    assert list(found) == ["kernel", "part", "count", "nothing"]
    np.testing.assert_array_equal(found["kernel"], np.arange(12.0).reshape(4, 3).T)
    np.testing.assert_array_equal(found["part"], [4, 9])
    assert found["count"] == 5
    assert found["count"].dtype == np.int64
    assert found["nothing"].shape == (0, 3)
    assert not any(array.flags.writeable for array in found.values())


def one(*arguments):
    return {"a": Tensor(NUMBERS, *arguments)}


class Nasty:
    def __reduce__(self):
        return os.system, ("touch canary",)


class Built:
    def __reduce__(self):
        return collections.OrderedDict, ([["a", 1]],)


REFUSED = {
    "a call of os.system": ({"a": Nasty()}, "it names 'posix system'"),
    "another storage": (
        {"a": Tensor(Storage("7", NUMBERS.values, BFLOAT), 0, (1,), (1,))},
        "it names 'torch BFloat16Storage'",
    ),
    "a filled dictionary": ({"a": Built()}, "it calls what is no tensor"),
    "a float": ({"a": 1.5}, "it has the instruction BINFLOAT"),
    "a number": ({"a": 1}, "'a' is no tensor"),
    "a dictionary in it": ({"model": one(0, (1,), (1,))}, "'model' is no tensor"),
    "no names": ({1: Tensor(NUMBERS, 0, (1,), (1,))}, "it has values without names"),
    "a list": ([Tensor(NUMBERS, 0, (1,), (1,))], "it holds no named tensors"),
    "nothing": ({}, "it holds no named tensors"),
    "too many numbers": (one(0, (13,), (1,)), "'a' is larger than its numbers"),
    "beyond the end": (one(10, (2, 2), (2, 1)), "'a' is larger than its numbers"),
    "one number a million times": (one(0, (10**6,), (0,)), "'a' is larger than its numbers"),
    "before the start": (one(-1, (2,), (1,)), "'a' has no shape"),
    "backwards": (one(3, (2,), (-1,)), "'a' has no shape"),
    "a size below zero": (one(0, (-2,), (1,)), "'a' has no shape"),
    "fewer strides than sizes": (one(0, (2, 2), (1,)), "'a' has no shape"),
    "a shape that is none": (one(0, 3, (1,)), "Cannot read"),
    "a true size": (one(0, (True,), (1,)), "'a' has no shape"),
}


@pytest.mark.parametrize("form", [older, zipped])
@pytest.mark.parametrize("name", REFUSED)
def test_more_than_tensors_is_refused(tmp_path, monkeypatch, name, form):
    monkeypatch.chdir(tmp_path)
    value, message = REFUSED[name]
    with pytest.raises(InputError) as error:
        read(tmp_path, form(value, [NUMBERS]))
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "canary").exists()


def test_other_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    foreign = {
        "nothing at all": b"",
        "a text": b"hello",
        "another pickle": PICKLE,
        "another zip": zipped(TENSORS, []),
        "the large end first": zipped(TENSORS, [NUMBERS, COUNTS], b"big"),
        "the large end first, older": older(
            TENSORS, [NUMBERS, COUNTS], {**SYSTEM, "little_endian": False}
        ),
    }
    for content in foreign.values():
        with pytest.raises(InputError, match=r"Cannot read the weights '.*net\.pth'"):
            read(tmp_path, content)
    with pytest.raises(InputError, match="Cannot read"):
        torch_file.read(tmp_path / "missing.pth")
    os.mkfifo(tmp_path / "pipe.pth")
    with pytest.raises(InputError, match="not a regular file"):
        torch_file.read(tmp_path / "pipe.pth")


@pytest.mark.parametrize("form", [older, zipped])
def test_damaged_files_are_refused_or_give_tensors(tmp_path, form):
    content = form(TENSORS, [NUMBERS, COUNTS])
    draw = random.Random(0)
    damaged = [content[: draw.randrange(len(content))] for _ in range(100)]
    for _ in range(300):
        changed = bytearray(content)
        changed[draw.randrange(len(content))] = draw.randrange(256)
        damaged.append(bytes(changed))
    refused = 0
    for case in damaged:
        try:
            found = read(tmp_path, case)
        except InputError:
            refused += 1
        else:
            assert all(isinstance(array, np.ndarray) for array in found.values())
    assert refused > 200


def test_a_pickle_cannot_grow(tmp_path):
    deep = (
        pickled(one(0, (1,), (1,)))[:-1] + b"(" + b"\x86" * 3 + b"."
    )  # pairs of what is not there
    with pytest.raises(InputError, match="takes more than it has"):
        read(tmp_path, deep)
    huge = b"\x80\x02X\xff\xff\xff\x7f"  # a text of two gigabytes, of which there is no letter
    with pytest.raises(InputError, match="Cannot read"):
        read(tmp_path, huge)


WRITE = """
import sys
import torch

net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 5), torch.nn.BatchNorm2d(4))
state = net.state_dict()
state["0.weight"] = state["0.weight"].permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
for old in (True, False):
    path = f"{sys.argv[1]}/{'old' if old else 'new'}.pth"
    torch.save(state, path, _use_new_zipfile_serialization=not old)
import numpy as np
np.savez(f"{sys.argv[1]}/state.npz", **{k: v.numpy() for k, v in state.items()})
"""


def test_files_of_pytorch_itself(tmp_path):
    python = os.environ.get("ZOO_TORCH_PYTHON")
    if not python:
        pytest.skip("ZOO_TORCH_PYTHON names no interpreter with torch")
    subprocess.run([python, "-c", WRITE, tmp_path], check=True)
    expected = np.load(tmp_path / "state.npz")
    for form in ("old", "new"):
        found = torch_file.read(tmp_path / f"{form}.pth")
        assert list(found) == list(expected)
        for name, array in found.items():
            np.testing.assert_array_equal(array, expected[name])


def as_pytorch(layer, value):
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return value.transpose(2, 3, 0, 1) if value.ndim == 4 else value
    return value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T


def test_another_networks_weights_change_nothing():
    model = zoo.create("convmixer", **zoo.registry.get("convmixer").tiny)
    before = [w.numpy() for w in model.weights]
    weights = [(la, w.numpy()) for la in model.layers for w in la.weights]
    right = {f"{i}": as_pytorch(*pair) for i, pair in enumerate(weights)}
    other = {f"{i}": value for i, (_, value) in enumerate(weights)}
    for wrong, message in (
        ({**right, "more": np.ones(3)}, "has 'more', for which this model has no layer"),
        (other, r"has '0' of shape .* where this model has .* of shape \(2, 2, 3, 8\)"),
    ):
        with pytest.raises(InputError, match=message):
            transfer(model, torch_order.named(model, wrong), "net.pth", head=True)
    for variable, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
