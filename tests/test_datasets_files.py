"""Users' files that are read as they should be."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest

from zoo import datasets, progress
from zoo.datasets import delimited
from zoo.datasets.base import Column, raw_values
from zoo.datasets.columns import find_date_formats
from zoo.datasets.files import read_frame


def table(rows=60):
    random = np.random.RandomState(0)
    return pd.DataFrame(
        {
            "size": np.round(random.randn(rows), 3),
            "color": random.choice(["red", "green", "blue"], rows),
            "open": random.choice([True, False], rows),
            "day": pd.date_range("2024-01-01", periods=rows).strftime("%Y-%m-%d"),
            "label": random.choice(["yes", "no"], rows),
        }
    )


@pytest.fixture
def write(tmp_path):
    def write(text, name="data.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def kinds(data):
    return {column.name: column.kind for column in data.spec.inputs}


def values(split, name):
    return split.batch(np.arange(len(split)))[name].tolist()


WRITERS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    "csv.gz": lambda frame, path: frame.to_csv(path, index=False),
    "parquet": lambda frame, path: frame.to_parquet(path),
    "jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True),
}


@pytest.mark.parametrize("suffix", list(WRITERS))
def test_every_format_gives_the_same_data_set(tmp_path, suffix):
    WRITERS["csv"](table(), tmp_path / "expected.csv")
    WRITERS[suffix](table(), tmp_path / f"data.{suffix}")
    expected = datasets.load(tmp_path / "expected.csv")
    data = datasets.load(tmp_path / f"data.{suffix}")
    assert data.spec == expected.spec
    assert data.fingerprint == expected.fingerprint
    assert kinds(data) == {"size": "number", "color": "category", "open": "category", "day": "date"}
    assert data.spec.classes == ("no", "yes")


def test_missing_values_are_kept(write):
    data = datasets.load(
        write("a,b,label\n" + "1,x,p\n,y,q\n2,,p\n3,NA,q\nnan,x,p\n?,y,q\n" * 5), test_fraction=0,
        validation_fraction=0,
    )  # fmt: skip
    assert np.isnan(values(data.train, "a")).sum() == 15
    assert values(data.train, "b")[:4] == ["x", "y", "", ""]


def test_rows_without_a_target_are_left_out_with_a_note(write):
    data = datasets.load(write("a,label\n" + "1,x\n2,\n3,y\n" * 10))
    assert len(data.train) + len(data.validation) + len(data.test) == 20
    assert data.notes == ["10 of 30 rows are left out: their target is missing"]


def test_columns_of_no_use_are_ignored_with_a_note(write):
    rows = [f"{i},name {i},7,,a,{i % 7},{i % 2}" for i in range(40)]
    data = datasets.load(write("id,name,same,none,letter,x,label\n" + "\n".join(rows)))
    assert kinds(data) == {"x": "number"}
    assert [note.split(": ")[1] for note in data.notes] == [
        "it counts the rows",
        "40 different texts in 40 rows, an identifier or prose",
        "it is always 7",
        "all its values are missing",
        "it is always 'a'",
    ]


def test_numbers_with_a_few_words_among_them_are_pointed_out(write):
    rows = [f"{i},{i % 3},{i % 2}" for i in range(60)]
    rows[7] = "unknown,1,0"
    data = datasets.load(write("a,b,label\n" + "\n".join(rows)))
    assert "numbers but for 'unknown'" in data.notes[0]


def test_types_that_change_further_down_become_strings(write, monkeypatch):
    monkeypatch.setattr(delimited, "CHUNK", 1_000)
    rows = [f"{i},0{i % 5},{i % 3}" for i in range(7_000)] + [f"{i},x,1" for i in range(1_000)]
    data = datasets.load(write("a,code,label\n" + "\n".join(rows)))
    assert kinds(data) == {"a": "number", "code": "category"}
    assert set(values(data.train, "code")) == {"00", "01", "02", "03", "04", "x"}


def test_strings_stay_as_they_are_written(write):
    data = datasets.load(write("a,b,label\n" + "007,true,x\n7,false,y\nx,true,x\n" * 10))
    assert set(values(data.train, "a")) == {"007", "7", "x"}
    assert set(values(data.train, "b")) == {"True", "False"}  # but for these two


def test_chunks_that_start_empty_do_not_decide_a_type(write, monkeypatch):
    monkeypatch.setattr(delimited, "CHUNK", 1_000)
    rows = [f",{i},{i % 3}" for i in range(6_000)] + [f"x{i % 2},{i},1" for i in range(2_000)]
    data = datasets.load(write("code,a,label\n" + "\n".join(rows)))
    assert kinds(data) == {"code": "category", "a": "number"}


@pytest.mark.parametrize(
    ("dates", "format"),
    [
        (["2024-01-31", "2023-12-01"], "%Y-%m-%d"),
        (["2024/01/31", "2023/12/01"], "%Y/%m/%d"),
        (["31/01/2024", "1/12/2023"], "%d/%m/%Y"),
        (["01/31/2024", "12/1/2023"], "%m/%d/%Y"),
        (["31.01.2024"], "%d.%m.%Y"),
        (["2024-01-31 10:00", "2024-01-31 23:59"], "%Y-%m-%d %H:%M"),
        (["2024-01-31T10:00:01"], "%Y-%m-%dT%H:%M:%S"),
        (["2024-01-31T10:00:01.250Z"], "%Y-%m-%dT%H:%M:%S.%f%z"),
        (["2024-01-31T10:00:01+02:00"], "%Y-%m-%dT%H:%M:%S%z"),
        (["2024-13-31"], None),
        (["2024-01-31", "soon"], None),
        (["red"], None),
        ([], None),
    ],
)
def test_date_formats(dates, format):
    assert next(iter(find_date_formats(dates)), None) == format


def test_an_ambiguous_date_is_said(write):
    rows = [f"0{i % 9 + 1}/0{i % 8 + 1}/2024,{i % 2}" for i in range(40)]
    data = datasets.load(write("when,label\n" + "\n".join(rows)))
    assert data.spec.inputs == (Column("when", "date", format="%m/%d/%Y"),)
    assert data.notes == ["column 'when' is read as %m/%d/%Y; %d/%m/%Y would fit too"]


def test_european_csv(write):
    data = datasets.load(write("a;b;label\n" + "1,5;2;x\n2,5;3;y\n" * 5))
    assert kinds(data) == {"a": "number", "b": "number"}
    assert set(values(data.train, "a")) == {1.5, 2.5}


@pytest.mark.parametrize(
    ("column", "task", "classes"),
    [
        ([3, 1, 2, 1, 3] * 8, "classification", ("1", "2", "3")),
        ([0, 1] * 20, "classification", ("0", "1")),
        ([2.5, 1] * 20, "regression", ()),
        (list(range(40)), "regression", ()),
        ([10, 9, 2, 1] * 10, "classification", ("1", "2", "9", "10")),
        ([True, False] * 20, "classification", ("False", "True")),
    ],
)
def test_the_task_is_seen_from_the_target(tmp_path, column, task, classes):
    frame = pd.DataFrame({"x": np.arange(40) % 13, "out": column})
    frame.to_csv(tmp_path / "data.csv", index=False)
    spec = datasets.load(tmp_path / "data.csv", target="out").spec
    assert (spec.task, spec.classes) == (task, classes)


def test_several_targets(tmp_path):
    random = np.random.RandomState(0)
    frame = pd.DataFrame(random.randn(40, 3), columns=["x", "p", "q"])
    frame["a"], frame["b"] = random.randint(0, 2, (2, 40))
    frame.to_csv(tmp_path / "data.csv", index=False)
    data = datasets.load(tmp_path / "data.csv", target=["p", "q"])
    assert data.spec.task == "regression"
    assert data.train.targets().shape == (28, 2)
    assert kinds(data) == {"x": "number", "a": "number", "b": "number"}
    data = datasets.load(tmp_path / "data.csv", target=["a", "b"])
    assert (data.spec.task, data.spec.classes) == ("multi-label", ("a", "b"))
    assert data.train.targets().dtype == np.float32
    assert datasets.load(tmp_path / "data.csv", target="a", task="regression").spec.classes == ()


def test_lists_of_strings_are_labels(write):
    records = [{"x": i % 7, "tags": [["a"], ["a", "b"], []][i % 3]} for i in range(30)]
    path = write("\n".join(map(json.dumps, records)), "data.jsonl")
    data = datasets.load(path, target="tags")
    assert (data.spec.task, data.spec.classes) == ("multi-label", ("a", "b"))
    assert data.train.targets().sum(axis=0).min() > 0
    again = datasets.read(path, data.spec)
    assert again.targets()[:3].tolist() == [[1, 0], [1, 1], [0, 0]]


def test_reconstruction_keeps_every_column(write):
    path = write("a,label\n" + "\n".join(f"{i % 7},{i % 2}" for i in range(30)))
    data = datasets.load(path, task="reconstruction")
    assert kinds(data) == {"a": "number", "label": "number"}
    assert data.train.targets() is None


def test_explicit_splits_by_files_folder_and_column_agree(tmp_path):
    frame = table(60)
    parts = {"train": frame[:40], "validation": frame[40:48], "test": frame[48:]}
    for name, part in parts.items():
        part.to_csv(tmp_path / f"{name}.csv", index=False)
    frame["part"] = ["train"] * 40 + ["val"] * 8 + ["test"] * 12
    (tmp_path / "one").mkdir()
    frame.to_csv(tmp_path / "one" / "all.csv", index=False)
    folder = datasets.load(tmp_path)
    files = datasets.load(
        tmp_path / "train.csv", validation=tmp_path / "validation.csv", test=tmp_path / "test.csv"
    )
    column = datasets.load(tmp_path / "one" / "all.csv", split_column="part")
    assert [len(folder.train), len(folder.validation), len(folder.test)] == [40, 8, 12]
    assert folder.fingerprint == files.fingerprint == column.fingerprint
    assert folder.spec == files.spec == column.spec


def test_a_split_that_is_not_given_is_made(tmp_path):
    table(60).to_csv(tmp_path / "a.csv", index=False)
    table(20).to_csv(tmp_path / "b.csv", index=False)
    data = datasets.load(tmp_path / "a.csv", test=tmp_path / "b.csv")
    assert [len(data.train), len(data.validation), len(data.test)] == [54, 6, 20]


def test_types_that_differ_between_files_become_strings(write):
    train = write("a,label\n" + "1,x\n2,y\n" * 20, "train.csv")
    write("a,label\n" + "1,x\nn,y\n" * 2, "test.csv")
    data = datasets.load(train.parent)
    assert kinds(data) == {"a": "category"}


def test_arrays(tmp_path):
    random = np.random.RandomState(0)
    x, y = random.randn(50, 6), np.arange(50) % 3
    np.savez(tmp_path / "v.npz", x=x, y=y)
    data = datasets.load(tmp_path / "v.npz")
    assert data.spec.inputs == (Column("vector", "vector", (6,)),)
    assert (data.spec.task, data.spec.classes) == ("classification", ("0", "1", "2"))
    np.savez(tmp_path / "r.npz", x=x, y=x[:, :2])
    assert datasets.load(tmp_path / "r.npz").spec.targets == ("y0", "y1")
    np.savez(tmp_path / "o.npz", x=x, y=np.eye(3)[y])
    assert datasets.load(tmp_path / "o.npz").spec.classes == ("0", "1", "2")
    np.savez(tmp_path / "n.npz", x=x)
    assert datasets.load(tmp_path / "n.npz").spec.task == "reconstruction"


def test_arrays_with_splits_are_pictures_when_they_are_bytes(tmp_path):
    random = np.random.RandomState(0)
    x = random.randint(0, 256, (60, 5, 4)).astype(np.uint8)
    y = np.arange(60) % 30
    np.savez(tmp_path / "p.npz", x_train=x[:50], y_train=y[:50], x_test=x[50:], y_test=y[50:])
    data = datasets.load(tmp_path / "p.npz")
    assert data.spec.inputs == (Column("image", "image", (5, 4, 1)),)
    assert len(data.spec.classes) == 30
    assert (len(data.train), len(data.validation), len(data.test)) == (45, 5, 10)
    assert np.array_equal(data.test.batch(range(10))["image"][..., 0], x[50:])
    assert len(datasets.read(tmp_path / "p.npz", data.spec)) == 10


def test_text_files(write):
    blocks = [f"block {i}\nof two lines" for i in range(20)]
    whole = "\n\n".join(blocks)
    data = datasets.load(write(whole, "a.txt"))
    assert (data.spec.kind, data.spec.task) == ("text", "language-modelling")
    parts = [str(*split.documents) for split in (data.train, data.validation, data.test)]
    assert "".join(parts) == whole
    assert [len(part.split("\n\n")) - part.endswith("\n\n") for part in parts] == [14, 2, 4]
    assert data.notes == ["one running text, the end of which is for validation and test"]
    assert len(datasets.read(write("one", "c.txt"), data.spec)) == 1


def test_a_file_is_read_whole_as_the_spec_says(write, tmp_path):
    table().to_csv(tmp_path / "train.csv", index=False)
    data = datasets.load(tmp_path / "train.csv")
    path = write(
        "label,day,open,color,extra,size\nyes,2030-05-06,True,pink,1,\nno,,False,2,2,7\n", "new.csv"
    )
    split = datasets.read(path, data.spec)
    raw = split.batch([0, 1])
    assert list(raw) == ["size", "color", "open", "day"]
    assert np.isnan(raw["size"][0])
    assert raw["color"].tolist() == ["pink", "2"]
    assert raw["day"].tolist() == ["2030-05-06", ""]
    assert split.targets().tolist() == [1, 0]
    path = write("day,open,color,size\n2030-05-06,True,1,1\n", "predict.csv")
    raw = datasets.read(path, data.spec, targets=False).batch([0])
    assert raw["color"].tolist() == ["1"]


@pytest.mark.parametrize(
    ("train", "new"), [("1,2", "1.0,2.0"), ("1.0,2.0", "01,2"), ("a,b", "a,b")]
)
def test_classes_written_another_way_are_the_same(write, train, new):
    first, second = train.split(",")
    data = datasets.load(write("x,label\n" + f"1,{first}\n2,{second}\n" * 10))
    first, second = new.split(",")
    split = datasets.read(write(f"x,label\n1,{second}\n2,{first}\n", "n.csv"), data.spec)
    assert split.targets().tolist() == [1, 0]


def test_raw_values_of_any_series():
    assert raw_values(pd.Series(["a", None, "b"]), Column("c", "category")).tolist() == [
        "a",
        "",
        "b",
    ]
    assert raw_values(pd.Series([1, 2]), Column("c", "category")).tolist() == ["1", "2"]
    assert raw_values(pd.Series([1, 2]), Column("c", "number")).dtype == np.float64


def test_quoted_fields_and_gzip(tmp_path):
    text = "a,b,label\n" + '1,"x, ""y""\nz",p\n2,w,q\n' * 10
    with gzip.open(tmp_path / "q.csv.gz", "wt") as file:
        file.write(text)
    frame = read_frame(tmp_path / "q.csv.gz")
    assert frame["b"].cat.categories.tolist() == ["w", 'x, "y"\nz']


def test_parquet_types(tmp_path):
    frame = pd.DataFrame(
        {
            "count": pd.array([1, None, 3], dtype="Int64"),
            "when": pd.to_datetime(["2024-01-01 10:00", None, "2024-01-02 11:30"]),
            "level": pd.Categorical(["b", None, "a"]),
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    read = read_frame(tmp_path / "t.parquet")
    assert np.isnan(read["count"][1])
    assert read["when"].cat.categories.tolist() == ["2024-01-01 10:00:00", "2024-01-02 11:30:00"]
    assert read["level"].isna().tolist() == [False, True, False]


def test_slow_reading_says_so_once(write, monkeypatch, capsys):
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    monkeypatch.setattr(delimited, "CHUNK", 10)
    datasets.load(write("a,label\n" + "1,x\n2,y\n" * 20))
    assert capsys.readouterr().err == "Reading data.csv ...\n"
