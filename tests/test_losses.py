import itertools

import keras
import numpy as np
import pytest

from zoo import losses
from zoo.errors import InputError

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(6, 4)).astype("float32") * 3
CODES = RANDOM.integers(4, size=6).astype("int32")
ONE_HOT = np.eye(4, dtype="float32")[CODES]
P = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
BITS = (RANDOM.random((6, 4)) > 0.5).astype("float32")
SIGMOID = 1 / (1 + np.exp(-LOGITS))


def loss(name, outputs, y, logits, **options):
    return float(losses.create(name, outputs, **options)(y, logits))


def test_focal_is_the_papers_formula():
    p = P[np.arange(6), CODES]
    expected = np.mean(-((1 - p) ** 2) * np.log(p))
    assert loss("focal", "class", CODES, LOGITS) == pytest.approx(expected, rel=1e-5)
    p = np.where(BITS == 1, SIGMOID, 1 - SIGMOID)
    expected = np.mean(-((1 - p) ** 2) * np.log(p))
    assert loss("focal", "multi", BITS, LOGITS) == pytest.approx(expected, rel=1e-5)


def test_focal_of_moderate_logits_is_keras_own():
    own = keras.losses.BinaryFocalCrossentropy(from_logits=True)
    assert loss("focal", "multi", BITS, LOGITS) == pytest.approx(float(own(BITS, LOGITS)), rel=1e-4)


def test_focal_learns_from_logits_that_are_very_wrong():
    import tensorflow as tf

    z = tf.constant([[-30.0]])
    with tf.GradientTape() as tape:
        tape.watch(z)
        value = losses.create("focal", "binary")(np.ones((1, 1)), z)
    assert float(tape.gradient(value, z)[0, 0]) == pytest.approx(-1.0, rel=1e-4)


def test_focal_at_certainty_is_zero_with_a_finite_gradient():
    import tensorflow as tf

    z = tf.constant([[200.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(z)
        value = losses.create("focal", "class")(np.array([0]), z)
    assert float(value) == 0
    assert np.isfinite(tape.gradient(value, z)).all()


def test_smoothing_is_keras_categorical_one():
    own = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)
    found = loss("categorical_crossentropy", "class", CODES, LOGITS, label_smoothing=0.2)
    assert found == pytest.approx(float(own(ONE_HOT, LOGITS)), rel=1e-5)


def test_without_smoothing_keras_own_is_used():
    kind = type(losses.create("categorical_crossentropy", "class"))
    assert kind is keras.losses.SparseCategoricalCrossentropy


def test_losses_of_tokens_are_means_over_all_of_them():
    logits = RANDOM.normal(size=(2, 3, 5)).astype("float32")
    codes = RANDOM.integers(5, size=(2, 3)).astype("int32")
    for name, smoothing in (("focal", 0.0), ("categorical_crossentropy", 0.1), ("mse", 0.0)):
        whole = loss(name, "tokens", codes, logits, label_smoothing=smoothing)
        flat = loss(name, "class", codes.ravel(), logits.reshape(-1, 5), label_smoothing=smoothing)
        assert whole == pytest.approx(flat, rel=1e-5), name


def test_errors_of_classes_are_errors_of_probabilities():
    assert loss("mse", "class", CODES, LOGITS) == pytest.approx(np.mean((P - ONE_HOT) ** 2))
    assert loss("mae", "class", CODES, LOGITS) == pytest.approx(np.mean(abs(P - ONE_HOT)))
    assert loss("mse", "multi", BITS, LOGITS) == pytest.approx(np.mean((SIGMOID - BITS) ** 2))


@pytest.mark.parametrize("name", losses.BINARY)
def test_binary_labels_may_lack_the_last_axis(name):
    y, logits = BITS[:, 0], LOGITS[:, :1]
    assert loss(name, "binary", y, logits) == pytest.approx(
        loss(name, "binary", y[:, None], logits), rel=1e-6
    )


@pytest.mark.parametrize("name", losses.CLASS)
def test_codes_may_have_a_last_axis_of_one(name):
    assert loss(name, "class", CODES[:, None], LOGITS) == loss(name, "class", CODES, LOGITS)


def test_huber_is_square_inside_delta_and_linear_outside():
    y, found = np.zeros((1, 2), "float32"), np.array([[1.0, 10.0]], "float32")
    expected = (0.5 + (2 * 10 - 0.5 * 2**2)) / 2
    assert loss("huber", "numbers", y, found, huber_delta=2.0) == pytest.approx(expected)


@pytest.mark.parametrize(
    "one",
    [
        losses.create("huber", "numbers", huber_delta=0.25),
        losses.create("categorical_crossentropy", "class", label_smoothing=0.3),
        losses.create("focal", "class"),
        losses.create("mae", "binary"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_losses_survive_saving(one):
    again = keras.losses.deserialize(keras.losses.serialize(one))
    assert type(again) is type(one)
    assert again.get_config() == one.get_config()


def test_huber_delta_survives_a_saved_model(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", losses.create("huber", "numbers", huber_delta=0.25))
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    y, found = np.zeros((1, 1), "float32"), np.full((1, 1), 3.0, "float32")
    assert float(loaded.loss(y, found)) == pytest.approx(0.25 * 3 - 0.5 * 0.25**2)


def test_all_pairs_are_losses_or_refused():
    y = {"class": CODES, "binary": BITS[:, :1], "multi": BITS, "numbers": LOGITS + 1}
    y |= {"tokens": CODES[None], "shares": ONE_HOT, "pixels": CODES[None, None]}
    for name, outputs in itertools.product(losses.NAMES, losses.POSSIBLE):
        if name not in losses.POSSIBLE[outputs]:
            with pytest.raises(InputError, match="Expected one of: "):
                losses.create(name, outputs)
            continue
        shaped = {
            "binary": LOGITS[:, :1], "tokens": LOGITS[None], "pixels": LOGITS[None, None],
        }  # fmt: skip
        logits = shaped.get(outputs, LOGITS)
        value = loss(name, outputs, y[outputs], logits)
        assert np.isfinite(value), (name, outputs)
        assert value > 0, (name, outputs)


def test_bad_requests_are_refused():
    with pytest.raises(InputError, match="Did you mean 'mse'"):
        losses.create("msee", "numbers")
    with pytest.raises(InputError, match="Expected it with binary_crossentropy or categorical"):
        losses.create("focal", "class", label_smoothing=0.1)


def test_names_are_those_of_the_command_line():
    from zoo import config

    assert set(losses.NAMES) == set(config.LOSSES)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_crossentropy_of_tokens_and_its_slopes_are_keras_own(smoothing):
    import tensorflow as tf

    codes, shape = RANDOM.integers(5, size=(2, 3)).astype("int32"), (2, 3, 5)
    logits = tf.constant(RANDOM.normal(size=shape) * 30, "float32")
    shares = np.eye(5, dtype="float32")[codes]
    own = losses.create("categorical_crossentropy", "tokens", label_smoothing=smoothing)
    peer = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    weights = RANDOM.random((2, 3)).astype("float32")
    found = []
    for loss, expected in ((own, codes), (peer, shares)):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(expected, logits, sample_weight=weights)
        found.append((value, tape.gradient(value, logits)))
    (value, slopes), (peer_value, peer_slopes) = found
    np.testing.assert_allclose(value, peer_value, rtol=1e-5)
    np.testing.assert_allclose(slopes, peer_slopes, atol=1e-6)
    assert np.abs(slopes).max() > 0.01
