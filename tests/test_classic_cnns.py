"""AlexNet, VGG, the ResNets and DenseNet: sizes, maps, shortcuts, dropout, what they refuse."""

import math

import keras
import numpy as np
import pytest

import zoo
from zoo import registry
from zoo.layers import images
from zoo.models.resnet_cifar import shortcut
from zoo.models.wide_resnet import block
from zoo.registry import cnn_classic

RANDOM = np.random.default_rng(0)
ONE_A_BUILDER = list({row.builder: row.name for row in cnn_classic.ROWS}.values())
FIVE = {"filters": (2,) * 5, "units": 4}
MAPS = {  # sides of the maps of a picture of 64x64, and options for a thin network
    "alexnet": ([15, 7, 3, 1], FIVE),
    "vgg11": ([64, 32, 16, 8, 4, 2], FIVE),
    "resnet18": ([32, 16, 8, 4, 2], {"filters": 2}),
    "resnet50": ([32, 16, 8, 4, 2], {"filters": 2, "blocks": (1, 1, 1, 1)}),
    "resnet20": ([64, 32, 16], {"filters": 2}),
    "wide-resnet": ([64, 32, 16], {"filters": 2, "depth": 10}),
    "densenet-bc": ([64, 32, 16], {"growth": 2, "blocks": (1, 1, 1)}),
    "densenet121": ([32, 16, 8, 4, 2], {"growth": 2, "blocks": (1, 1, 1, 1)}),
}


def value(tensor):
    return keras.ops.convert_to_numpy(tensor)


def pictures(*shape):
    return RANDOM.random(shape).astype("float32")


@pytest.mark.parametrize("name", ["resnet18", "resnet20"])
def test_parameters_are_as_published(name):
    """Those of all rows are counted by the slow test of conformance."""
    arguments, count = registry.get(name).params
    weights = zoo.create(name, **arguments).trainable_weights
    assert sum(math.prod(weight.shape) for weight in weights) == count


@pytest.mark.parametrize("name", MAPS)
def test_maps_have_the_strides_that_are_promised(name):
    sides, thin = MAPS[name]
    data = {"input_shape": (64, 64, 3), "classes": 1}
    model = zoo.create(name, **data, features_only=True, **thin)
    assert [tuple(o.shape[1:3]) for o in model.outputs] == [(side, side) for side in sides]


@pytest.mark.parametrize("shape", [(63, 63, 1), (70, 91, 4)])
@pytest.mark.parametrize("name", ONE_A_BUILDER)
def test_pictures_of_any_size_and_channels(name, shape):
    tiny = registry.get(name).tiny
    model = zoo.create(name, **{**tiny, "input_shape": shape})
    x = pictures(2, *shape)
    assert value(model(x)).shape == (2, 3)
    other = zoo.create(name, **{**tiny, "input_shape": (64, 64, shape[-1])})
    assert other.count_params() == model.count_params()


@pytest.mark.parametrize("name", ONE_A_BUILDER)
def test_penalties_reach_all_kernels(name):
    model = zoo.create(name, **registry.get(name).tiny, l2=0.01)
    kernels = [value(w) for w in model.trainable_weights if w.name == "kernel"]
    expected = sum(0.01 * np.square(k).sum() for k in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "wide-resnet", "densenet-bc"])
def test_dropout_acts_in_training_only(name):
    tiny = registry.get(name).tiny
    model = zoo.create(name, **tiny, dropout=0.5)
    x = pictures(4, *tiny["input_shape"])
    np.testing.assert_array_equal(value(model(x)), value(model(x)))
    assert not np.allclose(value(model(x, training=True)), value(model(x, training=True)))


def test_shortcuts_of_small_resnets_have_no_parameters():
    x = pictures(2, 5, 6, 3)
    found = value(shortcut(keras.ops.convert_to_tensor(x), 7, 2))
    assert found.shape == (2, 3, 3, 7)
    np.testing.assert_array_equal(found[..., :3], x[:, ::2, ::2])
    np.testing.assert_array_equal(found[..., 3:], 0)
    np.testing.assert_array_equal(shortcut(x, 3, 1), x)


def test_a_wide_block_adds_to_its_input():
    inputs = keras.Input((6, 6, 4))
    model = keras.Model(inputs, block(inputs, keras.layers.ReLU()(inputs), 4, 1, "relu", 0, None))
    x = pictures(2, 6, 6, 4) - 0.5
    assert not np.allclose(value(model(x)), x)
    last = [la for la in model.layers if isinstance(la, keras.layers.Conv2D)][-1]
    last.kernel.assign(np.zeros(last.kernel.shape))
    np.testing.assert_array_equal(value(model(x)), x)


def test_a_wide_block_projects_what_was_normalized():
    """Of another shape, the block is a function of its normalized input alone."""
    x, a = keras.Input((6, 6, 4)), keras.Input((6, 6, 4))
    model = keras.Model([x, a], block(x, a, 8, 2, "relu", 0, None))
    first, second, shared = pictures(2, 6, 6, 4), pictures(2, 6, 6, 4), pictures(2, 6, 6, 4)
    assert value(model([first, shared])).shape == (2, 3, 3, 8)
    np.testing.assert_array_equal(value(model([first, shared])), value(model([second, shared])))
    assert not np.allclose(value(model([shared, first])), value(model([shared, second])))


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("alexnet", {"input_shape": (62, 64, 3)}, "at least 63 pixels"),
        ("alexnet", {"filters": (8, 8)}, r"Received: filters=\(8, 8\)"),
        ("vgg16", {"input_shape": (64, 31, 3)}, "at least 32 pixels"),
        ("densenet121", {"input_shape": (31, 32, 3)}, "at least 32 pixels"),
        ("densenet-bc", {"input_shape": (3, 8, 3)}, "at least 4 pixels"),
        ("resnet50", {"input_shape": (64, 64)}, r"Received: input_shape=\(64, 64\)"),
        ("vgg16", {"depths": (1, 2)}, r"Received: depths=\(1, 2\)"),
        ("resnet20", {"depth": 21}, r"6n \+ 2.*Received: depth=21"),
        ("wide-resnet", {"depth": 27}, r"6n \+ 4.*Received: depth=27"),
    ],
)
def test_what_cannot_be_built_is_refused(name, options, match):
    with pytest.raises(ValueError, match=match):
        zoo.create(name, **{"input_shape": (64, 64, 3), "classes": 2, **options})


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7, 12, 20])
def test_a_grid_is_the_mean_of_the_pixels_each_cell_touches(size):
    x = pictures(2, size, size + 1, 3)
    found = value(images.GridPooling(6)(x))
    for i, j in ((0, 0), (2, 3), (5, 5)):
        rows = slice(math.floor(i * size / 6), math.ceil((i + 1) * size / 6))
        columns = slice(math.floor(j * (size + 1) / 6), math.ceil((j + 1) * (size + 1) / 6))
        np.testing.assert_allclose(found[:, i, j], x[:, rows, columns].mean((1, 2)), rtol=1e-5)
