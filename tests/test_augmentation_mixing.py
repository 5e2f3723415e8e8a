"""mixup and CutMix: pictures, labels, weights, losses and metrics go together."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo import augmentation, config, losses
from zoo.augmentation import mixing
from zoo.metrics.accuracy import MixedBinaryAccuracy
from zoo.training import session

RANDOM = np.random.default_rng(0)
COUNT = 200
# A picture's pixels all say which it is, so that shares can be read from it.
PICTURES = np.repeat(np.arange(COUNT, dtype="float32"), 8 * 12).reshape(COUNT, 8, 12, 1)
OWN, OTHER = np.eye(COUNT), np.roll(np.eye(COUNT), 1, axis=0)


def mixed(step=0, weight=(), **chosen):
    augment = augmentation.create(chosen, "image", 0, "classification")
    batch = (PICTURES, np.eye(COUNT, dtype="float32"), *weight)
    return [part.numpy() for part in augment(batch, tf.constant(step), 0)]


def test_mixup_averages_pictures_as_labels():
    pictures, labels = mixed(mixup=1.0)
    share = labels[np.arange(COUNT), np.arange(COUNT)]
    np.testing.assert_allclose(labels, share[:, None] * OWN + (1 - share[:, None]) * OTHER)
    np.testing.assert_allclose(pictures[:, 3, 4, 0], labels @ np.arange(COUNT), rtol=1e-4)
    assert np.quantile(share, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.1)


def test_small_alpha_mixes_little():
    share = mixed(mixup=0.1)[1][np.arange(COUNT), np.arange(COUNT)]
    assert (np.minimum(share, 1 - share) < 0.05).mean() > 0.6
    assert 0.4 < share.mean() < 0.6


def test_cutmix_labels_are_shares_of_pixels():
    pictures, labels = mixed(cutmix=1.0)
    for i, picture in enumerate(pictures[..., 0]):
        pasted = picture != i
        assert set(np.unique(picture)) <= {i, (i - 1) % COUNT}
        assert labels[i, i] == pytest.approx(1 - pasted.mean(), abs=1e-6)
        rows, columns = pasted.any(axis=1), pasted.any(axis=0)
        assert pasted.sum() == rows.sum() * columns.sum()  # a rectangle
    share = labels[np.arange(COUNT), np.arange(COUNT)]
    assert 0.15 < np.quantile(share, 0.25) < np.quantile(share, 0.75) < 0.95


def test_with_both_each_picture_takes_one():
    pictures, labels = mixed(mixup=1.0, cutmix=1.0)
    np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)
    whole = [len(np.unique(picture)) == 1 for picture in pictures]
    assert 0.35 < np.mean(whole) < 0.7


def test_weights_count_each_label_as_its_example_does():
    weight = RANDOM.random(COUNT).astype("float32") + 0.1
    logits = RANDOM.normal(size=(COUNT, COUNT)).astype("float32")
    share = tf.constant(RANDOM.random(COUNT), tf.float32)
    labels, weights = mixing.mix_targets(tf.eye(COUNT), tf.constant(weight), share=share)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, reduction="none")
    own = share * weight * loss(OWN, logits)
    other = (1 - share) * np.roll(weight, 1) * loss(OTHER, logits)
    np.testing.assert_allclose(weights * loss(labels, logits), own + other, rtol=1e-4)


@pytest.mark.parametrize("name", losses.CLASS)
def test_losses_of_unmixed_shares_are_those_of_codes(name):
    codes = RANDOM.integers(4, size=6)
    logits = RANDOM.normal(size=(6, 4)).astype("float32")
    one_hot = np.eye(4, dtype="float32")[codes]
    of_shares = losses.create(name, "shares")(one_hot, logits)
    of_codes = losses.create(name, "class")(codes, logits)
    assert float(of_shares) == pytest.approx(float(of_codes), rel=1e-5)


@pytest.mark.parametrize(
    ("outputs", "name", "smoothing"),
    [
        ("shares", "categorical_crossentropy", 0.0),
        ("shares", "categorical_crossentropy", 0.2),
        ("shares", "focal", 0.0),
        ("multi", "binary_crossentropy", 0.2),
        ("multi", "focal", 0.0),
    ],
)
def test_the_loss_of_a_mixed_label_is_the_mean_of_its_labels(outputs, name, smoothing):
    logits = RANDOM.normal(size=(1, 4)).astype("float32")
    first, second = np.eye(4, dtype="float32")[:2, None]
    loss = losses.create(name, outputs, label_smoothing=smoothing)
    expected = 0.3 * loss(first, logits) + 0.7 * loss(second, logits)
    found = loss(0.3 * first + 0.7 * second, logits)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_accuracy_of_mixed_binary_labels_is_that_of_the_larger_share():
    metric = MixedBinaryAccuracy("accuracy", threshold=0.0)
    metric.update_state([[0.7], [0.2], [0.6], [1.0]], [[2.0], [-1.0], [-3.0], [1.0]])
    assert float(metric.result()) == 0.75
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(again) is MixedBinaryAccuracy


def prepare(model="lenet5", data="digits", **options):
    return session.prepare(config.build(model, {"data": data, "batch_size": 8, **options}), "CPU")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"label_smoothing": 0.1},
        {"loss": "focal", "class_weight": "auto"},
        {"loss": "mse"},
    ],
)
def test_training_and_validation_take_shares(options):
    mixing_session = prepare(augment="mixup,cutmix", **options)
    for feed in mixing_session.feeds.values():
        labels = feed.batch(tf.range(4))[1]
        assert labels.shape == (4, 10)
        assert labels.dtype == "float32"
    row = mixing_session.trainer(None).fit(steps=3)[-1]
    assert np.isfinite([row["loss"], row["accuracy"], row["val_loss"], row["val_accuracy"]]).all()


def test_without_mixing_labels_stay_codes():
    assert prepare(augment="crop").feeds["train"].batch(tf.range(4))[1].shape == (4,)


def test_validation_without_mixing_is_measured_alike():
    with_mixing, plain = (prepare(augment=a).trainer(None).evaluate() for a in ("mixup", None))
    assert with_mixing["accuracy"] == plain["accuracy"]
    assert with_mixing["loss"] == pytest.approx(plain["loss"], rel=1e-5)


@pytest.fixture
def two_classes(tmp_path):
    from PIL import Image

    random = np.random.default_rng(1)
    for name, light in (("dark", 60), ("light", 200)):
        (tmp_path / name).mkdir()
        for i in range(20):
            noise = random.integers(-40, 40, size=(12, 12, 3))
            Image.fromarray((light + noise).astype("uint8")).save(tmp_path / name / f"{i}.png")
    return tmp_path


@pytest.mark.slow
def test_two_classes_are_mixed_and_learned(two_classes, tmp_path):
    run = zoo.train(
        "cnn-small", data=str(two_classes), augment="mixup,color", epochs=20, batch_size=8,
        set={"filters": (4,)}, run=tmp_path / "run", class_weight="auto", learning_rate=0.02,
    )  # fmt: skip
    assert run.metrics["scores"]["accuracy"] == 1.0
    assert run.log[-1]["accuracy"] > 0.6  # of the larger share of mixed labels
    predictor = zoo.load(run)
    picture = (two_classes / "light" / "3.png").read_bytes()
    answer = predictor({predictor.spec.inputs[0].name: np.array([picture], object)})
    assert answer["label"][0] == "light"
