"""Batch normalization folded into what stands before it leaves every output as it was."""

import keras
import numpy as np
import pytest

from zoo.exporters.folding import folded
from zoo.registry import create

L = keras.layers
RANDOM = np.random.default_rng(0)


def settle(model):
    """Give every normalization statistics and factors as training leaves them."""
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            shape = layer.moving_mean.shape
            layer.moving_mean.assign(RANDOM.normal(size=shape))
            layer.moving_variance.assign(RANDOM.uniform(0.5, 2.0, size=shape))
            for weight in layer.trainable_weights:
                weight.assign(RANDOM.normal(size=shape))
    return model


def normalizations(model):
    return [layer for layer in model.layers if isinstance(layer, L.BatchNormalization)]


def same(model, copy):
    x = RANDOM.random((4, *model.input_shape[1:])).astype("float32")
    expected, received = model(x, training=False), copy(x, training=False)
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-5)


LAYERS = {
    "convolution": lambda: L.Conv2D(4, 3, use_bias=False),
    "convolution with bias": lambda: L.Conv2D(4, 3, strides=2, bias_initializer="normal"),
    "groups": lambda: L.Conv2D(6, 3, groups=3),
    "depthwise": lambda: L.DepthwiseConv2D(3, depth_multiplier=2),
    "transposed": lambda: L.Conv2DTranspose(5, 3, strides=2),
    "dense": lambda: L.Dense(7),
}


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}])
def test_it_goes_into_each_linear_layer(kind, options):
    inputs = keras.Input((9, 9, 3))
    x = L.ReLU()(L.BatchNormalization(**options)(LAYERS[kind]()(inputs)))
    model = settle(keras.Model(inputs, x))
    copy = folded(model)
    assert not normalizations(copy)
    same(model, copy)


def test_it_stays_where_it_is_not_the_only_reader_or_follows_nothing_linear():
    inputs = keras.Input((9, 9, 3))
    shared = L.Conv2D(4, 3, padding="same")(inputs)
    first = L.BatchNormalization()(shared)
    bent = L.BatchNormalization()(L.Conv2D(4, 3, padding="same", activation="relu")(inputs))
    twice = L.Conv2D(4, 3, padding="same")
    again = L.BatchNormalization()(twice(twice(first)))
    alone = L.BatchNormalization()(inputs)
    axis = L.BatchNormalization(axis=1)(L.Conv2D(4, 3, padding="same")(inputs))
    model = settle(keras.Model(inputs, [L.Add()([shared, first, bent, again, axis]), alone]))
    copy = folded(model)
    assert len(normalizations(copy)) == 5
    x = RANDOM.random((2, 9, 9, 3)).astype("float32")
    for a, b in zip(model(x, training=False), copy(x, training=False), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_a_model_gives_out_is_not_changed():
    inputs = keras.Input((9, 9, 3))
    before = L.Conv2D(4, 3)(inputs)
    model = settle(keras.Model(inputs, [before, L.BatchNormalization()(before)]))
    assert len(normalizations(folded(model))) == 1


def test_networks_of_the_registry():
    model = settle(create("cnn-small", input_shape=(8, 8, 1), classes=3, filters=4, stages=2))
    copy = folded(model)
    assert normalizations(model)
    assert not normalizations(copy)
    same(model, copy)


def test_what_is_no_graph_of_layers_is_left_alone():
    class Own(keras.Model):
        pass

    model = Own()
    assert folded(model) is model
