"""Pictures in folders: found, looked at, trained on, and answered the same when exported."""

import io
import os
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from colored import COLORS, RNG, TINY, fill, picture, refused
from PIL import Image

import zoo
from zoo import datasets
from zoo.cli import zoo as zoo_command
from zoo.datasets import pictures
from zoo.errors import InputError
from zoo.preprocessing.images import ImagePreprocessor


def test_class_folders(tmp_path):
    data = datasets.load(fill(tmp_path / "own", count=10))
    assert data.spec.classes == ("blue", "green", "red")
    assert data.spec.inputs[0].shape == (16, 20, 3)
    assert (len(data.train), len(data.validation), len(data.test)) == (21, 3, 6)
    raw = data.test.batch([0, 1])["image"]
    assert raw[0].startswith(b"\xff\xd8")
    assert np.bincount(data.train.targets()).tolist() == [7, 7, 7]
    assert datasets.load(tmp_path / "own").fingerprint == data.fingerprint
    assert datasets.load(tmp_path / "own", image_size=8).spec.inputs[0].shape == (8, 8, 3)


def test_folders_of_splits(tmp_path):
    for split, count in (("train", 6), ("val", 2), ("test", 3)):
        fill(tmp_path / "own" / split, count)
    data = datasets.load(tmp_path / "own")
    assert (len(data.train), len(data.validation), len(data.test)) == (18, 6, 9)
    split = datasets.read(tmp_path / "own", data.spec)
    np.testing.assert_array_equal(split.targets(), data.test.targets())
    for path in (tmp_path / "own" / "test" / "red").iterdir():
        path.unlink()
    assert "has the class folder 'red' in train only; expected" in refused(tmp_path / "own")


def test_a_class_may_be_called_train(tmp_path):
    folder = fill(tmp_path / "own")
    (folder / "red").rename(folder / "train")
    assert datasets.load(folder).spec.classes == ("blue", "green", "train")


def test_two_folders_of_one_split_are_refused(tmp_path):
    for split in ("train", "val", "validation"):
        fill(tmp_path / "own" / split)
    assert "has both val and validation; expected one folder a split" in refused(tmp_path / "own")


def test_looking_tells_what_the_pictures_are(tmp_path):
    folder = fill(tmp_path / "own")
    picture(COLORS["red"], (40, 30)).convert("L").save(folder / "red" / "large.png")
    result = CliRunner().invoke(zoo_command, ["data", "show", str(folder), "--image-size", "8"])
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "files 19, 1 of them gray" in lines
    assert "sizes 2, from 16 x 20 to 30 x 40" in lines
    assert "model sees 8 x 8 x 3; --image-size says another" in lines


@pytest.mark.slow
def test_train_evaluate_predict_export(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "own", count=12)
    run = zoo.train("cnn-small", data="own", **{**TINY, "epochs": 30}, learning_rate=0.01)
    scores = zoo.evaluate(run)["scores"]
    assert scores["accuracy"] == 1
    path = zoo.export(run)["path"]
    assert zoo.evaluate(path, "own")["scores"]["accuracy"] == 1
    photo = (tmp_path / "own" / "red" / "0.jpg").read_bytes()
    large = io.BytesIO()
    picture(COLORS["green"], (90, 50)).save(large, "PNG")
    answers = zoo.predict(path, {"image": [photo, large.getvalue()]})
    assert answers["label"].tolist() == ["red", "green"]


def test_sizes_that_differ_and_gray(tmp_path):
    fill(tmp_path / "own")
    picture(COLORS["red"], (30, 30)).save(tmp_path / "own" / "red" / "large.png")
    assert datasets.load(tmp_path / "own").spec.inputs[0].shape == (224, 224, 3)
    for path in (tmp_path / "own").rglob("*.*"):
        Image.open(path).convert("L").save(path)
    assert datasets.load(tmp_path / "own", image_size=8).spec.inputs[0].shape == (8, 8, 1)


