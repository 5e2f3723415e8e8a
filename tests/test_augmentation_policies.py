"""RandAugment and AugMix: their operations are Pillow's, and every picture draws its own."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps

from zoo import augmentation
from zoo.augmentation import policies

RANDOM = np.random.default_rng(0)
NOISE = RANDOM.integers(20, 200, size=(16, 24, 3)).astype("uint8")
FLAT = np.full((16, 24, 3), 77, "uint8")
SLOPE = (NOISE * np.linspace(0.3, 1, 24)[:, None]).astype("uint8")
OF_PILLOW = {
    "posterize": lambda picture, level: ImageOps.posterize(picture, 8 - round(4 * abs(level))),
    "solarize": lambda picture, level: ImageOps.solarize(picture, 256 * (1 - abs(level))),
    "autocontrast": lambda picture, level: ImageOps.autocontrast(picture),
    "equalize": lambda picture, level: ImageOps.equalize(picture),
    "brightness": lambda picture, level: ImageEnhance.Brightness(picture).enhance(1 + 0.9 * level),
    "contrast": lambda picture, level: ImageEnhance.Contrast(picture).enhance(1 + 0.9 * level),
    "color": lambda picture, level: ImageEnhance.Color(picture).enhance(1 + 0.9 * level),
    "sharpness": lambda picture, level: ImageEnhance.Sharpness(picture).enhance(1 + 0.9 * level),
}


@pytest.mark.parametrize("level", [-0.9, -0.3, 0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", policies.COLORS)
def test_an_operation_is_that_of_pillow(name, level):
    pictures = np.stack([NOISE, FLAT, SLOPE])
    found = policies.COLORS[name](tf.constant(pictures / 255, tf.float32), level) * 255
    expected = [np.asarray(OF_PILLOW[name](Image.fromarray(p), level), float) for p in pictures]
    inside = slice(1, -1) if name == "sharpness" else slice(None)  # Pillow leaves borders alone
    difference = np.abs(found - np.stack(expected))[:, inside, inside]
    assert difference.max() < 2.5, name  # Pillow rounds between its steps


def changed(name, pictures, strength=None, step=0):
    augment = augmentation.create({name: strength}, "image", 0, "classification")
    return augment((tf.constant(pictures), 0), tf.constant(step), 0)[0].numpy()


@pytest.mark.parametrize("name", ["randaugment", "augmix"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_draw_their_own_operations(name, channels):
    same = np.repeat(SLOPE[None, ..., :channels] / np.float32(255), 40, axis=0)
    found = changed(name, same)
    assert found.shape == same.shape
    assert found.min() >= 0
    assert found.max() <= 1
    kinds = {picture.tobytes() for picture in np.round(found, 3)}
    assert len(kinds) > 20


def test_magnitude_is_the_distance_from_the_original():
    pictures = RANDOM.random((64, 16, 16, 3)).astype("float32")
    for name, strengths in (("randaugment", (1.0, 10.0)), ("augmix", (0.5, 10.0))):
        weak, strong = (np.abs(changed(name, pictures, s) - pictures).mean() for s in strengths)
        assert weak < 0.8 * strong, name


def test_no_operation_leaves_a_picture_exactly_as_it_is():
    identity = tf.fill((5,), policies.ALL.index("identity"))
    pictures = tf.constant(RANDOM.random((5, 8, 8, 3)), tf.float32)
    same = policies._color_each(pictures, identity, tf.ones(5))
    np.testing.assert_array_equal(same, pictures)


def test_augmix_leaves_out_what_corruptions_have():
    names = {policies.ALL[i] for i in policies.MIXED}
    assert names == {
        "autocontrast", "equalize", "posterize", "rotate", "solarize", "shear-x", "shear-y",
        "shift-x", "shift-y",
    }  # fmt: skip
