"""Pictures too many to be kept are read from their files while the step before is computed."""

import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from masked import digits, write_masks
from PIL import Image
from safetensors.numpy import load_file
from small import equal

import zoo
from zoo import datasets
from zoo.errors import InputError
from zoo.preprocessing import ImagePreprocessor, images
from zoo.training import feeding
from zoo.training.feeds import Resident, Streamed

OPTIONS = {"batch_size": 16, "set": {"filters": 4, "stages": 2, "depth": 1}, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of two classes of digits: PNG, and some that are given upright."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    folder = tmp_path_factory.mktemp("digits")
    for i in np.flatnonzero(digits.target < 2)[:150]:
        place = folder / str(digits.target[i])
        place.mkdir(exist_ok=True)
        pixels = (digits.images[i] * 15).astype(np.uint8)
        Image.fromarray(pixels).save(place / f"{i}.{'png' if i % 7 else 'webp'}", lossless=True)
    return folder


@pytest.fixture
def streamed(monkeypatch):
    monkeypatch.setattr(images, "RESIDENT", 0)


CASES = {
    "plain": {"epochs": 3},
    "augmented, weighed": {"epochs": 2, "augment": "flip,shift", "class_weight": "auto"},
    "accumulated": {"epochs": 2, "accumulate": 3},
    "ending within an epoch, compiled": {"steps": 11, "jit": "on"},
}


def timeless(log):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in log]


def arrays(run):
    """Return the weights in their order; their names hold counters of the process."""
    tensors = load_file(run.model_weights)
    return [tensors[name] for name in sorted(tensors)]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_training_is_what_it_is_from_memory(folder, tmp_path, monkeypatch, case):
    options = {"data": str(folder), **OPTIONS, **CASES[case]}
    kept = zoo.train("cnn-small", run=str(tmp_path / "kept"), **options)
    monkeypatch.setattr(images, "RESIDENT", 0)
    made = []
    monkeypatch.setattr(feeding, "Streamed", lambda *a: made.append(Streamed(*a)) or made[-1])
    read = zoo.train("cnn-small", run=str(tmp_path / "read"), **options)
    assert len(made) == 2  # training and validation examples
    equal(arrays(read), arrays(kept))
    assert timeless(read.log) == timeless(kept.log)


def test_a_name_that_is_no_text(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "own")
    before = datasets.load(copy)
    path = before.train.arrays["image"].paths[before.train.rows[0]]
    path.rename(os.fsdecode(os.fsencode(path.parent) + b"/\xff" + os.fsencode(path.name)))
    data = datasets.load(copy)
    preprocessor = ImagePreprocessor.fit(data.spec, data.train)
    read = preprocessor.reader(data.train)
    for row, picture in enumerate(preprocessor.encode_split(data.train)):
        np.testing.assert_array_equal(read(tf.constant(row)), picture)


def test_it_is_said(folder, tmp_path, streamed):
    said = []
    zoo.train("cnn-small", data=str(folder), steps=1, run=str(tmp_path / "r"), say=said.append)
    assert any("105 training examples read from their files" in line for line in said), said


def feed_of(folder, **how):
    train = datasets.load(folder, **how).train
    preprocessor = ImagePreprocessor("image", train.arrays["image"].shape[1:])
    make = lambda encoded, target: (preprocessor.tensors(encoded), target)  # noqa: E731
    feed = feeding.keep if preprocessor.fits(train) else feeding.stream
    return feed(train, preprocessor, make, train.targets(), None)


def test_any_step_is_opened_directly_and_the_next_one_goes_on(folder, monkeypatch):
    kept = feed_of(folder)
    monkeypatch.setattr(images, "RESIDENT", 0)
    read = feed_of(folder)
    assert (type(kept), type(read)) == (Resident, Streamed)
    order = tf.random.experimental.stateless_shuffle(tf.range(len(read)), [0, 0])
    first = read.source(order, 4, 6, 10)
    for i in (4, 5):
        held, indices = read.step(first, i, 10)
        expected = kept.batch(order[i * 10 : (i + 1) * 10])
        assert all(map(np.array_equal, held.batch(indices), expected))
    assert read.source(order, 6, 7, 10) is first
    assert read.source(order, 6, 7, 10) is not first  # step 6 again, which is over


def test_the_file_that_cannot_be_decoded_is_named(tmp_path, streamed):
    random = np.random.default_rng(0)
    for i in range(12):
        place = tmp_path / "photos" / "ab"[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(random.integers(256, size=(9, 9, 3)).astype("uint8"))
        picture.save(place / f"{i}.jpg")
    bad = tmp_path / "photos" / "a" / "6.jpg"
    begin, table, rest = bad.read_bytes().partition(b"\xff\xc4")  # of Huffman codes
    bad.write_bytes(begin + table + rest[:3] + b"\xff" * 16 + rest[19:])
    with pytest.raises(InputError, match=r"a/6\.jpg' is damaged further in"):
        zoo.train(
            "cnn-small", data=str(tmp_path / "photos"), epochs=1, run=str(tmp_path / "run"),
            validation_fraction=0.0, test_fraction=0.0, **OPTIONS,
        )  # fmt: skip


def test_a_file_that_is_gone_is_named(folder, tmp_path, streamed):
    feed = feed_of(folder, test_fraction=0.0, validation_fraction=0.0)
    path = sorted((folder / "0").iterdir())[0]
    kept = path.read_bytes()
    path.unlink()
    try:
        with pytest.raises(InputError, match=f"{path.name}.*cannot be read any more"):
            feed.explain(range(len(feed)))
    finally:
        path.write_bytes(kept)


def test_a_mask_that_is_gone_is_named(tmp_path, streamed):
    folder = write_masks(tmp_path / "masks", *digits(20))
    path = folder / "masks" / "004.png"
    with pytest.raises(InputError, match=f"{path}' cannot be read any more"):
        zoo.train(
            "unet-small", data=str(folder), steps=3, batch_size=20, set={"filters": 4, "depth": 1},
            validation_fraction=0.0, test_fraction=0.0, run=str(tmp_path / "run"),
            say=lambda message: path.unlink() if "training examples" in message else None,
        )  # fmt: skip


@pytest.mark.slow
def test_masks_are_read_with_their_pictures(tmp_path, monkeypatch):
    data = str(write_masks(tmp_path / "masks", *digits(40)))
    options = {"data": data, "epochs": 1, "batch_size": 8, "set": {"filters": 4, "depth": 1}}
    kept = zoo.train("unet-small", run=str(tmp_path / "kept"), **options)
    monkeypatch.setattr(images, "RESIDENT", 0)
    read = zoo.train("unet-small", run=str(tmp_path / "read"), **options)
    equal(arrays(read), arrays(kept))
    assert timeless(read.log) == timeless(kept.log)
