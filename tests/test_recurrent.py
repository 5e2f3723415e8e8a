"""Recurrent networks and the temporal convolutional one: steps, padding, both directions."""

import keras
import numpy as np
import pytest

import zoo
from zoo import registry
from zoo.models.gru import gru
from zoo.models.lstm import lstm
from zoo.models.simple_rnn import simple_rnn
from zoo.models.tcn import CausalConvolution, tcn

RANDOM = np.random.default_rng(0)
ROWS = ("simple-rnn", "lstm", "gru", "bilstm", "bigru", "tcn")
KERAS = {simple_rnn: keras.layers.SimpleRNN, lstm: keras.layers.LSTM, gru: keras.layers.GRU}


def value(tensor):
    return keras.ops.convert_to_numpy(tensor)


def normal(*shape):
    return RANDOM.normal(size=shape).astype("float32")


def small(name, **data):
    size = {"filters": 8, "depth": 3} if name == "tcn" else {"units": (8, 6)}
    return zoo.create(name, **data, **size)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("build", KERAS)
def test_weights_of_keras_fit_and_answer_alike(build, bidirectional):
    model = build((9, 4), 3, units=(8, 6), bidirectional=bidirectional)
    first, second = KERAS[build](8, return_sequences=True), KERAS[build](6)
    if bidirectional:
        first, second = map(keras.layers.Bidirectional, (first, second))
    theirs = keras.Sequential([keras.Input((9, 4)), first, second, keras.layers.Dense(3)])
    theirs.set_weights([normal(*w.shape) for w in theirs.weights])
    model.set_weights(theirs.get_weights())
    x = normal(5, 9, 4)
    np.testing.assert_allclose(value(model(x)), value(theirs(x)), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ROWS)
def test_padding_of_tokens_changes_nothing(name):
    model = small(name, vocabulary_size=11, classes=3)
    tokens = RANDOM.integers(1, 11, size=(4, 9)).astype("int32")
    tokens[1, 5:] = 0
    padded = np.pad(tokens, ((0, 0), (0, 23)))
    np.testing.assert_allclose(value(model(padded)), value(model(tokens)), rtol=0, atol=1e-6)
    shorter = value(model(tokens[1:2, :5]))
    np.testing.assert_allclose(value(model(tokens[1:2])), shorter, rtol=0, atol=1e-6)
    tokens[1, 4] = tokens[1, 4] % 10 + 1
    assert not np.allclose(value(model(tokens[1:2])), shorter)


@pytest.mark.parametrize("name", ROWS)
def test_padding_of_vectors_changes_nothing(name):
    model = small(name, input_shape=(None, 4), classes=3)
    series = normal(4, 9, 4)
    series[2, 6:] = np.nan
    padded = np.pad(series, ((0, 0), (0, 23), (0, 0)), constant_values=np.nan)
    np.testing.assert_allclose(value(model(padded)), value(model(series)), rtol=0, atol=1e-6)
    shorter = value(model(series[2:3, :6]))
    np.testing.assert_allclose(value(model(series[2:3])), shorter, rtol=0, atol=1e-6)
    assert np.isfinite(shorter).all()


def test_nothing_but_padding_has_an_answer_too():
    for name in ROWS:
        assert np.isfinite(small(name, vocabulary_size=5, classes=2)(np.zeros((1, 4), int))).all()


@pytest.mark.parametrize("name", ["simple-rnn", "lstm", "gru", "tcn"])
def test_next_tokens_follow_from_all_tokens_before(name):
    """Token 0 is no padding to a language model."""
    model = small(name, vocabulary_size=11)
    tokens = RANDOM.integers(1, 11, size=(1, 8)).astype("int32")
    changed = tokens.copy()
    changed[0, 3] = 0
    before, after = value(model(tokens)), value(model(changed))
    np.testing.assert_allclose(before[:, :3], after[:, :3], rtol=1e-5, atol=1e-6)
    assert (np.abs(before - after)[0, 3:].max(axis=1) > 1e-6).all()


@pytest.mark.parametrize("name", ["bilstm", "bigru"])
def test_both_directions_read_from_both_ends(name):
    model = small(name, input_shape=(7, 2), classes=3)
    mirrored = zoo.create(name, input_shape=(7, 2), classes=3, units=(8, 6))
    weights = model.get_weights()
    count = len(weights) // 4  # a direction's weights in each of two layers; the rest is the output
    assert count * 4 + 2 == len(weights)
    swapped = [w for i in (1, 0, 3, 2) for w in weights[i * count : (i + 1) * count]]
    for place in range(2 * count, 4 * count, count):  # what it reads comes in swapped halves
        swapped[place] = np.concatenate([swapped[place][8:], swapped[place][:8]])
    kernel = np.concatenate([weights[-2][6:], weights[-2][:6]])
    mirrored.set_weights([*swapped, kernel, weights[-1]])
    x = normal(3, 7, 2)
    np.testing.assert_allclose(value(model(x)), value(mirrored(x[:, ::-1])), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("build", KERAS)
def test_no_next_token_from_both_ends(build):
    with pytest.raises(ValueError, match=r"must not read it\. Received: bidirectional=True"):
        build(vocabulary_size=5, bidirectional=True)
    assert "language-modelling" not in registry.get("bilstm").tasks


def test_parameter_counts_of_recurrent_networks():
    units, d = 6, 4
    output = 2 * units + 2
    assert simple_rnn((3, d), 2, units=(units,)).count_params() == units * (d + units + 1) + output
    gates = 3 * units * (d + units + 2)  # Keras's and cuDNN's GRU has two biases a gate
    assert gru((3, d), 2, units=(units,)).count_params() == gates + output
    both = 2 * 4 * units * (d + units + 1) + 2 * 2 * units + 2
    assert lstm((3, d), 2, units=(units,), bidirectional=True).count_params() == both


def test_a_causal_convolution_is_its_formula():
    layer = CausalConvolution(3, 2, dilation=2)
    x = normal(1, 6, 4)
    layer(x)
    assert np.allclose(value(layer.length), np.linalg.norm(value(layer.direction), axis=(0, 1)))
    direction, length, bias = (normal(*w.shape) for w in layer.weights)
    layer.set_weights([direction, length, bias])
    kernel = direction * length / np.sqrt((direction**2).sum(axis=(0, 1)))
    padded = np.concatenate([np.zeros((2, 4)), x[0]])
    expected = [padded[t] @ kernel[0] + padded[t + 2] @ kernel[1] + bias for t in range(6)]
    np.testing.assert_allclose(value(layer(x))[0], expected, rtol=1e-4, atol=1e-5)


def test_a_tcn_sees_as_far_as_it_says():
    """Two convolutions of 3 steps in each of 2 blocks: 2 * 2 * (2^2 - 1) = 12 steps before."""
    model = tcn(vocabulary_size=11, filters=16, depth=2)
    tokens = RANDOM.integers(11, size=(20, 30)).astype("int32")
    changed = tokens.copy()
    changed[:, 5] = (changed[:, 5] + 1) % 11
    differ = np.abs(value(model(tokens)) - value(model(changed))).max(axis=(0, 2)) > 1e-6
    assert np.flatnonzero(differ).tolist() == list(range(5, 18))


def test_a_tcn_refuses_no_layers():
    with pytest.raises(ValueError, match="Received: filters=64, depth=0, kernel_size=3"):
        tcn((5, 1), 2, depth=0)


def test_other_models_say_what_reads_series_of_any_length():
    with pytest.raises(ValueError, match="which recurrent networks and tcn read"):
        zoo.create("mlp", input_shape=(None, 3), classes=2)
