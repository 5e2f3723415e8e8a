"""Our networks answer as those of timm, torchvision and keras.applications, given their weights."""

import pytest
from parity import TOLERANCE, difference_from_torch

SMALL = {"input_shape": (64, 64, 3), "classes": 10}
TORCH = {"num_classes": 10}


def test_resnet18(tmp_path):
    found = difference_from_torch(tmp_path, "resnet18", SMALL, "torchvision", "resnet18", TORCH)
    assert found < TOLERANCE


@pytest.mark.slow
def test_another_network_is_told_apart(tmp_path):
    changed = {**SMALL, "activation": "silu"}
    found = difference_from_torch(tmp_path, "resnet18", changed, "torchvision", "resnet18", TORCH)
    assert found > 1e-2


@pytest.mark.slow
@pytest.mark.parametrize("library", ["timm", "torchvision"])
@pytest.mark.parametrize("name", ["resnet34", "resnet50", "resnet101", "resnet152"])
def test_resnets(tmp_path, name, library):
    found = difference_from_torch(tmp_path, name, SMALL, library, name, TORCH)
    assert found < TOLERANCE
