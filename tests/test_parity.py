"""Our networks answer as those of timm, torchvision and keras.applications, given their weights."""

import functools

import keras
import pytest
from parity import TOLERANCE, difference_from_keras, difference_from_torch

SMALL = {"input_shape": (64, 64, 3), "classes": 10}
LARGE = {"input_shape": (224, 224, 3), "classes": 10}
TORCH = {"num_classes": 10}
RESNETS = ("resnet34", "resnet50", "resnet101", "resnet152")
DENSENETS = ("densenet121", "densenet169", "densenet201")


def test_resnet18(tmp_path):
    found = difference_from_torch(tmp_path, "resnet18", SMALL, "torchvision", "resnet18", TORCH)
    assert found < TOLERANCE


@pytest.mark.slow
def test_another_network_is_told_apart(tmp_path):
    changed = {**SMALL, "activation": "silu"}
    found = difference_from_torch(tmp_path, "resnet18", changed, "torchvision", "resnet18", TORCH)
    assert found > 1e-2


@pytest.mark.slow
@pytest.mark.parametrize("name", [*RESNETS, *DENSENETS])
def test_networks_of_timm(tmp_path, name):
    moved = 0.05 if name == "resnet152" else 0.1
    found = difference_from_torch(tmp_path, name, SMALL, "timm", name, TORCH, moved=moved)
    assert found < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "peer", "shape"),
    [
        ("vgg11", "vgg11", (97, 260, 3)),
        ("vgg13", "vgg13", (64, 64, 3)),
        ("vgg16", "vgg16_bn", (64, 64, 3)),
    ],
)
def test_vggs_of_torchvision(tmp_path, name, peer, shape):
    arguments = {"input_shape": shape, "classes": 10, "batch_norm": peer.endswith("bn")}
    found = difference_from_torch(tmp_path, name, arguments, "torchvision", peer, TORCH, grid=7)
    assert found < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(64, 300, 3), (224, 224, 3)])
def test_alexnet(tmp_path, shape):
    arguments = {"input_shape": shape, "classes": 10}
    found = difference_from_torch(
        tmp_path, "alexnet", arguments, "torchvision", "alexnet", TORCH, grid=6
    )
    assert found < TOLERANCE


def applications(name, arguments):
    return functools.partial(
        getattr(keras.applications, name),
        weights=None,
        classifier_activation=None,
        **arguments,
    )


@pytest.mark.slow
def test_densenet121_is_that_of_keras():
    build = applications("DenseNet121", SMALL)
    assert difference_from_keras("densenet121", SMALL, build) < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "peer", "arguments"),
    [
        ("densenet169", "DenseNet169", SMALL),
        ("densenet201", "DenseNet201", SMALL),
        ("vgg16", "VGG16", LARGE),
        ("vgg19", "VGG19", LARGE),
    ],
)
def test_networks_of_keras(name, peer, arguments):
    build = applications(peer, arguments)
    assert difference_from_keras(name, arguments, build) < TOLERANCE
