"""Pictures and folders of them, answered and drawn."""

import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from zoo import api
from zoo.photos import _pixels, find, names
from zoo.predictors import gradcam


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def size(path):
    with Image.open(path) as image:
        return image.size


@pytest.fixture
def photos(tmp_path):
    """Write a few digits: one alone, others in folders, of other sizes and forms."""
    digits = load_digits()
    for i, name in enumerate(("one.png", "more/two.webp", "more/deep/one.jpg", "more/three.bmp")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray((digits.images[i] * 15).astype("uint8"))
        image.resize((20 + i, 16)).save(path)
    (tmp_path / "more" / "notes.txt").write_text("no picture")
    return tmp_path


def test_pictures_and_folders_are_answered_by_file(zoo, trained, photos):
    code, out, err = zoo("predict", trained("pictures"), photos / "one.png", photos / "more")
    assert code == 0, err
    found = [row["file"] for row in rows(out)]
    names = ["one.png", "more/deep/one.jpg", "more/three.bmp", "more/two.webp"]
    assert found == [str(photos / name) for name in names]
    alone = zoo("predict", trained("pictures"), photos / "more" / "two.webp")[1]
    again, first = rows(alone)[0], rows(out)[3]
    assert (again["file"], again["label"]) == (first["file"], first["label"])
    assert float(again["probability"]) == pytest.approx(float(first["probability"]), rel=1e-5)


def test_a_folder_may_be_called_as_those_of_masks_are(photos):
    """Only beside a folder of pictures does it hold masks."""
    folder = (photos / "more").rename(photos / "labels")
    assert len(find([str(folder)])) == 3
    (photos / "images").mkdir()
    assert [path.name for path in find([str(folder)])] == ["one.jpg"]  # deeper it is none
    assert len(find([str(photos)])) == 2


def test_a_name_that_is_no_text(zoo, trained, photos):
    (photos / "one.png").rename(os.fsdecode(os.fsencode(photos) + b"/\xff.png"))
    code, out, err = zoo("predict", trained("pictures"), photos)
    assert code == 0, err
    assert any(row["file"].endswith("/\N{REPLACEMENT CHARACTER}.png") for row in rows(out))


def test_what_is_hidden_is_left_out(photos):
    for name in ("more/._two.webp", "more/.cache/two.webp"):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).write_bytes(b"what a Mac writes beside a file")
    (photos / "more" / "album.jpg").mkdir()
    assert len(find([str(photos)])) == 4


def test_each_picture_has_a_file_of_its_own():
    paths = map(Path, ("a/x.png", "b/x.png", "c/x-2.png", "d/x.png"))
    assert names(list(paths)) == ["x", "x-2", "x-2-2", "x-3"]


def test_sixteen_bits_are_drawn_as_eight():
    deep = np.arange(256, dtype="uint16").reshape(16, 16) * 256
    content = io.BytesIO()
    Image.fromarray(deep).save(content, "PNG")
    assert (_pixels(content.getvalue())[..., 0] == deep >> 8).all()


def test_answers_are_drawn(zoo, trained, photos):
    out = photos / "drawn"
    code, text, err = zoo(
        "predict", trained("pictures"), photos / "one.png", photos / "more", "--draw", out,
        "--grad-cam", "--json",
    )  # fmt: skip
    assert code == 0, err
    assert sorted(path.name for path in out.iterdir()) == [
        "one-2.png", "one.png", "three.png", "two.png",
    ]  # fmt: skip
    assert len([json.loads(line) for line in text.splitlines()]) == 4
    wide = size(out / "one.png")[0]
    zoo("predict", trained("pictures"), photos / "one.png", "--draw", photos / "plain")
    narrow = size(photos / "plain" / "one.png")[0]
    assert wide > narrow  # by the panel of Grad-CAM


@pytest.mark.slow
def test_masks_are_drawn_and_written(zoo, trained, files, tmp_path):
    picture = files["masks"] / "images" / "003.png"
    larger = tmp_path / "larger.png"
    with Image.open(picture) as image:
        image.resize((50, 40)).save(larger)
    code, _, err = zoo("predict", trained("masks"), picture, larger, "--draw", tmp_path / "drawn")
    assert code == 0, err
    with Image.open(tmp_path / "drawn" / "larger.mask.png") as mask:
        assert mask.size == (50, 40)
        classes = len(api.load(trained("masks")).spec.classes)
        assert np.asarray(mask).max() < classes
    assert (tmp_path / "drawn" / "003.png").exists()


@pytest.mark.slow
def test_boxes_are_drawn_and_listed_by_file(zoo, trained, files, tmp_path):
    folder = files["boxes"] / "JPEGImages"
    code, out, err = zoo("predict", trained("boxes"), folder, "--draw", tmp_path / "drawn")
    assert code == 0, err
    count = len(list(folder.iterdir()))
    assert len(list((tmp_path / "drawn").iterdir())) == count
    assert {row["file"] for row in rows(out)} <= {str(path) for path in folder.iterdir()}


def test_where_a_classifier_looks_decides(trained):
    predictor = api.load(trained("pictures"))
    digits = load_digits()
    pictures = (digits.images[:6, ..., None] * 15).astype("uint8")
    found = gradcam.create(predictor)(pictures)
    assert found.ndim == 3
    assert found.min() >= 0
    assert found.max() == pytest.approx(1.0)
    assert not np.allclose(found[0], found[1])


WRONG = {
    "no picture": (["{folder}/more/notes.txt", "--draw", "{folder}/d"], "Expected pictures"),
    "several tables": (["a.csv", "b.csv"], "Expected pictures, or folders of them, where"),
    "some pictures": (["{folder}/one.png", "{folder}/nowhere"], "nowhere', which is no picture"),
    "gone": (["{folder}/none.png"], "none.png' does not exist"),
    "empty": (["{folder}/empty.png"], "empty.png' is empty"),
    "Grad-CAM alone": (["{folder}/one.png", "--grad-cam"], "without --draw"),
    "there already": (["{folder}/one.png", "--draw", "{folder}/more"], "exists already"),
    "remote": (["https://example.org/a.png"], "Received the address"),
}


@pytest.mark.parametrize("case", WRONG)
def test_one_line_for_what_cannot_be(zoo, trained, photos, case):
    (photos / "empty.png").touch()
    words, message = WRONG[case]
    code, out, err = zoo("predict", trained("pictures"), *(w.format(folder=photos) for w in words))
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert message in err
    assert not (photos / "d").exists()


def test_models_of_other_data_take_no_pictures(zoo, trained, photos):
    code, _, err = zoo("predict", trained("classes"), photos / "one.png")
    assert code == 2
    assert "for a model of data of kind 'table'" in err


@pytest.mark.slow
def test_grad_cam_is_of_classifiers(zoo, trained, files, tmp_path):
    picture = files["masks"] / "images" / "003.png"
    words = ("predict", trained("masks"), picture, "--draw", tmp_path / "d", "--grad-cam")
    code, _, err = zoo(*words)
    assert code == 2
    assert "which does segmentation. Expected a classifier of pictures" in err
    assert not (tmp_path / "d").exists()
