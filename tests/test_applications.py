"""The rows of keras.applications: all of its networks, and each answers as there."""

import importlib
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo import layers, registry
from zoo.models import applications

SMALL = {"input_shape": (32, 32, 3), "classes": 3}
RANDOM = np.random.default_rng(0)
# One for each way a head is built and pictures are prepared; the first two build quickly.
KINDS = {
    "keras-mobilenet": "mobilenet",
    "keras-mobilenet-v3-small": "mobilenet_v3",
    "keras-vgg16": "vgg16",
    "keras-resnet50": "resnet",
    "keras-densenet121": "densenet",
    "keras-efficientnet-b0": "efficientnet",
    "keras-efficientnet-v2-b0": "efficientnet_v2",
    "keras-efficientnet-v2-s": "efficientnet_v2",
    "keras-convnext-tiny": "convnext",
}
QUICK = list(itertools.islice(KINDS, 2))
MAPS = {
    "keras-mobilenet-v3-small": (32, [(2, 16), (4, 72), (8, 96), (16, 288), (32, 576)]),
    "keras-vgg16": (32, [(2, 128), (4, 256), (8, 512), (16, 512), (32, 512)]),
    "keras-resnet50": (32, [(2, 64), (4, 256), (8, 512), (16, 1024), (32, 2048)]),
    "keras-resnet50-v2": (32, [(2, 64), (4, 256), (8, 512), (16, 1024), (32, 2048)]),
    "keras-densenet121": (32, [(2, 64), (4, 128), (8, 256), (16, 512), (32, 1024)]),
    "keras-convnext-tiny": (32, [(4, 96), (8, 192), (16, 384), (32, 768)]),
    "keras-inception-v3": (299, [(2, 64), (4, 192), (8, 288), (16, 768), (32, 2048)]),
    "keras-nasnet-mobile": (32, [(2, 32), (4, 44), (8, 264), (16, 528), (32, 1056)]),
}


def value(tensor):
    return keras.ops.convert_to_numpy(tensor)


def pictures(*shape):
    return RANDOM.random(shape, dtype="float32")


def test_every_network_of_keras_has_a_row():
    rows = [registry.get(name) for name in registry.list_models("keras-*")]
    theirs = {name for name in dir(keras.applications) if name[0].isupper()}
    assert sorted(row.options["architecture"] for row in rows) == sorted(theirs)
    assert set(applications.RANGES) <= theirs


def check_answers(name):
    """Give the network of keras.applications our weights and its own preprocessing."""
    ours = zoo.create(name, **SMALL)
    build = getattr(keras.applications, registry.get(name).options["architecture"])
    theirs = build(
        input_shape=SMALL["input_shape"], classes=3, weights=None, classifier_activation=None
    )
    for a, b in zip(theirs.weights, ours.weights, strict=True):
        a.assign(np.reshape(value(b), a.shape))  # a 1x1 convolution may be a dense layer
    x = pictures(4, *SMALL["input_shape"])
    module = importlib.import_module(f"keras.applications.{KINDS[name]}")
    expected = value(theirs(module.preprocess_input(255 * x), training=False))
    found = value(ours(x, training=False))
    assert expected.std(axis=0).max() > 0
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("name", QUICK)
def test_answers_are_those_of_keras(name):
    check_answers(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in KINDS if name not in QUICK])
def test_answers_of_all_kinds_are_those_of_keras(name):
    check_answers(name)


def check_maps(name):
    side, expected = MAPS[name]
    model = zoo.create(name, input_shape=(side, side, 3), classes=1, features_only=True)
    found = [(side / output.shape[1], output.shape[-1]) for output in model.outputs]
    for (ratio, channels), (stride, width) in zip(found, expected, strict=True):
        assert channels == width
        assert stride <= ratio < 2 * stride  # some do not pad their convolutions


def test_maps():
    check_maps("keras-mobilenet-v3-small")
    check_maps("keras-vgg16")


@pytest.mark.slow
@pytest.mark.parametrize("name", MAPS)
def test_maps_of_all_kinds(name):
    check_maps(name)


@pytest.mark.parametrize("channels", [1, 5])
@pytest.mark.parametrize("architecture", ["MobileNet", "VGG16", "ConvNeXtTiny"])
def test_other_pictures_are_brought_to_the_same_range(architecture, channels):
    inputs = keras.Input((8, 8, channels))
    colors = keras.Input((8, 8, 3))
    model = keras.Model(inputs, applications.preprocessed(inputs, architecture))
    reference = keras.Model(colors, applications.preprocessed(colors, architecture))
    gray = pictures(1, 8, 8, 1)
    found = value(model(np.repeat(gray, channels, axis=-1)))
    expected = value(reference(np.repeat(gray, 3, axis=-1))).mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(found, np.repeat(expected, channels, axis=-1), rtol=1e-4, atol=1e-4)


def test_any_number_of_channels_and_classes():
    arguments = {"input_shape": (32, 48, 5), "classes": 1}
    model = zoo.create("keras-mobilenet-v3-small", **arguments, classifier_activation="sigmoid")
    outputs = value(model(pictures(2, 32, 48, 5)))
    assert outputs.shape == (2, 1)
    assert ((outputs > 0) & (outputs < 1)).all()


def test_dropout_is_ours_alone():
    for rate, expected in ((0.0, []), (0.3, [0.3])):
        model = zoo.create("keras-mobilenet-v3-small", **SMALL, dropout=rate)
        found = [la.rate for la in model.layers if isinstance(la, keras.layers.Dropout)]
        assert found == expected


def test_gelu_is_the_one_that_can_be_exported():
    inputs = keras.Input((32, 32, 3))
    network = applications.reference(inputs, "ConvNeXtTiny", include_top=False)
    used = {la.activation for la in network.layers if isinstance(la, keras.layers.Activation)}
    assert layers.gelu in used
    assert keras.activations.gelu not in used


def test_replicas_share_their_statistics():
    for strategy, expected in (
        (tf.distribute.get_strategy(), False),
        (tf.distribute.MirroredStrategy(["cpu:0"]), True),
    ):
        with strategy.scope():
            model = zoo.create("keras-mobilenet-v3-small", **SMALL)
        norms = [la for la in model.layers if isinstance(la, keras.layers.BatchNormalization)]
        assert len(norms) > 30
        assert {norm.synchronized for norm in norms} == {expected}


def test_mistakes_say_what_was_received():
    with pytest.raises(
        ValueError, match=r"at least 32 pixels .* Received: input_shape=\(28, 28, 1"
    ):
        zoo.create("keras-resnet50", input_shape=(28, 28, 1), classes=2)
    with pytest.raises(ValueError, match="at least 71 pixels"):
        zoo.create("keras-xception", input_shape=(64, 64, 3), classes=2)
    with pytest.raises(ValueError, match=r"architecture='ResNet51'\. Did you mean 'ResNet50'"):
        zoo.create("keras-resnet50", **SMALL, architecture="ResNet51")
