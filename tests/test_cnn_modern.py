"""What the newer networks of pictures promise, beyond what `zoo check` asks of every row."""

import keras
import numpy as np
import pytest

import zoo
from zoo import registry
from zoo.layers import mobile, residual

RANDOM = np.random.default_rng(0)
TINY = {
    name: registry.get(name).tiny
    for name in ("mobilenet-v2", "efficientnet-lite0", "convnext-tiny", "convmixer", "mlp-mixer")
}


def pictures(*shape):
    return RANDOM.random(shape, dtype="float32")


def value(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("shape", [(32, 48, 1), (36, 32, 5)])
def test_any_size_and_number_of_channels(name, shape):
    model = zoo.create(name, **{**TINY[name], "input_shape": shape, "classes": 2})
    assert value(model(pictures(3, *shape))).shape == (3, 2)


@pytest.mark.parametrize(
    ("name", "strides"),
    [
        ("mobilenet-v2", (2, 4, 8, 16, 32)),
        ("efficientnet-lite0", (2, 4, 8, 16, 32)),
        ("convnext-tiny", (4, 8)),
        ("convmixer", (2,)),
        ("mlp-mixer", (4,)),
    ],
)
def test_maps_have_the_strides_that_are_told(name, strides):
    arguments = {**TINY[name], "input_shape": (64, 96, 3)}
    model = zoo.create(name, **arguments, features_only=True)
    assert [tuple(output.shape[1:3]) for output in model.outputs] == [
        (64 // s, 96 // s) for s in strides
    ]


def test_maps_have_the_published_channels():
    data = {"input_shape": (32, 32, 3), "classes": 1, "features_only": True}
    channels = {
        name: [output.shape[-1] for output in zoo.create(name, **data).outputs]
        for name in ("mobilenet-v2", "efficientnet-lite0")
    }
    assert channels == {
        "mobilenet-v2": [16, 24, 32, 96, 320],
        "efficientnet-lite0": [16, 24, 40, 112, 320],
    }


@pytest.mark.parametrize("alpha", [0.35, 1.4])
def test_mobilenets_width(alpha):
    reference = keras.applications.MobileNetV2((32, 32, 3), alpha, weights=None)
    model = zoo.create("mobilenet-v2", input_shape=(32, 32, 3), classes=1000, alpha=alpha)
    assert [w.shape for w in model.weights] == [w.shape for w in reference.weights]


@pytest.mark.parametrize(
    ("width", "depth", "count"),
    [
        (1.0, 1.1, 5_416_680),
        (1.1, 1.2, 6_092_072),
        (1.2, 1.4, 8_197_096),
        (1.4, 1.8, 13_006_568),
    ],
)
def test_efficientnet_lites_scale_as_published(width, depth, count):
    data = {"input_shape": (32, 32, 3), "classes": 1000}
    model = zoo.create("efficientnet-lite0", **data, width=width, depth=depth)
    assert sum(np.prod(w.shape) for w in model.trainable_weights) == count


def test_divisible_loses_at_most_a_tenth():
    assert [mobile.divisible(n) for n in (3, 8, 11, 12, 30, 36, 1792)] == [
        8, 8, 16, 16, 32, 40, 1792,
    ]  # fmt: skip
    assert all(mobile.divisible(n) >= 0.9 * n for n in range(1, 2000))


def test_stochastic_depth_drops_whole_examples_and_keeps_the_mean():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((2, 3, 4))
    model = keras.Model(inputs, residual.stochastic_depth(inputs, 0.25))
    x = np.ones((4000, 2, 3, 4), "float32")
    found = value(model(x, training=True))
    assert np.unique(found) == pytest.approx([0, 4 / 3])
    assert (found == found[:, :1, :1, :1]).all()
    assert found.mean() == pytest.approx(1.0, abs=0.03)
    np.testing.assert_array_equal(value(model(x, training=False)), x)


def test_later_blocks_are_dropped_more():
    assert residual.rising(0.3, 4) == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert residual.rising(0.3, 1) == [0.0]
    model = zoo.create("convnext-tiny", **TINY["convnext-tiny"], stochastic_depth=0.5)
    rates = [la.rate for la in model.layers if isinstance(la, keras.layers.Dropout)]
    assert rates == [0.5]  # of two blocks; the first is never left out


def test_layer_scale_starts_small_and_is_saved():
    layer = residual.LayerScale(0.25)
    x = pictures(2, 3, 4)
    np.testing.assert_allclose(value(layer(x)), 0.25 * x, rtol=1e-6)
    assert residual.LayerScale.from_config(layer.get_config()).initial == 0.25


def test_a_convnext_begins_close_to_no_block_at_all():
    keras.utils.set_random_seed(0)
    arguments = {**TINY["convnext-tiny"], "features_only": True}
    with_blocks = zoo.create("convnext-tiny", **arguments)
    without = zoo.create("convnext-tiny", **{**arguments, "depths": (0, 0)})
    kernels = {tuple(v.shape): v for v in with_blocks.weights if len(v.shape) == 4}
    for variable in without.weights:
        if len(variable.shape) == 4:
            variable.assign(kernels[tuple(variable.shape)])
    x = pictures(2, 32, 32, 3)
    for a, b in zip(with_blocks(x), without(x), strict=True):
        np.testing.assert_allclose(value(a), value(b), atol=1e-4)


def test_mixers_refuse_what_their_patches_do_not_fit():
    for shape, patch in (((30, 32, 3), 4), ((32, 30, 3), 4), ((32, 32, 3), 0)):
        with pytest.raises(ValueError, match=rf"weights for each place.*Received: patch={patch}"):
            zoo.create("mlp-mixer", input_shape=shape, classes=2, patch=patch)
    with pytest.raises(ValueError, match="at least 7 pixels"):
        zoo.create("convmixer-768-32", input_shape=(6, 9, 3), classes=2)


def test_convnext_refuses_too_small_pictures_and_uneven_options():
    with pytest.raises(ValueError, match="at least 32 pixels"):
        zoo.create("convnext-tiny", input_shape=(28, 28, 1), classes=2)
    zoo.create("convnext-tiny", **{**TINY["convnext-tiny"], "input_shape": (4, 4, 1), "patch": 2})
    with pytest.raises(ValueError, match=r"Received: depths=\(1,\), filters=\(8, 16\)"):
        zoo.create("convnext-tiny", **{**TINY["convnext-tiny"], "depths": (1,)})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["convnext-tiny", "convmixer", "mlp-mixer"])
def test_digits_are_learned(tmp_path, name):
    options = {
        "convnext-tiny": {"depths": (1, 1), "filters": (32, 64), "patch": 1},
        "convmixer": {"filters": 32, "depth": 2, "size": 3, "patch": 1},
        "mlp-mixer": {"width": 32, "depth": 2, "patch": 2, "tokens": 32, "channels": 64},
    }[name]
    run = zoo.train(
        name, data="digits", run=str(tmp_path / "run"), steps=300, set=options, learning_rate=4e-3
    )
    assert zoo.evaluate(run)["scores"]["accuracy"] > 0.9
