"""Data sets of TensorFlow Datasets: small ones of this test, prepared by TFDS and read by name."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import zoo as api
from zoo import datasets
from zoo.datasets import tfds as reader
from zoo.errors import InputError
from zoo.preprocessing import images
from zoo.runs import Run

tfds = pytest.importorskip("tensorflow_datasets")

SIDE = 12
COUNTS = {"train": 40, "validation": 10, "test": 12}
TINY = ("--epochs", "1", "--batch-size", "8", "--set", "filters=4", "--set", "stages=2")


def picture(i, height=SIDE, width=SIDE):
    """Return a picture that is dark for the class 0 and bright for the class 1."""
    random = np.random.default_rng(i)
    return random.integers(100 * (i % 2), 100 * (i % 2) + 100, (height, width, 3)).astype(np.uint8)


def encoded(pixels):
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    held.seek(0)
    return held


class Small(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """What all have in common: two classes, and some splits of generated examples."""

    VERSION = tfds.core.Version("1.0.0")
    counts = tuple(COUNTS.items())
    keys = ("image", "label")
    label = tfds.features.ClassLabel(names=["night", "day"])

    def _info(self):
        features = tfds.features.FeaturesDict(self.holds())
        return tfds.core.DatasetInfo(
            builder=self, features=features, supervised_keys=self.keys, homepage="https://h.test"
        )

    def _split_generators(self, _):
        starts = np.cumsum([0, *dict(self.counts).values()])
        return {
            split: self._generate_examples(range(start, start + count))
            for (split, count), start in zip(self.counts, starts, strict=False)
        }

    def _generate_examples(self, rows):
        for i in rows:
            yield i, self.example(i)


class Squares(Small, skip_registration=True):
    def holds(self):
        return {
            "image": tfds.features.Image(shape=(SIDE, SIDE, 3), encoding_format="png"),
            "label": Small.label,
        }

    def example(self, i):
        return {"image": picture(i), "label": i % 2}


class Mixed(Small, skip_registration=True):
    counts = (("train", 40), ("test", 12), ("extra", 4))

    def holds(self):
        return {"image": tfds.features.Image(shape=(None, None, 3)), "label": Small.label}

    def example(self, i):
        return {"image": encoded(picture(i, 10 + i % 3, 14)), "label": i % 2}


class Vectors(Small, skip_registration=True):
    counts = (("train", 60),)
    keys = ("features", "label")

    def holds(self):
        return {
            "features": tfds.features.Tensor(shape=(3,), dtype=np.float32),
            "label": Small.label,
        }

    def example(self, i):
        return {"features": np.float32([i % 2, i, -i]), "label": i % 2}


class Passengers(Small, skip_registration=True):
    counts = (("train", 60),)
    keys = ({"age": "age", "cabin": "cabin", "class": "class"}, "survived")

    def holds(self):
        return {
            "age": np.float32,
            "cabin": tfds.features.Text(),
            "class": tfds.features.ClassLabel(names=["first", "second"]),
            "survived": tfds.features.ClassLabel(names=["no", "yes"]),
        }

    def example(self, i):
        row = {"age": i / 2, "cabin": "ABC"[i % 3], "class": i // 2 % 2}
        return {**row, "survived": -1 if i == 7 else i % 2}


class Pairs(Small, skip_registration=True):
    counts = (("train", 4),)
    keys = ("text", "label")

    def holds(self):
        return {"text": tfds.features.Text(), "label": Small.label}

    def example(self, i):
        return {"text": f"page {i}", "label": i % 2}


class Held(Squares, skip_registration=True):
    counts = (("test", 4),)


class Loose(Squares, skip_registration=True):
    keys = None


BUILDERS = (Squares, Mixed, Vectors, Passengers, Pairs, Held, Loose)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Return TFDS's folder with all of them; their code is not registered, so it is not used."""
    folder = tmp_path_factory.mktemp("tensorflow_datasets")
    tfds.disable_progress_bar()
    for builder in BUILDERS:
        builder(data_dir=folder).download_and_prepare()
    return folder


@pytest.fixture(autouse=True)
def _folder(prepared, monkeypatch):
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(prepared))


def pixels(split):
    return split.batch(range(len(split)))["image"]


def test_pictures_of_one_size():
    data = datasets.load("tfds:squares")
    assert data.spec.kind == "image"
    assert data.spec.inputs[0].shape == (SIDE, SIDE, 3)
    assert data.spec.classes == ("day", "night")
    assert [len(data.train), len(data.validation), len(data.test)] == list(COUNTS.values())
    bright = pixels(data.test).mean(axis=(1, 2, 3)) > 100
    np.testing.assert_array_equal(bright, data.test.targets() == 0)
    known = {picture(i).tobytes() for i in range(50, 62)}
    assert {row.tobytes() for row in pixels(data.test)} == known
    assert data.provenance == "TensorFlow Datasets squares/1.0.0, https://h.test"
    assert data.fingerprint == datasets.load("tfds:squares:1.0.0").fingerprint


def test_pictures_of_mixed_sizes():
    data = datasets.load("tfds:mixed", image_size=8)
    assert data.spec.inputs[0].shape == (8, 8, 3)
    assert (len(data.train), len(data.validation), len(data.test)) == (36, 4, 12)
    sizes = {Image.open(io.BytesIO(content)).size for content in pixels(data.test)}
    assert sizes == {(14, 10), (14, 11), (14, 12)}
    assert data.notes == ["not read: extra (only train, validation and test are)"]
    assert data.fingerprint == datasets.load("tfds:mixed", image_size=8).fingerprint


