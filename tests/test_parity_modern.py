"""The newer networks answer as those of keras.applications and timm, given their weights."""

import keras
import pytest
from parity import TOLERANCE, difference_from_keras, difference_from_torch

SMALL = {"input_shape": (64, 64, 3), "classes": 10}
TORCH = {"num_classes": 10}
TINY = {"depths": (1, 1, 2, 1), "filters": (8, 16, 32, 64)}
MIXERS = {
    "convmixer-768-32": ("convmixer_768_32", {"input_shape": (42, 42, 3)}, {}),
    "convmixer-1536-20": ("convmixer_1536_20", {"input_shape": (42, 42, 3)}, {}),
    "mlp-mixer-s16": ("mixer_s16_224", {}, {"img_size": 64}),
    "mlp-mixer-b16": ("mixer_b16_224", {}, {"img_size": 64}),
}


def signed(pictures):
    return (pictures.astype("float64") * 255 - 127) / 128


def keras_peer(build, **more):
    return lambda: build(
        input_shape=SMALL["input_shape"],
        classes=SMALL["classes"],
        weights=None,
        classifier_activation=None,
        **more,
    )


@pytest.mark.parametrize("alpha", [0.35, 1.0])
def test_mobilenet_v2(alpha):
    peer = keras_peer(keras.applications.MobileNetV2, alpha=alpha)
    assert difference_from_keras("mobilenet-v2", {**SMALL, "alpha": alpha}, peer) < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("size", ["Tiny", "Small", "Base"])
def test_convnexts_of_keras(size):
    build = getattr(keras.applications, f"ConvNeXt{size}")
    peer = keras_peer(build, include_preprocessing=False)
    assert difference_from_keras(f"convnext-{size.lower()}", SMALL, peer) < TOLERANCE


@pytest.mark.slow
def test_another_padding_is_told_apart(tmp_path):
    """timm's other efficientnet_lite0 pads as PyTorch does, on all sides."""
    arguments = {"bn_eps": 1e-3, **TORCH}
    found = difference_from_torch(
        tmp_path, "efficientnet-lite0", SMALL, "timm", "efficientnet_lite0", arguments, seen=signed
    )
    assert found > 1e-2


def test_efficientnet_lite0(tmp_path):
    found = difference_from_torch(
        tmp_path, "efficientnet-lite0", SMALL, "timm", "tf_efficientnet_lite0", TORCH, seen=signed
    )
    assert found < TOLERANCE


def test_a_small_convnext(tmp_path):
    arguments = {**TORCH, "depths": TINY["depths"], "dims": TINY["filters"]}
    found = difference_from_torch(
        tmp_path, "convnext-tiny", {**SMALL, **TINY}, "timm", "convnext_tiny", arguments
    )
    assert found < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("size", ["tiny", "small", "base"])
def test_convnexts(tmp_path, size):
    found = difference_from_torch(
        tmp_path, f"convnext-{size}", SMALL, "timm", f"convnext_{size}", TORCH
    )
    assert found < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", MIXERS)
def test_mixers(tmp_path, name):
    peer, data, more = MIXERS[name]
    found = difference_from_torch(
        tmp_path, name, {**SMALL, **data}, "timm", peer, {**TORCH, **more}, moved=1e-4
    )
    assert found < TOLERANCE
