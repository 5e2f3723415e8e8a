"""Tables that name pictures: found beside them, with labels and splits, and refused elsewhere."""

import numpy as np
import pytest
from colored import TINY, fill, refused

import zoo
from zoo import datasets


def table(folder, columns="path,label"):
    """Write a CSV that names the pictures of class folders."""
    rows = [
        f"{path.relative_to(folder)},{path.parent.name}" for path in sorted(folder.rglob("*.jpg"))
    ]
    (folder / "photos.csv").write_text("\n".join([columns, *rows]) + "\n")
    return folder / "photos.csv"


@pytest.mark.slow
def test_a_table_of_paths_and_labels(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = table(fill(tmp_path / "own", count=10))
    data = datasets.load(path)
    folder = datasets.load(tmp_path / "own")
    assert data.spec == folder.spec
    assert data.fingerprint == folder.fingerprint
    assert "the pictures that column 'path' names are the input" in data.notes[0]
    assert "has no column left to learn from" in refused(path, kind="table")
    run = zoo.train("cnn-small", data=str(path), image_size=8, **TINY)
    assert zoo.evaluate(run, path)["examples"] == 30
    assert len(zoo.predict(run, path)["label"]) == 30
    (tmp_path / "own" / "red" / "3.jpg").unlink()
    assert "red/3.jpg' does not exist; expected a picture" in refused(path)
    (tmp_path / "own" / "red" / "3.jpg").write_bytes(b"")
    assert "red/3.jpg' is empty" in refused(path)
    data = datasets.load(path, on_bad_example="skip")
    assert data.skipped == 1
    sizes = [len(data.train), len(data.validation), len(data.test)]
    assert sum(sizes) == 29
    targets = [split.targets() for split in (data.train, data.validation, data.test)]
    assert np.bincount(np.concatenate(targets)).tolist() == [10, 10, 9]


def test_a_table_whose_paths_lead_elsewhere(tmp_path):
    folder = fill(tmp_path / "own", count=10)
    lines = table(folder).read_text().splitlines()
    path = tmp_path / "photos.csv"
    path.write_text("\n".join(lines))
    message = refused(path)
    assert "column 'path' names pictures such as 'blue/0.jpg', none of which is in" in message
    assert "column 'path' is ignored: 30 different texts" in refused(path, kind="table")
    path.write_text("\n".join([lines[0], *(f"own/{line}" for line in lines[1:]), ",red"]))
    assert "photos.csv' line 32 has nothing in 'path'; expected a path" in refused(path)
    path.write_text("\n".join([lines[0], "none.jpg,red", *(f"own/{line}" for line in lines[1:])]))
    assert "none.jpg' does not exist" in refused(path)
    data = datasets.load(path, on_bad_example="skip")
    assert data.fingerprint == datasets.load(folder).fingerprint


def test_a_table_of_paths_labels_and_splits(tmp_path):
    path = table(fill(tmp_path / "own", count=10))
    header, *lines = path.read_text().splitlines()
    parts = [("test", "val", "train", "train")[i % 4] for i in range(len(lines))]
    lines = [f"{line},{part}" for line, part in zip(lines, parts, strict=True)]
    path.write_text("\n".join([header + ",part", *lines]))
    data = datasets.load(path, split_column="part")
    assert (len(data.train), len(data.validation), len(data.test)) == (14, 8, 8)
    assert data.test.rows.tolist() == list(range(0, 30, 4))
    assert data.spec.classes == ("blue", "green", "red")
    assert "no other splits" in refused(tmp_path / "own", split_column="label")


def test_a_table_of_paths_and_several_labels(tmp_path):
    folder = fill(tmp_path / "own", count=10)
    rows = [
        f"{path.relative_to(folder)},{i % 2},{int(i % 3 == 0)}"
        for i, path in enumerate(sorted(folder.rglob("*.jpg")))
    ]
    (folder / "photos.csv").write_text("\n".join(["path,round,ripe", *rows]) + "\n")
    data = datasets.load(folder / "photos.csv", target=["round", "ripe"], task="multi-label")
    assert data.spec.classes == ("round", "ripe")
    assert data.spec.inputs[0].shape == (16, 20, 3)
    assert data.train.targets().shape == (21, 2)
