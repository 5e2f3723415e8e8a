"""Whether our networks answer as the same networks of others do, given the same weights.

Weights are matched by the order in which layers come into being, kind by kind: the tenth kernel of
ours is the tenth of the peer's, be it of a convolution or a dense layer. Every shape is checked and
nothing may be left over.

They are random, scaled so that activations and outputs stay about one in size: kernels by He's
rule; scales around one; statistics of batch normalization as one pass in training mode finds them
on the very pictures, then moved a little, so that a network which mixed them up would be seen. Both
compute in float64: a hundred random layers make 1e-4 of float32's rounding, and more.
"""

import contextlib
import json
import os
import subprocess
from pathlib import Path
from unittest import mock

import keras
import numpy as np
import pytest

from zoo import registry

TOLERANCE = 1e-5  # of the largest output, which is float32
PEER = Path(__file__).parent / "peer_torch.py"
KERNELS = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D)
DEPTHWISE = keras.layers.DepthwiseConv2D
LAYER_NORMS = (keras.layers.LayerNormalization, keras.layers.GroupNormalization)


def grouped_singly(layer):
    return isinstance(layer, keras.layers.Conv2D) and 1 < layer.groups == layer.filters


def kind_of(layer):
    if isinstance(layer, DEPTHWISE) or grouped_singly(layer):
        return "depthwise"
    if isinstance(layer, KERNELS):
        return "kernel"
    if isinstance(layer, keras.layers.BatchNormalization):
        return "batch"
    return "layer" if isinstance(layer, LAYER_NORMS) else "bare"


@contextlib.contextmanager
def double_precision():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


@contextlib.contextmanager
def recorded():
    """Give the list of all `(layer, variable)` made meanwhile; a model's own order is another."""
    made, add_weight = [], keras.layers.Layer.add_weight

    def record(layer, *arguments, **more):
        variable = add_weight(layer, *arguments, **more)
        made.append((layer, variable))
        return variable

    with mock.patch.object(keras.layers.Layer, "add_weight", record):
        yield made


def by_layer(made):
    """Return `(kind, variables)` of each layer in order; bare ones are listed one by one."""
    found = {}
    for layer, variable in made:
        kind = kind_of(layer)
        key = id(variable) if kind == "bare" else id(layer)
        found.setdefault(key, (kind, []))[1].append(variable)
    return list(found.values())


def draw(random, layer, variable):
    """Return random values for a variable, by what it is."""
    shape = tuple(variable.shape)
    if variable.name in ("gamma", "moving_variance"):
        return random.uniform(0.5, 1.5, shape)
    if len(shape) < 2:
        return random.normal(0, 0.1, shape)
    fan_in = np.prod(shape[:2] if isinstance(layer, DEPTHWISE) else shape[:-1])
    return random.normal(0, np.sqrt(2 / fan_in), shape)


def randomize(model, made, pictures, moved):
    random = np.random.default_rng(0)
    for layer, variable in made:
        variable.assign(draw(random, layer, variable))
    norms = {id(la): la for la, _ in made if kind_of(la) == "batch"}.values()
    for layer in norms:
        layer.momentum = 0.0
    model(pictures, training=True)
    for layer in norms:
        shape = layer.moving_mean.shape
        spread = np.sqrt(layer.moving_variance.numpy())
        layer.moving_mean.assign_add(moved * spread * random.normal(size=shape))
        factors = random.uniform(1 - 2 * moved, 1 + 2 * moved, shape)
        layer.moving_variance.assign(layer.moving_variance * factors)


def ours(name, arguments, examples=4, moved=0.1):
    """Build a row with random weights; return them by layer, pictures and its answer.

    `moved` is how far statistics are moved, as a share of a standard deviation.
    """
    with double_precision(), recorded() as made:
        model = registry.create(name, **arguments)
    shape = (examples, *arguments["input_shape"])
    pictures = np.random.default_rng(1).random(shape, dtype="float32")
    randomize(model, made, pictures, moved)
    return by_layer(made), pictures, model(pictures, training=False).numpy()


def difference(found, expected):
    """Return the largest difference, as a share of the largest output."""
    assert found.shape == expected.shape
    assert 1e-2 < expected.std() < 1e2, "outputs are not about one in size"
    assert expected.std(axis=0).max() > 1e-2, "outputs do not depend on the picture"
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def difference_from_keras(name, arguments, build):
    """Compare a row with the model that `build()` returns."""
    layers, pictures, found = ours(name, arguments)
    with double_precision(), recorded() as made:
        peer = build()
    theirs = by_layer(made)
    for kind in {kind for kind, _ in layers + theirs}:
        mine = [v for k, variables in layers if k == kind for v in variables]
        targets = [v for k, variables in theirs if k == kind for v in variables]
        for a, b in zip(mine, targets, strict=True):
            if kind == "depthwise":  # (h, w, channels, 1) may be (h, w, 1, channels)
                a = keras.ops.reshape(a, b.shape)
            assert tuple(a.shape) == tuple(b.shape), (a.path, b.path)
            b.assign(a)
    return difference(found, peer(pictures, training=False).numpy())


def difference_from_torch(
    folder,
    name,
    arguments,
    library,
    model,
    peer_arguments=None,
    *,
    order=None,
    grid=None,
    seen=None,
    moved=0.1,
):
    """Compare a row with a model of timm or torchvision, in an interpreter that has them.

    Args:
        folder: for the files that go there and back.
        name, arguments: of our row, the data's part included.
        library: "timm" or "torchvision".
        model, peer_arguments: what their library is to build.
        order: names of their modules with weights in the order in which ours come into being,
            where it is not that of their definition.
        grid: pixels a side of the map that the first dense layer sees flattened, if one does;
            theirs has the channels first.
        seen: what theirs sees of the pictures in [0, 1], where ours rescales them itself.
        moved: how far statistics of batch normalization are moved; a deep network without its own
            normalization of sums makes much of little.
    """
    python = os.environ.get("ZOO_TORCH_PYTHON")
    if not python:
        pytest.skip("ZOO_TORCH_PYTHON names no interpreter with torch, torchvision and timm")
    layers, pictures, found = ours(name, arguments, moved=moved)
    weights = {
        f"{i} {kind} {variable.name}": variable.numpy()
        for i, (kind, variables) in enumerate(layers)
        for variable in variables
    }
    np.savez(folder / "weights.npz", **weights)
    np.save(folder / "pictures.npy", seen(pictures) if seen else pictures)
    asked = {"library": library, "model": model, "arguments": peer_arguments or {}}
    (folder / "peer.json").write_text(json.dumps({**asked, "order": order, "grid": grid}))
    done = subprocess.run([python, PEER, folder], capture_output=True, text=True)
    (folder / "weights.npz").unlink()  # it may be a gigabyte
    assert done.returncode == 0, done.stderr[-2000:]
    return difference(found, np.load(folder / "outputs.npy"))
