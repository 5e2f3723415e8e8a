"""Folders with hardly a picture, files of another kind than they say, pictures too small."""

import drawn
import numpy as np
import pytest
from colored import TINY, fill, picture, refused
from masked import write_masks

import zoo as package
from zoo import datasets

ONE = np.zeros((1, 16, 16, 3), "uint8")
MASK = np.repeat(np.array([[[0, 1]]], "uint8"), 16, axis=1).repeat(8, axis=2)
FOLDERS = {
    "a class": (
        lambda folder: picture((9, 9, 9)).save(made(folder / "cat") / "a.jpg"),
        "one class",
    ),
    "a mask": (lambda folder: write_masks(folder, ONE, MASK), "1 usable row"),
    "boxes": (lambda folder: drawn.write_voc(folder, 1), "1 usable row"),
}


def made(folder):
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("kind", FOLDERS)
def test_one_picture_is_too_few(tmp_path, kind):
    write, found = FOLDERS[kind]
    write(tmp_path / "data")
    message = refused(tmp_path / "data")
    assert found in message, message
    assert "xpected" in message


def test_a_suffix_may_say_another_kind_of_picture(tmp_path):
    fill(tmp_path / "data", 8, suffix=".png")
    for path in (tmp_path / "data").rglob("*.png"):
        path.rename(path.with_suffix(".jpg"))
    run = package.train("cnn-small", data=str(tmp_path / "data"), run=str(tmp_path / "run"), **TINY)
    assert package.evaluate(run)["examples"] == len(datasets.load(tmp_path / "data").test)


def test_a_text_is_no_picture_whatever_its_suffix(tmp_path):
    folder = fill(tmp_path / "data")
    (folder / "red" / "notes.png").write_text("no picture at all")
    message = refused(folder)
    assert "notes.png" in message
    assert "its content is none" in message


def test_pictures_smaller_than_the_architecture_allows(zoo, tmp_path):
    folder = fill(tmp_path / "data", size=(16, 16))
    code, out, error = zoo("train", "vgg11", "--data", folder, "--run", tmp_path / "run")
    assert (code, out) == (2, "")
    last = error.strip().splitlines()[-1]
    assert "at least 32 pixels a side" in last
    assert "(16, 16, 3)" in last
    assert not (tmp_path / "run").exists()
