"""Named data sets, splits, and the doors `load` and `read`."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from zoo import datasets
from zoo.datasets import catalog
from zoo.datasets.base import Raw
from zoo.datasets.splits import Splitting, make_splits
from zoo.errors import InputError


@pytest.fixture
def own_rows(monkeypatch):
    catalog.names()
    monkeypatch.setattr(catalog, "_rows", dict(catalog._rows))


NAMES = [  # docstrings are read from hundreds of modules
    pytest.param(row.name, marks=[pytest.mark.slow] * (row.name == "docstrings"))
    for row in catalog._ROWS
]


def all_rows(data):
    return np.sort(np.concatenate([s.rows for s in (data.train, data.validation, data.test)]))


@pytest.mark.parametrize("name", NAMES)
def test_every_named_data_set_is_what_its_row_says(name):
    row = catalog.find(name)
    data = datasets.load(name)
    sizes = [len(data.train), len(data.validation), len(data.test)]
    assert data.spec.kind == row.kind
    assert data.spec.task == row.tasks[0]
    assert min(sizes) > 0
    assert row.examples in (None, sum(sizes))
    raw = data.test.batch([0, 1])
    assert list(raw) == [column.name for column in data.spec.inputs]
    assert all(len(values) == 2 for values in raw.values())
    assert data.notes == []
    assert datasets.load(name).fingerprint == data.fingerprint


@pytest.mark.parametrize("name", NAMES)
def test_every_task_of_a_row_can_be_asked_for(name):
    for task in catalog.find(name).tasks:
        data = datasets.load(name, task=task)
        assert data.spec.task == task
        if task in ("reconstruction", "image-synthesis"):
            assert data.train.targets() is None
            assert data.spec.targets == data.spec.classes == ()


def test_digits_fill_the_range_of_bytes():
    data = datasets.load("digits")
    raw = data.train.batch(np.arange(len(data.train)))["image"]
    assert raw.dtype == np.uint8
    assert raw.shape == (1257, 8, 8, 1)
    assert (raw.min(), raw.max()) == (0, 255)
    assert data.spec.classes == tuple("0123456789")
    assert data.train.targets().dtype == np.int32


def test_splits_do_not_overlap_and_hold_the_classes_shares():
    data = datasets.load("iris")
    assert all_rows(data).tolist() == list(range(150))
    assert np.bincount(data.test.targets()).tolist() == [10, 10, 10]


def test_split_depends_on_the_split_seed_alone():
    first, second = datasets.load("wine"), datasets.load("wine", split_seed=1)
    assert first.fingerprint != second.fingerprint
    assert not np.array_equal(first.test.rows, second.test.rows)
    same = datasets.load("wine", task="reconstruction")
    assert np.array_equal(first.test.rows, same.test.rows)


def test_a_class_of_one_row_trains():
    labels = np.array([0] * 50 + [1] * 50 + [2])
    splits = make_splits(np.arange(101), labels, {}, Splitting(), "x")
    assert 100 in splits["train"]
    assert len(splits["test"]) == 21
    assert len(splits["validation"]) == 11


@pytest.mark.parametrize("seed", range(5))
def test_every_class_trains_where_a_row_has_several(seed):
    shown = np.random.default_rng(seed).random((80, 20)) < np.linspace(0.01, 0.2, 20)
    splits = make_splits(np.arange(80), shown, {}, Splitting(seed=seed), "x")
    assert (shown[splits["train"]].any(axis=0) == shown.any(axis=0)).all()


def test_splits_may_be_left_out():
    data = datasets.load("iris", validation_fraction=0, test_fraction=0)
    assert [len(data.train), len(data.validation), len(data.test)] == [150, 0, 0]


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (-0.1, 0.2), (float("nan"), 0.1)])
def test_impossible_fractions_are_refused(fractions):
    with pytest.raises(InputError, match="expected 0 or more each and less than 1"):
        datasets.load("iris", validation_fraction=fractions[0], test_fraction=fractions[1])


def test_text_is_split_by_document():
    data = datasets.load("python-docs")
    everything = data.train.documents + data.validation.documents + data.test.documents
    assert len(everything) == len(set(everything))
    assert data.train.batch([0])["text"][0] == data.train.documents[0]
    assert data.train.targets() is None


def test_a_line_fails_on_spirals():
    from sklearn.linear_model import LogisticRegression

    data = datasets.load("spirals")
    points = np.stack(list(data.train.batch(np.arange(len(data.train))).values()), axis=1)
    assert (
        LogisticRegression().fit(points, data.train.targets()).score(points, data.train.targets())
        < 0.75
    )


def test_unknown_names_offer_the_nearest():
    with pytest.raises(InputError, match=r"Unknown data set 'digitz'\. Did you mean 'digits'"):
        datasets.load("digitz")
    with pytest.raises(InputError, match="Did you mean 'iris'"):
        catalog.find("irs")


def test_a_registered_data_set_is_loaded(own_rows):
    def squares() -> Raw:
        values = np.arange(40.0)
        return Raw("table", pd.DataFrame({"x": values, "y": values**2}), target=("y",))

    row = datasets.Row("squares", "table", ("regression",), "x squared", squares)
    datasets.register(row)
    datasets.register(row)
    assert datasets.names()[-1] == "squares"
    assert datasets.load("squares").spec.task == "regression"
    with pytest.raises(InputError, match="exists already"):
        datasets.register(datasets.Row("squares", "table", (), "other", squares))


@pytest.mark.parametrize(
    ("name", "task"),
    [("python-docs", "classification"), ("iris", "image-synthesis"), ("iris", "clasification")],
)
def test_an_impossible_task_is_refused(name, task):
    with pytest.raises(InputError, match=f"(cannot do|expected .* for) {task}.*( one of|try)"):
        datasets.load(name, task=task)


def test_a_task_the_target_does_not_allow_is_refused():
    for name, shown in {
        "iris": "'species' is a class, such as 'setosa'",
        "digits": "'digit' is a",
    }.items():
        with pytest.raises(InputError, match=f"{shown}.*expects numbers; try --task class"):
            datasets.load(name, task="regression")


def test_pictures_may_be_read_as_vectors_and_nothing_else_changes_kind():
    data = datasets.load("digits", kind="vector")
    assert data.spec.kind == "vector"
    assert data.train.batch([0])["vector"].dtype == np.float32
    with pytest.raises(InputError, match="is of kind table and cannot be read as 'image'"):
        datasets.load("iris", kind="image")


def test_files_do_not_go_with_a_named_data_set():
    with pytest.raises(InputError, match="for the data set 'iris'"):
        datasets.load("iris", test="x.csv")


@pytest.mark.parametrize("name", ["digits", "iris", "diabetes", "python-docs"])
def test_reading_a_name_gives_its_test_split(name):
    data = datasets.load(name)
    split = datasets.read(name, data.spec)
    first, second = split.batch([0, 3]), data.test.batch([0, 3])
    assert all(np.array_equal(first[key], second[key]) for key in second)
    if data.spec.targets:
        assert np.array_equal(split.targets(), data.test.targets())


def test_reading_a_name_of_another_kind_is_refused():
    spec = datasets.load("iris").spec
    with pytest.raises(InputError, match="kind image; expected table"):
        datasets.read("digits", spec)
    with pytest.raises(InputError, match="no column 'sepal_length'"):
        datasets.read("wine", spec)


def test_importing_and_listing_need_nothing_heavy():
    code = (
        "import sys, zoo.datasets; zoo.datasets.names();"
        "sys.exit(bool({'numpy', 'pandas', 'keras'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_true_and_false_are_read_however_they_are_written(tmp_path):
    def write(name, words):
        path = tmp_path / f"{name}.csv"
        rows = (f"{i},{words[i % len(words)]},{'ab'[i % 2]}\n" for i in range(40))
        path.write_text("x,open,label\n" + "".join(rows))
        return path

    data = datasets.load(write("train", ["true", "FALSE", "True", "", "false"]))
    train = data.train.batch(range(len(data.train)))["open"]
    assert set(train) == {"True", "False", ""}
    assert train[data.train.rows % 5 == 1].tolist() == ["False"] * int(
        (data.train.rows % 5 == 1).sum()
    )
    assert set(train[data.train.rows % 5 == 3]) == {""}
    for words in (["true"], ["TRUE", "False"]):
        split = datasets.read(write("new", words), data.spec)
        assert set(split.batch(range(len(split)))["open"]) == {word.title() for word in words}
    other = datasets.load(write("other", ["true", "maybe"]))
    assert set(other.train.batch(range(len(other.train)))["open"]) == {"True", "maybe"}
