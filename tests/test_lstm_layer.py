"""The LSTM that trains faster than Keras's and is the same."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.layers import lstm
from zoo.layers.lstm import LSTM
from zoo.models.lstm import lstm as build

RANDOM = np.random.default_rng(0)


def normal(*shape):
    return tf.constant(RANDOM.normal(size=shape).astype("float32"))


def gradients(layer, x, upstream, compiled):
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
            loss = tf.reduce_sum(y * upstream)
        return y, tape.gradient(loss, [x, *(v.value for v in layer.trainable_variables)])

    return (tf.function(run, autograph=False) if compiled else run)(x)


def pair(**options):
    ours, theirs = LSTM(6, **options), keras.layers.LSTM(6, **options)
    for layer in (ours, theirs):
        layer.build((None, None, 4))
    theirs.set_weights([normal(*w.shape) for w in theirs.weights])
    ours.set_weights(theirs.get_weights())
    return ours, theirs


@pytest.fixture
def calls(monkeypatch):
    """Count how often the fast way is gone."""
    seen = []
    monkeypatch.setattr(lstm, "_states", lambda *a, way=lstm._states: seen.append(1) or way(*a))
    return seen


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("every", [False, True])
def test_outputs_and_gradients_are_kerass(calls, every, backwards, compiled):
    ours, theirs = pair(return_sequences=every, go_backwards=backwards)
    x = normal(3, 9, 4)
    upstream = normal(3, 9, 6) if every else normal(3, 6)
    (y, found), (expected, wanted) = (gradients(m, x, upstream, compiled) for m in (ours, theirs))
    assert calls
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-6)
    assert len(found) == 4
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_a_length_may_be_known_late(calls):
    ours, theirs = pair(return_sequences=True)
    found = tf.function(
        lambda x: ours(x, training=True), input_signature=[tf.TensorSpec((None, None, 4))]
    )
    for length in (1, 5, 8):
        x = normal(2, length, 4)
        np.testing.assert_allclose(found(x), theirs(x), rtol=0, atol=1e-6)
    assert calls


@pytest.mark.parametrize(
    "options", [{"dropout": 0.5}, {"activation": "relu"}, {"use_bias": False}, {"unroll": True}]
)
def test_what_is_not_usual_goes_kerass_way(calls, options):
    ours, _ = pair(**options)
    ours(normal(2, 5, 4), training=True)
    assert not calls


def test_masks_states_and_answers_go_kerass_way(calls):
    ours, theirs = pair()
    x, mask = normal(2, 5, 4), tf.constant([[True] * 5, [True] * 3 + [False] * 2])
    state = [normal(2, 6), normal(2, 6)]
    for options in ({"mask": mask, "training": True}, {}, {"initial_state": state}):
        np.testing.assert_array_equal(ours(x, **options), theirs(x, **options))
    assert not calls


@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_model_trains_with_it(calls, bidirectional):
    model = build((7, 3), 2, units=(4, 4), bidirectional=bidirectional)
    model.compile("adam", "mse")
    model.fit(normal(8, 7, 3), normal(8, 2), verbose=0)
    assert len(calls) >= (4 if bidirectional else 2)
