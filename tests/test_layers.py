import itertools
import math
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import layers
from zoo.layers import tables

X = np.linspace(-4, 4, 81).astype("float32")
ERF = np.array([math.erf(x / math.sqrt(2)) for x in X])
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
FORMULAS = {
    "sigmoid": 1 / (1 + np.exp(-X)),
    "tanh": np.tanh(X),
    "relu": np.maximum(0, X),
    "leaky_relu": np.maximum(0.1 * X, X),
    "leaky_relu:0.3": np.maximum(0.3 * X, X),
    "elu": np.where(X > 0, X, np.exp(X) - 1),
    "selu": SELU_SCALE * np.where(X > 0, X, SELU_ALPHA * (np.exp(X) - 1)),
    "gelu": 0.5 * X * (1 + ERF),
    "silu": X / (1 + np.exp(-X)),
    "gelu_tanh": X / (1 + np.exp(-2 * np.sqrt(2 / np.pi) * (X + 0.044715 * X**3))),
    "linear": X,
}


def value(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("name", FORMULAS)
def test_activations_follow_their_formula(name):
    np.testing.assert_allclose(
        value(layers.activation(name)(X)), FORMULAS[name], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", FORMULAS)
def test_activations_survive_saving(name):
    layer = keras.layers.Activation(layers.activation(name))
    again = keras.layers.Activation.from_config(layer.get_config())
    np.testing.assert_array_equal(value(again(X)), value(layer(X)))


def test_every_activation_has_a_formula():
    assert {name.partition(":")[0] for name in FORMULAS} == set(layers.ACTIVATIONS)


def test_unknown_activation_offers_the_nearest():
    with pytest.raises(ValueError, match=r"Received: activation='rellu'\. Did you mean 'relu'"):
        layers.activation("rellu")
    with pytest.raises(ValueError, match="leaky_relu:SLOPE"):
        layers.activation("leaky_relu:steep")


def test_regularizer():
    w = np.array([[1.0, -2.0]], "float32")
    assert float(layers.regularizer(0.1, 0.01)(w)) == pytest.approx(0.1 * 3 + 0.01 * 5)
    assert layers.regularizer(0.0, 0.0) is None


def test_maxout_is_the_largest_of_its_affine_functions():
    layer = layers.Maxout(3, 2)
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    layer(x)
    layer.bias.assign(np.arange(6.0))
    w, b = value(layer.kernel), value(layer.bias)
    expected = [
        np.maximum(x @ w[:, 2 * u] + b[2 * u], x @ w[:, 2 * u + 1] + b[2 * u + 1]) for u in range(3)
    ]
    np.testing.assert_allclose(value(layer(x)), np.stack(expected, axis=1), rtol=1e-5, atol=1e-6)


def test_feature_cross_is_the_papers_formula():
    layer = tables.FeatureCross()
    first, x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    layer(first, x)
    layer.bias.assign([1.0, 2.0, 3.0])
    w, b = value(layer.kernel), value(layer.bias)
    expected = first * (x @ w + b) + x
    np.testing.assert_allclose(value(layer(first, x)), expected, rtol=1e-5, atol=1e-6)


def test_category_embedding_looks_up_each_column_in_its_own_rows():
    layer = tables.CategoryEmbedding((3, 2), 4)
    codes = np.array([[0, 0], [2, 1]], "int32")
    out = value(layer(codes))
    table = value(layer.embeddings)
    assert table.shape == (5, 4)
    np.testing.assert_array_equal(out[0], np.concatenate([table[0], table[3]]))
    np.testing.assert_array_equal(out[1], np.concatenate([table[2], table[4]]))


def test_category_linear_has_a_weight_for_each_category_and_pair():
    layer = tables.CategoryLinear((2, 3), 1, buckets=6)
    pairs = np.array(list(itertools.product(range(2), range(3))), "int32")
    layer(pairs)
    weights = np.arange(11.0)[:, None] ** 2
    layer.kernel.assign(weights)
    expected = [weights[a, 0] + weights[2 + b, 0] + weights[5 + 3 * a + b, 0] for a, b in pairs]
    np.testing.assert_allclose(value(layer(pairs))[:, 0], expected)


def test_hashed_pairs_stay_in_their_buckets_and_spread():
    layer = tables.CategoryLinear((1000, 1000), 1, buckets=50)
    codes = np.random.default_rng(0).integers(1000, size=(20_000, 2)).astype("int32")
    buckets = value(layer.crosses(codes))
    counts = np.bincount(buckets[:, 0], minlength=50)
    assert len(counts) == 50
    assert counts.min() > 200  # 400 on average


@pytest.mark.parametrize(
    "layer",
    [
        layers.Maxout(
            3, 2, kernel_regularizer="l2", kernel_constraint=keras.constraints.MaxNorm(1)
        ),
        tables.FeatureCross(kernel_regularizer="l2"),
        tables.CategoryEmbedding((3, 2), 4),
        tables.CategoryLinear((3, 2), 4, buckets=5),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_survive_their_configuration(layer):
    saved = keras.saving.serialize_keras_object(layer)
    assert saved["registered_name"].startswith("zoo>")
    assert keras.saving.deserialize_keras_object(saved).get_config() == layer.get_config()


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match=r"Received: units=\(\)"):
        layers.check_units(())
    with pytest.raises(ValueError, match=r"Received: units=\(8, 0\)"):
        layers.check_units((8, 0))
    with pytest.raises(ValueError, match=r"at least one input. Received: input_shape=\(0,\)"):
        layers.vector_input((0,))
    with pytest.raises(ValueError, match="pieces=0"):
        layers.Maxout(3, 0)


@pytest.mark.slow
def test_batch_statistics_are_of_all_replicas():
    code = """
        import numpy as np
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        halves = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, halves)
        from zoo import layers

        x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
        with strategy.scope():
            layer = layers.batch_normalization(momentum=0.0)
            layer.build((None, 3))
        data = tf.data.Dataset.from_tensor_slices(x).batch(8)
        batch = next(iter(strategy.experimental_distribute_dataset(data)))
        tf.function(lambda: strategy.run(layer, (batch,), {"training": True}))()
        np.testing.assert_allclose(layer.moving_mean.numpy(), x.mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(layer.moving_variance.numpy(), x.var(axis=0), atol=1e-6)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    assert not layers.batch_normalization().synchronized


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"momentum": 0.5}])
@pytest.mark.parametrize("shape", [(4, 6, 5, 3), (1, 1, 1, 2)])
def test_fused_batch_normalization_is_keras_own(options, shape):
    x = np.random.default_rng(0).normal(2.0, 3.0, size=shape).astype("float32")
    found = []
    for kind in (keras.layers.BatchNormalization, layers.FusedBatchNormalization):
        layer = kind(**options)
        with tf.GradientTape() as tape:
            inputs = tf.constant(x)
            tape.watch(inputs)
            loss = tf.reduce_sum(layer(inputs, training=True) ** 3)
        gradients = tape.gradient(loss, [inputs, *(w.value for w in layer.trainable_weights)])
        answer = layer(inputs, training=False)
        found.append([loss, answer, *gradients, *layer.get_weights()])
    for first, second in zip(*found, strict=True):
        np.testing.assert_allclose(second, first, rtol=1e-3, atol=1e-3)


def test_frozen_normalization_keeps_its_statistics():
    layer = layers.batch_normalization()
    layer.build((None, 4, 4, 2))
    layer.trainable = False
    layer(np.random.default_rng(0).random((2, 4, 4, 2)), training=True)
    assert layer.moving_mean.numpy().tolist() == [0, 0]
