"""Give a model of timm or torchvision the weights of one of ours, and write down what it answers.

    python peer_torch.py FOLDER

FOLDER holds what `parity.difference_from_torch` wrote: `peer.json`, which model; `weights.npz`,
arrays called "INDEX KIND NAME" in order; `pictures.npy`, `(B, H, W, C)`. The answer goes to
`outputs.npy`. It runs where torch is and Keras need not be.
"""

import json
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from torch import nn

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
BATCH_NORM = ("weight", "bias", "running_mean", "running_var")


def build(library, model, arguments):
    if library == "timm":
        import timm

        return timm.create_model(model, pretrained=False, **arguments)
    import torchvision

    return torchvision.models.get_model(model, weights=None, **arguments)


def kind_of(module):
    if isinstance(module, (*CONVOLUTIONS, nn.Linear)):
        return "kernel"
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        return "batch"
    return "layer" if isinstance(module, (nn.LayerNorm, nn.GroupNorm)) else "bare"


def theirs(model, order):
    """Return `(kind, name, tensors)` of each module with weights; bare ones are listed singly."""
    modules = dict(model.named_modules())
    found = []
    for name in order or modules:
        kind, own = kind_of(modules[name]), dict(modules[name].named_parameters(recurse=False))
        if kind == "batch":
            found.append((kind, name, [getattr(modules[name], key) for key in BATCH_NORM]))
        elif kind == "bare":
            found += [(kind, f"{name}.{key}", [value]) for key, value in own.items()]
        else:
            found.append((kind, name, list(own.values())))
    return found


def ours(path):
    """Return `(kind, name, arrays)` of each layer in order."""
    arrays = np.load(path)
    keys = [key.split() for key in arrays]
    groups = [list(group) for _, group in groupby(keys, key=lambda key: key[0])]
    return [
        (group[0][1], " ".join(group[0]), [arrays[" ".join(key)] for key in group])
        for group in groups
    ]


def transposed(kind, array, shape):
    """Return a kernel `(..., in, out)` as torch has it, `(out, in, ...)`."""
    if kind == "depthwise":  # (h, w, channels, multiplier)
        return array.transpose(2, 3, 0, 1).reshape(-1, 1, *array.shape[:2])
    if array.ndim != len(shape) and array.size == np.prod(shape):
        # A dense layer may be a convolution there, of 1x1 or of the whole map, or the reverse.
        array = array.reshape(*shape[2:], shape[1], shape[0])
    return np.moveaxis(array, (-1, -2), (0, 1))


def channels_first(array, grid):
    """Return the kernel of a dense layer that sees a map `(grid, grid, C)` as `(C, grid, grid)`."""
    return array.reshape(grid**2, -1, array.shape[1]).swapaxes(0, 1).reshape(array.shape)


def fill(kind, own, arrays, name, tensors):
    """Set the tensors of one module, refusing what does not fit."""
    if len(arrays) != len(tensors):
        raise SystemExit(f"{own} has {len(arrays)} arrays, {name} has {len(tensors)}")
    for array, tensor in zip(arrays, tensors, strict=True):
        shape = tuple(tensor.shape)
        if kind in ("kernel", "depthwise") and array.ndim > 1:
            array = transposed(kind, array, shape)
        if kind == "bare" and array.size == tensor.numel():
            array = array.reshape(shape)  # theirs may have axes of one
        if array.shape != shape:
            raise SystemExit(f"{own} is {array.shape} as torch has it, {name} is {shape}")
        tensor.data.copy_(torch.from_numpy(np.ascontiguousarray(array)))


def give(model, layers, order, grid):
    """Set all weights of a model, kind by kind in order."""
    slots = theirs(model, order)
    dense = next((name for _, name, arrays in layers if arrays[0].ndim == 2), None)
    for kinds in (("kernel", "depthwise"), ("batch",), ("layer",), ("bare",)):
        own = [layer for layer in layers if layer[0] in kinds]
        other = [slot for slot in slots if slot[0] in kinds]
        if len(own) != len(other):
            raise SystemExit(f"{len(own)} of our layers are {kinds[0]}, {len(other)} of theirs")
        for (kind, name, arrays), (_, their_name, tensors) in zip(own, other, strict=True):
            if name == dense and grid:
                arrays = [channels_first(arrays[0], grid), *arrays[1:]]
            fill(kind, name, arrays, their_name, tensors)


def main(folder):
    asked = json.loads((folder / "peer.json").read_text())
    model = build(asked["library"], asked["model"], asked["arguments"]).double().eval()
    give(model, ours(folder / "weights.npz"), asked["order"], asked["grid"])
    pictures = np.load(folder / "pictures.npy").transpose(0, 3, 1, 2)
    with torch.no_grad():
        outputs = model(torch.from_numpy(np.ascontiguousarray(pictures)).double())
    np.save(folder / "outputs.npy", outputs.numpy())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
