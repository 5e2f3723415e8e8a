"""Segmentation: the network, its losses, the task trained small, and what an export answers."""

import io
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from masked import digits, write_masks
from PIL import Image
from sklearn import metrics as m

import zoo as package
from zoo import api, losses, tasks
from zoo.datasets.base import ArraySplit, Column, Spec
from zoo.errors import InputError
from zoo.models.unet import unet

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(3, 4, 5, 3)).astype("float32") * 2
CODES = RNG.integers(3, size=(3, 4, 5))
HOLES = np.where(RNG.random((3, 4, 5)) < 0.3, 255, CODES)
P = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("size", [(8, 8), (5, 9), (1, 30), (33, 17)])
@pytest.mark.parametrize("backbone", [None, "cnn-small"])
def test_every_pixel_gets_an_answer_whatever_the_size(size, backbone):
    model = unet((*size, 3), 4, filters=2, depth=3, backbone=backbone)
    x = RNG.random((2, *size, 3)).astype("float32")
    assert model.output_shape == (None, *size, 4)
    assert np.asarray(model(x)).shape == (2, *size, 4)


def test_parameter_count_follows_from_the_layers():
    f = 4
    contracting = [(3, f), (f, f), (f, 2 * f), (2 * f, 2 * f), (2 * f, 4 * f), (4 * f, 4 * f)]
    expanding = [(4 * f, 2 * f), (2 * f, 2 * f), (2 * f, f), (f, f)]
    expected = sum(9 * a * b + b for a, b in contracting + expanding)
    expected += sum(4 * a * b + b for a, b in ((4 * f, 2 * f), (2 * f, f)))  # that double the size
    model = unet((16, 16, 3), 5, filters=f, depth=2, batch_norm=False)
    assert model.count_params() == expected + f * 5 + 5


def test_a_shifted_picture_has_a_shifted_answer():
    keras.utils.set_random_seed(0)
    model = unet((48, 48, 1), 2, filters=2, depth=2, batch_norm=False)
    x = np.zeros((2, 48, 48, 1), np.float32)
    x[0, 20:24, 20:24] = 1
    x[1, 24:28, 16:20] = 1  # by the coarsest map's stride
    first, second = np.asarray(model(x))
    np.testing.assert_allclose(first[12:32, 12:32], second[16:36, 8:28], atol=1e-6)
    assert first.std() > 1e-3


def test_a_backbone_that_does_not_halve():
    with pytest.raises(ValueError, match="Expected `backbone` to halve 96 pixels again and again"):
        unet((96, 96, 3), 2, backbone="keras-xception")


def test_a_backbone_gives_its_maps():
    with pytest.raises(ValueError, match=r"features_only\. Received: backbone='lenet5'"):
        unet((16, 16, 1), 2, backbone="lenet5")
    with pytest.raises(InputError, match="Unknown model 'cnn-smal'"):
        unet((16, 16, 1), 2, backbone="cnn-smal")
    with pytest.raises(ValueError, match="Received: depth=0"):
        unet((16, 16, 1), 2, depth=0)


def test_losses_are_means_over_the_known_pixels_of_each_picture():
    own = P[(*np.indices(CODES.shape), CODES)]
    known = HOLES != 255
    formulas = {"categorical_crossentropy": -np.log(own), "focal": -((1 - own) ** 2) * np.log(own)}
    for name, values in formulas.items():
        expected = np.mean([v[k].mean() for v, k in zip(values, known, strict=True)])
        found = float(losses.create(name, "pixels")(HOLES, LOGITS))
        assert found == pytest.approx(expected, rel=1e-5), name
    smoothed = losses.create("categorical_crossentropy", "pixels", label_smoothing=0.2)
    values = -0.8 * np.log(own) - 0.2 * np.log(P).mean(axis=-1)
    expected = np.mean([v[k].mean() for v, k in zip(values, known, strict=True)])
    assert float(smoothed(HOLES, LOGITS)) == pytest.approx(expected, rel=1e-5)


