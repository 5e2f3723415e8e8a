"""Pictures made of latents and classes: asked for, refused, written down."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from zoo import api, datasets
from zoo.errors import InputError
from zoo.generation.latents import between as latents_between
from zoo.pictures import _spelled

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def of_classes(tmp_path_factory):
    return api.train(
        "cgan", data="digits", steps=20, batch_size=64, run=tmp_path_factory.mktemp("gan") / "run",
        set={"units": (8, 16, 32), "discriminator_units": (8, 4, 8), "latent_dim": 4},
    )  # fmt: skip


def test_a_class_can_be_asked_for(of_classes, tmp_path):
    predictor = api.load(of_classes)
    made = predictor.make(12, seed=3)
    assert made["label"].tolist() == [*"0123456789", "0", "1"]  # all in turn
    sevens = predictor.make(12, seed=3, label="7")
    assert set(sevens["label"]) == {"7"}
    np.testing.assert_array_equal(sevens["image"][7], made["image"][7])  # of the same latents


@pytest.mark.slow
def test_exports_make_the_class_that_is_asked_for(of_classes, tmp_path):
    sevens = api.load(of_classes).make(12, seed=3, label="7")
    assert api.export(of_classes, "savedmodel", tmp_path / "out")["largest_difference"] == 0
    exported = api.load(tmp_path / "out")
    np.testing.assert_array_equal(exported.make(12, 3, "7")["image"], sevens["image"])
    signature = tf.saved_model.load(str(tmp_path / "out")).signatures["serving_default"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="an unknown class"):
        signature(count=tf.constant(1), seed=tf.constant(0), label=tf.constant("12"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="a count above 0, received"):
        signature(count=tf.constant(-1), seed=tf.constant(0), label=tf.constant("1"))
    api.export(of_classes, "keras", tmp_path / "out.keras")
    np.testing.assert_array_equal(
        api.load(tmp_path / "out.keras").make(12, 3, "7")["image"], sevens["image"]
    )


def test_classes_that_are_not_there(of_classes, trained, tmp_path):
    with pytest.raises(InputError, match="Unknown class '17'"):
        api.load(of_classes).make(1, label="17")
    with pytest.raises(InputError, match="Class '1' was asked of 'dcgan', which makes"):
        api.load(trained("synthesis")).make(1, label="1")
    np.savez(tmp_path / "plain.npz", x=(RANDOM.random((40, 8, 8, 1)) * 255).astype("uint8"))
    with pytest.raises(InputError, match="'cgan' makes pictures of classes, and the data have no"):
        api.train("cgan", data=tmp_path / "plain.npz", steps=1)


@pytest.mark.parametrize("shape", [(2, 5), (100,), ()])
def test_latents_of_another_length_are_refused(shape, trained):
    with pytest.raises(InputError, match=r"Received latents of shape .* Expected \(count, "):
        api.load(trained("synthesis")).tensors(np.zeros(shape, "float32"))


@pytest.mark.parametrize("asked", [{"count": 0}, {"count": -1}, {"count": 2, "seed": -1}])
def test_numbers_that_make_nothing(asked, trained):
    with pytest.raises(InputError, match=r"make received (count|seed)=(0|-1)\. Expected a number"):
        api.load(trained("synthesis")).make(**asked)


def test_one_picture_is_refused_and_several_sizes_are_said(tmp_path, zoo):
    for i in range(9):
        (tmp_path / "sizes").mkdir(exist_ok=True)
        Image.new("L", (8 + 4 * (i % 2), 8), 20 * i).save(tmp_path / "sizes" / f"{i}.png")
    notes = datasets.load(tmp_path / "sizes").notes
    assert notes == [
        "the pictures have 2 sizes, of which the model sees 224 x 224; --image-size says another"
    ]
    assert datasets.load(tmp_path / "sizes", image_size=8).notes == []
    np.savez(tmp_path / "one.npz", x=np.zeros((1, 8, 8, 1), "uint8"))
    code, _, err = zoo("train", "dcgan", "--data", tmp_path / "one.npz")
    assert (code, "has 1 usable row; expected one at least" in err) == (
        2,
        True,
    )


def test_pictures_are_written_as_the_name_says(of_classes, zoo):
    for name, out in (("--count=12", "made"), ("--class=4", "four.npz"), ("--count=3", "walk.gif")):
        code, printed, err = zoo("generate", of_classes, name, "--seed", "3", "--out", out)
        assert (code, printed) == (0, f"{out}\n"), err
    files = sorted(path.relative_to("made").as_posix() for path in Path("made").rglob("*.png"))
    assert files[:3] == ["0/00.png", "0/10.png", "1/01.png"]
    expected = api.load(of_classes).make(12, 3)["image"]
    with Image.open("made/1/11.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), expected[11, ..., 0])
        assert picture.text["Description"] == "Synthetic: made by keras-zoo with cgan, run run"
        assert "trainedAlgorithmicMedia" in picture.text["XML:com.adobe.xmp"]
    with np.load("four.npz") as arrays:
        assert arrays["image"].shape == (64, 8, 8, 1)
        assert set(arrays["label"]) == {"4"}
        assert "Synthetic" in str(arrays["synthetic"])
    with Image.open("walk.gif") as walk:
        assert (walk.n_frames, walk.size) == (36, (128, 128))
        assert walk.info["comment"].startswith(b"Synthetic: made by keras-zoo with cgan")


def test_pictures_are_refused_where_they_cannot_go(of_classes, zoo):
    Path("there").mkdir()
    for out, message in (("there", "exists already"), ("a.jpg", "Try a.png")):
        code, _, err = zoo("generate", of_classes, "--out", out)
        assert code == 2
        assert message in err
    for options, message in (
        (("--out", ""), "--out received ''"),
        (("--out", "a.png", "--count", "2000"), "--count received 2,000 for 'a.png'"),
        (("--out", "a.gif", "--count", "1"), "Expected two at least in a walk"),
    ):
        code, _, err = zoo("generate", of_classes, *options)
        assert (code, message in err) == (2, True), err
    code, _, err = zoo("generate", of_classes, "--class", "ten", "--out", "new")
    assert (code, "Unknown class 'ten'" in err) == (2, True)
    assert [path.name for path in Path().iterdir()] == ["there"]


@pytest.mark.parametrize(
    ("label", "expected"), [("../../a", "_.._a"), ("..", "_"), ("T-shirt/top", "T-shirt_top")]
)
def test_a_class_of_any_name_is_one_folder_within(label, expected):
    assert _spelled(label) == expected


def test_a_critic_and_accumulated_batches_are_refused():
    with pytest.raises(InputError, match="--accumulate received 2 for 'wgan-gp', whose critic"):
        api.train("wgan-gp", data="digits", accumulate=2, steps=1)


def test_a_walk_stays_on_the_shell():
    a, b = RANDOM.normal(size=(2, 3, 50))
    points = latents_between(a, b, np.array([0.0, 0.5, 1.0])).reshape(3, 3, 50)
    np.testing.assert_allclose(points[:, 0], a, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(points[:, 2], b, rtol=1e-5, atol=1e-6)
    lengths = np.linalg.norm(points[:, 1], axis=1)
    ends = np.minimum(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1))
    assert (lengths > 0.9 * ends).all()


def test_many_pictures_are_the_same_as_few(of_classes):
    predictor = api.load(of_classes)
    many = predictor.make(300, 1)
    np.testing.assert_array_equal(many["image"][:10], predictor.make(300, 1)["image"][:10])
    assert many["image"].shape == (300, 8, 8, 1)
    assert many["label"][290] == "0"