@pytest.mark.parametrize("suffix", [".webp", ".bmp", ".gif", ".tif"])
def test_other_formats_are_given_as_png(tmp_path, suffix):
    data = datasets.load(fill(tmp_path / "own", suffix=suffix))
    content = data.train.batch([0])["image"][0]
    assert content.startswith(b"\x89PNG")
    path = data.train.arrays["image"].paths[data.train.rows[0]]
    with Image.open(path) as image:
        expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(content))), expected)


def test_the_colors_of_print_are_read_in_gray_too(tmp_path):
    fill(tmp_path / "own")
    for path in sorted((tmp_path / "own").rglob("*.jpg")):
        Image.open(path).convert("L").save(path)
    data = datasets.load(tmp_path / "own")
    picture(COLORS["red"]).convert("CMYK").save(tmp_path / "own" / "red" / "3.jpg")
    split = datasets.read(tmp_path / "own", data.spec)
    decoded = ImagePreprocessor.fit(data.spec, split).encode_split(split)
    assert decoded.shape == (18, 16, 20, 1)
    assert abs(decoded[15].mean() - decoded[16].mean()) < 12  # another picture of the same red


@pytest.mark.parametrize("turn", range(1, 9))
def test_photos_are_given_upright(tmp_path, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[:8, :12] = 255
    Image.fromarray(pixels).save(tmp_path / "x.jpg", exif=exif, quality=100, subsampling=0)
    upright = np.asarray(
        Image.open(io.BytesIO(pictures.upright((tmp_path / "x.jpg").read_bytes())))
    )
    undo = {
        1: lambda x: x, 2: lambda x: x[:, ::-1], 3: lambda x: x[::-1, ::-1], 4: lambda x: x[::-1],
        5: lambda x: x.swapaxes(0, 1), 6: lambda x: np.rot90(x, -1),
        7: lambda x: x[::-1, ::-1].swapaxes(0, 1), 8: lambda x: np.rot90(x),
    }[turn]  # fmt: skip
    expected = undo(pixels)
    assert upright.shape == expected.shape
    assert np.abs(upright.astype(int) - expected).mean() < 8
    look = pictures._look(tmp_path / "x.jpg")
    assert (look.height, look.width) == expected.shape[:2]


def test_fractions_are_refused(tmp_path):
    folder = fill(tmp_path / "own")
    Image.fromarray(RNG.random((16, 20)).astype("float32")).save(folder / "red" / "9.tiff")
    assert "9.tiff' holds fractions; expected a picture of 8 or 16 bits" in refused(folder)


def test_sixteen_bits_become_eight(tmp_path):
    deep = (np.arange(256, dtype=np.uint16).reshape(16, 16) * 257).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "x.tif")
    found = np.asarray(Image.open(io.BytesIO(pictures.upright((tmp_path / "x.tif").read_bytes()))))
    np.testing.assert_array_equal(found, deep >> 8)