def test_dice_is_its_formula():
    known = (HOLES != 255)[..., None]
    p, g = P * known, np.eye(3)[CODES] * known
    both, each = (p * g).sum((1, 2)), (p**2 + g**2).sum((1, 2))
    expected = np.mean(1 - (2 * both + 1) / (each + 1))
    assert float(losses.create("dice", "pixels")(HOLES, LOGITS)) == pytest.approx(expected)
    entropy = float(losses.create("categorical_crossentropy", "pixels")(HOLES, LOGITS))
    found = float(losses.create("dice_crossentropy", "pixels")(HOLES, LOGITS))
    assert found == pytest.approx(expected + entropy, rel=1e-5)
    nothing = np.full_like(HOLES, 255)
    assert float(losses.create("dice_crossentropy", "pixels")(nothing, LOGITS)) == 0
    right = 50 * np.eye(3, dtype="float32")[CODES]
    assert float(losses.create("dice", "pixels")(CODES, right)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", losses.POSSIBLE["pixels"])
def test_losses_survive_their_configuration(name):
    loss = losses.create(name, "pixels")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert float(again(HOLES, LOGITS)) == float(loss(HOLES, LOGITS))


def test_a_loss_of_numbers_is_refused():
    with pytest.raises(InputError, match="loss 'mse' for a class of each pixel"):
        losses.create("mse", "pixels")
    with pytest.raises(InputError, match="loss 'dice' for one class out of several"):
        losses.create("dice", "class")


def task_of(classes):
    column = Column("image", "image", (4, 5, 1))
    return tasks.TASKS["segmentation"](Spec("image", (column,), ("mask",), "segmentation", classes))


def test_metrics_of_training_leave_out_unknown_pixels():
    accuracy, iou = task_of(("a", "b", "c")).metrics()
    predicted = LOGITS.argmax(axis=-1)
    for metric in (accuracy, iou):
        metric.update_state(HOLES, LOGITS)
    known = HOLES != 255
    shares = [(p == h)[k].mean() for p, h, k in zip(predicted, HOLES, known, strict=True)]
    assert float(accuracy.result()) == pytest.approx(np.mean(shares))
    expected = m.jaccard_score(HOLES[known], predicted[known], average="macro")
    assert float(iou.result()) == pytest.approx(expected)


def test_scores_are_those_of_scikit_learn():
    predicted = RNG.integers(3, size=HOLES.shape).astype("uint8")
    split = ArraySplit({}, np.arange(3), HOLES.astype("uint8"))
    result = task_of(("a", "b", "c")).evaluate(lambda split: {"mask": predicted}, split)
    true, found = HOLES[HOLES != 255], predicted[HOLES != 255]
    iou = m.jaccard_score(true, found, average=None)
    dice = m.f1_score(true, found, average=None)
    assert result["scores"]["mean_iou"] == pytest.approx(iou.mean())
    assert result["scores"]["dice"] == pytest.approx(dice.mean())
    assert result["scores"]["accuracy"] == pytest.approx(m.accuracy_score(true, found))
    assert [row["iou"] for row in result["tables"]["per_class"]] == pytest.approx(iou)
    assert result["tables"]["confusion"]["matrix"] == m.confusion_matrix(true, found).tolist()


def test_scores_that_are_not_defined():
    task = task_of(("a", "b"))
    masks = np.zeros((1, 2, 2), np.uint8)
    result = task.evaluate(lambda _: {"mask": masks}, ArraySplit({}, np.arange(1), masks))
    assert result["scores"] == {"mean_iou": 1.0, "dice": 1.0, "accuracy": 1.0}
    assert result["tables"]["per_class"][1] == {
        "class": "b",
        "iou": None,
        "dice": None,
        "pixels": 0,
    }
    unknown = ArraySplit({}, np.arange(1), masks + np.uint8(255))
    result = task.evaluate(lambda _: {"mask": masks}, unknown)
    assert result["scores"] == {"mean_iou": None, "dice": None, "accuracy": None}


@pytest.mark.slow
def test_a_run(zoo, trained, files):
    run = trained("masks")
    predictor = api.load(run)
    split = api.split_of(run, predictor, None, "test")
    outputs = predictor.predict(split)
    assert outputs["mask"].dtype == np.uint8
    assert outputs["mask"].shape == split.targets().shape == (24, 16, 16)
    inputs = predictor.preprocessor.encode_split(split).astype("float32") / 255
    logits = np.asarray(predictor.model(inputs)).astype(float)
    shares = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(outputs["probability"], shares.max(-1).mean((1, 2)), rtol=1e-4)
    np.testing.assert_array_equal(outputs["mask"], shares.argmax(axis=-1))
    assert {path.name for path in package.runs.Run.open(run).plots.iterdir()} == {
        "curves.png", "masks.png", "confusion.png",
    }  # fmt: skip
    code, out, err = zoo("predict", run, files["masks"] / "images" / "007.png", "--json")
    assert code == 0, err
    row = json.loads(out)
    answer = predictor({"image": split.arrays["image"][[7]]})
    assert list(row) == ["file", *(f"share_class_{i}" for i in range(11)), "probability"]
    assert row["share_class_0"] == pytest.approx((answer["mask"] == 0).mean())
    code, out, _ = zoo("predict", run, files["masks"])
    assert len(out.splitlines()) == 121


@pytest.mark.slow
def test_it_learns_and_answers_for_other_sizes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pictures, masks = digits(300)
    write_masks(tmp_path / "ink", pictures, (masks > 0) * np.uint8(255))
    run = package.train(
        "unet-small", data="ink", epochs=6, learning_rate=0.01, set={"filters": 4, "depth": 2},
        loss="dice_crossentropy",
    )  # fmt: skip
    assert package.evaluate(run)["scores"]["mean_iou"] > 0.9
    large = np.kron(pictures[0], np.ones((3, 2))).astype("uint8")
    contents = []
    for array, kind in ((pictures[0], "PNG"), (large, "PNG"), (large[:20], "JPEG")):
        held = io.BytesIO()
        Image.fromarray(array).save(held, kind)
        contents.append(held.getvalue())
    outputs = package.load(run)({"image": np.array(contents, dtype=object)})
    pngs = [np.asarray(Image.open(io.BytesIO(png))) for png in outputs["png"]]
    assert [png.shape for png in pngs] == [(16, 16), (48, 32), (20, 32)]
    np.testing.assert_array_equal(pngs[0], outputs["mask"][0])
    np.testing.assert_array_equal(pngs[1], np.kron(outputs["mask"][1], np.ones((3, 2))))
    assert set(np.unique(pngs[2])) <= {0, 1}


ALONE = """
import json, sys
import tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
content = tf.io.read_file(sys.argv[2])
out = loaded.signatures["serving_default"](image=content[None])
png = tf.io.decode_png(out["png"][0])[..., 0]
assert not any(name.split(".")[0] == "zoo" for name in sys.modules)
print(json.dumps([out["mask"].numpy()[0].tolist(), png.numpy().tolist()]))
"""


@pytest.mark.slow
def test_the_export_stands_alone(zoo, trained, files, tmp_path):
    run, path = trained("masks"), files["masks"] / "images" / "003.png"
    code, _, err = zoo("export", run, "--out", tmp_path / "model")
    assert code == 0, err
    (tmp_path / "alone.py").write_text(ALONE)
    command = [sys.executable, "-I", tmp_path / "alone.py", tmp_path / "model", path]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    mask, png = json.loads(process.stdout)
    expected = api.load(run)({"image": np.array([path.read_bytes()], dtype=object)})["mask"][0]
    np.testing.assert_array_equal(mask, expected)
    np.testing.assert_array_equal(png, expected)


def test_what_segmentation_refuses(zoo, files):
    for option, value, said in (
        ("--augment", "brightness,mixup", "--augment received 'mixup' for segmentation"),
        ("--class-weight", "auto", "--class-weight received 'auto' for segmentation"),
        ("--loss", "mse", "Expected one of: categorical_crossentropy, focal, dice"),
    ):
        code, _, err = zoo("train", "unet-small", "--data", files["masks"], option, value)
        assert (code, err.count("\n")) == (2, 1)
        assert said in err
    code, _, err = zoo("train", "cnn-small", "--data", files["masks"])
    assert code == 2
    assert "zoo list --task segmentation" in err
