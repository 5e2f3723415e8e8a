"""The forecasters' mathematics, beside NumPy's."""

import keras
import numpy as np
import pytest

import zoo
from zoo.models.n_beats import curves

RANDOM = np.random.default_rng(0)
PAST = RANDOM.normal(size=(6, 20, 3)).astype("float32")


def dense(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]


def test_nlinear_is_linear_in_what_differs_from_the_last_value():
    model = zoo.create("nlinear", input_shape=(20, 3), horizon=5, targets=2)
    kernel, bias = (np.asarray(w) for w in dense(model)[0].get_weights())
    last = PAST[:, -1:, :2]
    expected = np.einsum("bht,hn->bnt", PAST[:, :, :2] - last, kernel) + bias[None, :, None] + last
    np.testing.assert_allclose(model(PAST), expected, atol=1e-5)


@pytest.mark.parametrize("kernel", [1, 4, 5, 60])
def test_dlinear_is_linear_in_the_moving_average_and_the_rest(kernel):
    model = zoo.create("dlinear", input_shape=(20, 3), horizon=5, targets=2, kernel=kernel)
    before, after = (kernel - 1) // 2, kernel // 2
    padded = np.pad(PAST[:, :, :2], ((0, 0), (before, after), (0, 0)), mode="edge")
    trend = np.stack([padded[:, i : i + kernel].mean(axis=1) for i in range(20)], axis=1)
    parts = zip((trend, PAST[:, :, :2] - trend), dense(model), strict=True)
    expected = sum(np.einsum("bht,hn->bnt", part, layer.get_weights()[0]) for part, layer in parts)
    np.testing.assert_allclose(model(PAST), expected, atol=1e-5)


def test_maps_may_be_of_each_target_alone():
    shared = zoo.create("nlinear", input_shape=(20, 3), horizon=5)
    own = zoo.create("nlinear", input_shape=(20, 3), horizon=5, individual=True)
    assert own.count_params() == 3 * shared.count_params() == 3 * (20 * 5 + 5)


def test_n_beats_draws_powers_and_whole_waves():
    steps = np.arange(4) / 4
    assert np.array_equal(curves("trend", 3, steps), [steps**0, steps, steps**2])
    waves = np.array(curves("seasonality", 5, steps))
    turns = 2 * np.pi * steps
    expected = [turns * 0 + 1, np.cos(turns), np.cos(2 * turns), np.sin(turns), np.sin(2 * turns)]
    np.testing.assert_allclose(waves, expected, atol=1e-12)


def test_interpretable_stacks_share_their_dense_layers():
    small = {"input_shape": (20, 1), "horizon": 5, "width": 8, "depth": 2, "blocks": 3}
    shared = zoo.create("n-beats", stacks=("trend",), **small)
    alone = zoo.create("n-beats", stacks=("generic",), **small)
    assert len(dense(shared)) == 2 + 3 + 2  # dense layers, forecasts, backcasts but the last
    assert len(dense(alone)) == 6 + 3 + 2


@pytest.mark.parametrize("name", ["nlinear", "n-beats", "lstm-forecaster"])
def test_a_level_moves_the_forecast_with_it(name):
    model = zoo.create(name, input_shape=(20, 2), horizon=5)
    moved = np.array(model(PAST[:, :, :2] + 100.0)) - np.array(model(PAST[:, :, :2]))
    np.testing.assert_allclose(moved, 100.0, atol=1e-2)


def test_the_lstm_sees_covariates_and_what_is_known_of_each_step():
    model = zoo.create("lstm-forecaster", input_shape=(20, 3), horizon=5, targets=1, known=1)
    future = RANDOM.normal(size=(6, 5, 1)).astype("float32")
    answer = np.array(model({"past": PAST, "future": future}))
    assert answer.shape == (6, 5, 1)
    later, other = future.copy(), PAST.copy()
    later[:, 3] += 1.0
    other[:, :, 1] += 1.0
    changed = np.array(model({"past": PAST, "future": later})) != answer
    assert changed.any(axis=(0, 2)).tolist() == [False, False, False, True, False]
    assert (np.array(model({"past": other, "future": future})) != answer).any()


@pytest.mark.parametrize("name", ["dlinear", "nlinear", "n-beats", "lstm-forecaster"])
def test_shapes_of_answers(name):
    one = zoo.create(name, input_shape=(20, 3), horizon=5, targets=2)
    several = zoo.create(name, input_shape=(20, 3), horizon=5, targets=2, quantiles=3)
    assert one(PAST).shape == (6, 5, 2)
    assert several(PAST).shape == (6, 5, 2, 3)
    with pytest.raises(ValueError, match="input_shape"):
        zoo.create(name, input_shape=(20, 3), horizon=5, targets=4)


def test_names_of_stacks_are_set_with_commas():
    from zoo import registry

    settings = registry.parse_settings(["stacks=trend,seasonality"])
    checked = registry.check_arguments("n-beats", settings)
    assert checked == {"stacks": ("trend", "seasonality")}