def png_of(width, height):
    """Return the beginning of a PNG that promises a size."""
    header = struct.pack(">II5B", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    crc = struct.pack(">I", zlib.crc32(chunk))
    begin = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + crc
    return begin + struct.pack(">I", 9) + b"IDAT" + b"\0" * 99 + b"IEND"


BAD = {
    "empty": (lambda good: b"", "is empty"),
    "cut off": (lambda good: good[: len(good) // 2], "it is cut off"),
    "text": (lambda good: b"hello\n" * 99, "its content is none"),
    "large": (lambda good: png_of(10_000, 10_000), "10,000 x 10,000 pixels, more than"),
    "huge": (lambda good: png_of(30_000, 30_000), "900000000 pixels"),
    "postscript": (lambda good: b"%!PS-Adobe-3.0 EPSF-3.0\n" + good, "its content is none"),
}


@pytest.mark.parametrize("name", BAD)
def test_damaged_pictures_are_named_or_left_out(tmp_path, name):
    spoil, said = BAD[name]
    folder = fill(tmp_path / "own", size=(64, 64))
    path = folder / "red" / "3.jpg"
    path.write_bytes(spoil(path.read_bytes()))
    message = refused(folder)
    assert "red/3.jpg' cannot be read as a picture" in message or "red/3.jpg' is empty" in message
    assert said in message
    assert message.endswith("or leave such rows out with --on-bad-example skip")
    data = datasets.load(folder, on_bad_example="skip")
    assert data.skipped == 1
    assert data.notes[0].startswith("1 of 18 row is left out: 3.jpg ")
    path.unlink()
    assert datasets.load(folder).fingerprint == data.fingerprint


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_what_a_telephone_adds_behind_a_picture(tmp_path, suffix):
    folder = fill(tmp_path / "own", suffix=suffix, size=(64, 64))
    path = folder / "red" / f"3{suffix}"
    whole = path.read_bytes()
    path.write_bytes(whole + b"film" * 1000)
    data = datasets.load(folder)
    decoded = ImagePreprocessor.fit(data.spec, data.train).encode_split(data.train)
    assert decoded.shape == (len(data.train), 64, 64, 3)


def test_a_picture_within_a_picture_is_not_its_end(tmp_path):
    folder = fill(tmp_path / "own", size=(128, 128))
    path = folder / "red" / "3.jpg"
    picture(COLORS["red"], (128, 128)).save(path, comment=b"\xff\xd9", quality=95)
    path.write_bytes(path.read_bytes()[:-2000])
    assert "it is cut off" in refused(folder)


def damage(path):
    begin, table, rest = path.read_bytes().partition(b"\xff\xc4")  # of Huffman codes
    path.write_bytes(begin + table + rest[:3] + b"\xff" * 16 + rest[19:])


def files_of(split):
    return [split.arrays["image"].paths[row] for row in split.rows]


@pytest.mark.parametrize("split", ["train", "test"])
def test_damage_further_in_is_named_before_training(tmp_path, monkeypatch, split):
    monkeypatch.chdir(tmp_path)
    path = files_of(getattr(datasets.load(fill(tmp_path / "own")), split))[-1]
    damage(path)
    with pytest.raises(InputError, match=f"{path.relative_to(tmp_path)}' is damaged further"):
        zoo.train("cnn-small", data="own", **TINY)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("spoil", [pytest.param(damage, marks=pytest.mark.slow), Path.unlink])
def test_a_test_picture_lost_while_training_leaves_the_run_trained(tmp_path, spoil):
    folder, run = fill(tmp_path / "own"), str(tmp_path / "run")
    path = files_of(datasets.load(folder).test)[0]
    kept = path.read_bytes()
    with pytest.raises(InputError, match=f"{path}.* `zoo evaluate {run}` measures it"):
        zoo.train(
            "cnn-small", data=str(folder), run=run, **TINY,
            say=lambda message: spoil(path) if message.startswith("Trained") else None,
        )  # fmt: skip
    with pytest.raises(InputError, match="Put back what it was, or name what to measure on"):
        zoo.evaluate(run)
    path.write_bytes(kept)
    scores = zoo.evaluate(run)["scores"]
    assert zoo.api.resume(run).metrics["scores"] == scores


def test_damage_further_in_is_named_in_answers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = zoo.train("cnn-small", data=fill(tmp_path / "own"), **TINY)
    path = tmp_path / "own" / "red" / "3.jpg"
    damage(path)
    answered = CliRunner().invoke(zoo_command, ["predict", str(run), str(path.parent)])
    assert "red/3.jpg' is damaged further in" in str(answered.exception)


def test_what_is_no_folder_of_classes(tmp_path):
    (tmp_path / "none").mkdir()
    assert "has no usable train file" in refused(tmp_path / "none")
    (tmp_path / "none" / "a").mkdir()
    assert "has no usable train file" in refused(tmp_path / "none")
    picture(COLORS["red"]).save(tmp_path / "none" / "a" / "1.png")
    assert "has one class, 'a'; expected two classes" in refused(tmp_path / "none")
    (tmp_path / "none" / "b").mkdir()
    (tmp_path / "none" / "b" / "notes.txt").write_text("none")
    assert "has one class, 'a'; expected two classes" in refused(tmp_path / "none")
    assert "--image-size received 8 for 'digits'" in refused("digits", image_size=8)
    fill(tmp_path / "own")
    assert "cannot be read as 'vector'" in refused(tmp_path / "own", kind="vector")


def test_measuring_on_one_class(tmp_path):
    folder = fill(tmp_path / "own")
    spec = datasets.load(folder).spec
    for name in ("blue", "green"):
        shutil.rmtree(folder / name)
    assert datasets.read(folder, spec).targets().tolist() == [2] * 6
    (folder / "red").rename(folder / "violet")
    with pytest.raises(InputError, match=r"Unknown class 'violet'\. Expected one of: blue, green"):
        datasets.read(folder, spec)


def test_pictures_in_no_known_layout(tmp_path):
    fill(tmp_path / "own" / "animals")
    assert "holds pictures in no layout that is known" in refused(tmp_path / "own")


def test_what_is_left_out_is_said(tmp_path):
    folder = fill(tmp_path / "own")
    (folder / "red" / "old").mkdir()
    (folder / "red" / "3.heic").touch()
    (folder / "red" / ".hidden").touch()
    (folder / "violet").mkdir()
    (said,) = datasets.load(folder).notes
    assert said.endswith("nor folders of them: own/violet, red/3.heic, red/old")
    fill(tmp_path / "split" / "train")
    (tmp_path / "split" / "test").mkdir()
    picture(COLORS["red"]).save(tmp_path / "split" / "test" / "unknown.png")
    assert datasets.load(tmp_path / "split").notes[0].endswith("of them: split/test")


def test_a_train_file_comes_before_pictures(tmp_path):
    folder = fill(tmp_path / "own")
    rows = "".join(f"{i},{'ab'[i % 2]}\n" for i in range(30))
    (folder / "train.csv").write_text("x,label\n" + rows)
    assert datasets.load(folder).spec.kind == "table"


def test_a_class_whose_name_is_no_text(tmp_path):
    folder = fill(tmp_path / "own")
    (folder / "red").rename(os.fsdecode(os.fsencode(folder) + b"/\xff"))
    assert "is no UTF-8; expected a name that is" in refused(folder)


def test_two_pictures_are_too_few(tmp_path):
    folder = fill(tmp_path / "own", count=1)
    (folder / "red" / "0.jpg").unlink()
    assert "has 2 usable rows; expected one at least for each of 3 splits" in refused(folder)


def test_duplicates_across_splits_are_reported(tmp_path):
    from zoo.datasets.audit import audit

    for split in ("train", "test"):
        fill(tmp_path / "own" / split)
    copy = (tmp_path / "own" / "train" / "red" / "0.jpg").read_bytes()
    (tmp_path / "own" / "test" / "red" / "0.jpg").write_bytes(copy)
    report = audit(datasets.load(tmp_path / "own"))
    shared = report["shared_rows"]
    assert shared["train and test"] + shared["validation and test"] == 1


@pytest.mark.slow
def test_pictures_are_made_and_copied_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "own", size=(16, 16))
    made = zoo.train("dcgan", data="own", steps=2, set={"filters": 4, "latent_dim": 4})
    assert zoo.load(made).make(3)["image"].shape == (3, 16, 16, 3)
    run = zoo.train("autoencoder", data="own", task="reconstruction", epochs=1, set={"units": (4,)})
    assert zoo.evaluate(run, "own")["examples"] == 18


def test_a_photo_is_answered_whatever_its_form(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = zoo.train("cnn-small", data=fill(tmp_path / "own"), **TINY)
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = RNG.integers(256, size=(16, 20, 3)).astype("uint8")
    Image.fromarray(pixels).save("upright.png")
    Image.fromarray(np.rot90(pixels)).save("turned.png", exif=exif)
    Image.fromarray(pixels).save("x.webp", lossless=True)
    answers = {
        CliRunner().invoke(zoo_command, ["predict", str(run), name]).stdout.replace(name, "")
        for name in ("upright.png", "turned.png", "x.webp")
    }
    assert len(answers) == 1
    assert "probability_red" in answers.pop()