def test_another_size_and_too_many_stay_encoded(monkeypatch):
    assert datasets.load("tfds:squares", image_size="8x10").spec.inputs[0].shape == (8, 10, 3)
    monkeypatch.setattr(reader, "RESIDENT", 0)
    data = datasets.load("tfds:squares")
    assert data.spec.inputs[0].shape == (SIDE, SIDE, 3)
    assert pixels(data.train).dtype == object


def test_vectors():
    data = datasets.load("tfds:vectors")
    assert (data.spec.kind, data.spec.inputs[0].shape) == ("vector", (3,))
    assert len(data.train) + len(data.validation) + len(data.test) == 60
    values = data.train.batch(range(len(data.train)))["vector"]
    np.testing.assert_array_equal(values[:, 0] == 0, data.train.targets() == 1)


def test_tables():
    data = datasets.load("tfds:passengers")
    kinds = {column.name: column.kind for column in data.spec.inputs}
    assert kinds == {"age": "number", "cabin": "category", "class": "category"}
    assert (data.spec.targets, data.spec.classes) == (("survived",), ("no", "yes"))
    assert data.notes == ["1 of 60 rows are left out: their target is missing"]
    row = data.test.batch([0])
    assert row["class"][0] == ("first", "second")[int(row["age"][0] * 2) // 2 % 2]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["squares", "mixed"])
def test_a_run_finds_its_data_again(zoo, tmp_path, monkeypatch, name):
    monkeypatch.setattr(images, "RESIDENT", 0)  # what is encoded is decoded in every epoch
    run, size = tmp_path / "run", ("--image-size", "8") if name == "mixed" else ()
    code, _, err = zoo("train", "cnn-small", "--data", f"tfds:{name}", *size, *TINY, "--run", run)
    assert code == 0, err
    assert zoo("evaluate", run)[0] == 0
    again = api.evaluate(run, data=f"tfds:{name}")
    assert again["scores"] == api.evaluate(run)["scores"]
    code, _, err = zoo("train", "--resume", run, "--epochs", "2")
    assert code == 0, err
    assert Run.open(run).record["data"]["reference"] == f"tfds:{name}"


def test_what_is_streamed_is_what_is_kept():
    data = datasets.load("tfds:mixed", image_size=8)
    preprocessor = images.ImagePreprocessor.fit(data.spec, data.train)
    streamed = map(preprocessor.reader(data.train), tf.range(len(data.train)))
    np.testing.assert_array_equal(list(streamed), preprocessor.encode_split(data.train))


def test_a_damaged_picture_is_named_or_left_out(monkeypatch):
    plain = reader._batches

    def damaged(*arguments):
        for pictures, labels in plain(*arguments):
            yield [p[: 100 if i == 1 else None] for i, p in enumerate(pictures)], labels

    monkeypatch.setattr(reader, "_batches", damaged)
    with pytest.raises(InputError, match="'tfds:mixed/train/1' cannot be read as a picture: "):
        datasets.load("tfds:mixed")
    data = datasets.load("tfds:mixed", on_bad_example="skip")
    assert data.skipped == 2
    assert (len(data.train), len(data.validation), len(data.test)) == (35, 4, 11)


@pytest.mark.slow
def test_show_by_the_environment(prepared):
    """In a process of its own, as TFDS reads the variable once."""
    code = "from zoo.cli import main; main(['data', 'show', 'tfds:squares', '--json'])"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "TFDS_DATA_DIR": str(prepared)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["splits"] == COUNTS


WRONG = {
    "qqqqqq": r"TFDS has no data set 'qqqqqq'\. Expected one of its names, or what is prepared",
    "mnisst": r"TFDS has no data set 'mnisst'\. Did you mean 'mnist'",
    "mnist:99.9.9": r"cannot open 'mnist:99\.9\.9': .*only: .*\. Expected NAME\[/CONFIG\]\[:VER",
    "imagenette/160px-v3": r"160px-v3 not found.*\. Did you mean 'imagenette/160px-v2'",
    "pairs": r"holds label \(ClassLabel\), text \(Text\), with the supervised keys",
    "loose": r"holds image \(Image\), label \(ClassLabel\), with the supervised keys none",
    "held": r"has the splits test; expected train",
}


@pytest.mark.parametrize("name", WRONG)
def test_mistakes(name):
    with pytest.raises(InputError, match=WRONG[name]) as caught:
        datasets.load(f"tfds:{name}")
    assert "\n" not in str(caught.value)


def test_no_connection(monkeypatch):
    def fail(self, **_):
        raise ConnectionError("Failed to resolve 'storage.test'\n(Name or service not known)")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(
        InputError, match=r"cannot prepare 'tfds:mnist': Failed.*not known\); expec"
    ):
        datasets.load("tfds:mnist")


def test_what_does_not_fit_into_memory(monkeypatch):
    monkeypatch.setattr(reader, "memory", lambda: 1000)
    with pytest.raises(InputError, match="bytes; expected 500 at most, half of the memory"):
        datasets.load("tfds:squares")


def test_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(InputError, match=r"tfds:squares.*pip install 'keras-zoo\[tfds\]'"):
        datasets.load("tfds:squares")
