"""Bad input: one line that says what was received, what was expected, what to try."""

import gzip
import re

import numpy as np
import pandas as pd
import pytest

from zoo import datasets
from zoo.datasets import delimited
from zoo.errors import InputError

GOOD = "a,b,label\n" + "".join(f"{i},{i % 5},{'xy'[i % 2]}\n" for i in range(20))


@pytest.fixture
def refused(tmp_path):
    """Write a file, load it, and check the error."""

    def refused(content, pattern, name="data.csv", **options):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        with pytest.raises(InputError) as caught:
            datasets.load(path, **options)
        message = str(caught.value)
        assert re.search(pattern, message), message
        assert "\n" not in message
        assert re.search("[Ee]xpected|expects", message), message
        assert re.search("[Tt]ry|Did you mean", message), message

    return refused


CSV = {
    "empty": ("", "is empty"),
    "blank": ("\n\n", "is empty"),
    "header only": ("a,b,label\n", "no rows"),
    "cut in quotes": (GOOD + '1,"x', "ends inside a quoted field"),
    "not utf-8": (GOOD.encode() + b"1,2,caf\xe9\n", "not UTF-8 text: byte 0xe9"),
    "windows": (GOOD.encode() + b"1,2,5\x80\n", "iconv -f CP1252 -t UTF-8 data.csv"),
    "utf-16": (GOOD.encode("utf-16"), "zero bytes|not UTF-8"),
    "binary": (GOOD.encode() + b"\0\0\0", "zero bytes"),
    "too many fields": (GOOD + "1,2,x,4\n", "line 22 has 4 fields; expected 3"),
    "too few fields": (GOOD + "1,2\n", "line 22 has 2 fields; expected 3"),
    "double column": ("a,a,label\n1,2,x\n", "more than one column named 'a'"),
    "constant target": ("a,label\n" + "1,x\n2,x\n" * 5, "'label' is always x"),
    "missing target": ("a,label\n" + "1,\n2,\n" * 5, "'label' is missing in all 10 rows"),
    "infinite input": (GOOD + "inf,1,x\n", "column 'a' has 1 infinite values, the first in row 21"),
    "one row": ("a,label\n1,x\n", "1 usable row;"),
    "no column left": ("a,label\n" + "1,x\n1,y\n" * 5, "no column left to learn from: column 'a'"),
    "no usual target": (GOOD.replace("label", "kind"), "--target with one of: a, b, kind"),
}


@pytest.mark.parametrize("case", list(CSV))
def test_csv(refused, case):
    refused(*CSV[case])


OPTIONS = {
    "target absent": ({"target": "lable"}, "Unknown target column 'lable'. Did you mean 'label'"),
    "drop absent": ({"drop": ("c",)}, "no column 'c' for --drop"),
    "split column absent": ({"split_column": "part"}, "no column 'part' for --split-column"),
    "split column of letters": ({"split_column": "label", "target": "b"}, "holds 'x', 'y'; exp"),
    "strings for regression": ({"task": "regression"}, "is a class, such as 'x'; regr"),
    "strings among targets": ({"target": ("a", "label")}, "'label' holds 'x'"),
    "two targets for one class": (
        {"target": ("a", "b"), "task": "classification"},
        "are several columns; classification expects one",
    ),
    "one target for many labels": ({"task": "multi-label"}, "is one column of single values"),
    "text task": ({"task": "language-modelling"}, "has no column of text; expected one"),
    "picture": ({"kind": "image"}, "cannot be read as 'image'"),
}


@pytest.mark.parametrize("case", list(OPTIONS))
def test_options(refused, case):
    options, pattern = OPTIONS[case]
    refused(GOOD, pattern, **options)


def test_a_split_column_without_training_rows(refused):
    rows = "".join(f"{i},{'xy'[i % 2]},{'test' if i % 3 else 'val'}\n" for i in range(60))
    refused("a,label,part\n" + rows, "holds 'test', 'val'; exp", split_column="part")


def test_targets_that_are_no_classes(refused):
    rows = "".join(f"{i},{i * 0.37},{i}\n" for i in range(60))
    refused("x,share,number\n" + rows, "holds 0.37", target="share", task="classification")
    refused("x,share,number\n" + rows, "60 distinct", target="number", task="classification")
    refused("x,y\n" + "1,2\n2,inf\n" * 9, "target 'y' has 9 infinite values")


def test_further_down_than_the_sample(refused, monkeypatch):
    monkeypatch.setattr(delimited, "SAMPLE", 64)
    refused(GOOD + "1,2\n", "line 22 has 2 fields")
    refused(GOOD + '1,"2"\n', "line 22 has 2 fields")
    refused(GOOD + "1,2,x,4\n", "line 22 has 4 fields")
    refused(GOOD + '1,"x', "ends inside a quoted field")
    refused(GOOD.encode() + b"1,2,\xff\n", "not UTF-8")
    refused("a" * 100, "one line of more than 64 characters")


def test_missing_files(tmp_path, refused):
    (tmp_path / "train.csv").write_text(GOOD)
    refused(None, "does not exist. Did you mean 'train.csv'", name="trian.csv")
    refused(b"x", "suffix that is not known", name="data.xlsx")
    refused(GOOD, "does not exist", test=tmp_path / "test.csv")
    with pytest.raises(InputError, match="is a folder; expected a file"):
        datasets.load(tmp_path / "train.csv", test=tmp_path)


def test_folders(tmp_path):
    with pytest.raises(InputError, match="no usable train file"):
        datasets.load(tmp_path)
    (tmp_path / "test.csv").write_text(GOOD)
    with pytest.raises(InputError, match=r"no usable train file.*try .*test\.csv"):
        datasets.load(tmp_path)
    (tmp_path / "train.csv").write_text(GOOD)
    with pytest.raises(InputError, match="its own test file"):
        datasets.load(tmp_path, test=tmp_path / "test.csv")
    with pytest.raises(InputError, match="one of the two"):
        datasets.load(tmp_path, split_column="b")
    (tmp_path / "train.txt").write_text("text")
    with pytest.raises(InputError, match=r"both train\.csv and train\.txt"):
        datasets.load(tmp_path)


def test_splits_that_do_not_agree(tmp_path, refused):
    test = tmp_path / "test.csv"
    test.write_text(GOOD + "1,2,z\n")
    refused(GOOD, "class 'z' in its test split only", test=test)
    refused(GOOD, "class 'z' in its validation split only", validation=test)
    test.write_text(GOOD.replace("b", "c", 1))
    refused(GOOD, "no column 'b'", test=test)
    np.savez(tmp_path / "test.npz", x=np.zeros((2, 2)))
    refused(GOOD, "different kinds", test=tmp_path / "test.npz")
    rows = (
        GOOD.replace("label", "label,part").replace("x\n", "x,train\n").replace("y\n", "y,test\n")
    )
    refused(rows, "class 'y' in its test split only", split_column="part")


def test_packed_files(refused):
    packed = gzip.compress(GOOD.encode() * 50)
    refused(packed[:-20], "not a whole gzip file", name="data.csv.gz")
    refused(GOOD, "not a whole gzip file", name="data.csv.gz")


def test_json_lines(refused):
    good = '{"x": 1, "label": "a"}\n{"x": 2, "label": "b"}\n' * 5
    refused(good + '{"x": 1, "la', "line 11 is not JSON", name="d.jsonl")
    refused(good + "[1]", "line 11 holds a list", name="d.jsonl")
    refused("\n", "is empty", name="d.jsonl")
    refused(good.encode() + b'{"x": "\xe9"}', "not UTF-8", name="d.ndjson")
    refused(good + '{"x": Infinity, "label": "a"}', "infinite", name="d.jsonl")


def test_parquet(tmp_path, refused, monkeypatch):
    pd.DataFrame({"x": np.arange(99.0), "label": ["a", "b", "c"] * 33}).to_parquet(tmp_path / "p")
    refused((tmp_path / "p").read_bytes()[:-9], "cannot be read as Parquet", name="d.parquet")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install 'keras-zoo\[parquet\]'"):
        datasets.load(tmp_path / "d.parquet")


X = np.arange(40.0).reshape(20, 2)
Y = np.arange(20) % 2
ARRAYS = {
    "objects": ({"x": X.astype(object), "y": Y}, "array of Python objects"),
    "lengths": ({"x": X, "y": Y[:9]}, "20 examples in x but 9 in y"),
    "names": ({"images": X}, "holds images; expected arrays x and y"),
    "both": ({"x": X, "x_train": X}, "holds x, x_train; expected"),
    "nan": ({"x": np.where(X == 3, np.nan, X), "y": Y}, r"array x\[1\] has NaN values"),
    "infinite": ({"x": np.where(X == 3, np.inf, X), "y": Y}, r"array x\[1\] has infinite values"),
    "nan target": ({"x": X, "y": np.where(Y, np.nan, 1.0)}, r"array y\[1\] has NaN values"),
    "strings": ({"x": X.astype(str), "y": Y}, "array x holds <U"),
    "cube": ({"x": X, "y": np.zeros((20, 2, 2))}, "array y has shape"),
    "empty": ({"x": X[:0]}, "array x is empty"),
    "channels": ({"x": np.zeros((9, 3, 8, 8), np.uint8)}, "pictures of shape"),
    "shapes": ({"x_train": X, "x_test": X[:, :1]}, "shapes"),
    "some targets": ({"x_train": X, "y_train": Y, "x_test": X}, "for some splits only"),
    "unseen class": (
        {"x_train": X, "y_train": Y, "x_test": X, "y_test": Y + 1},
        "class '2' in its test split only",
    ),
}


@pytest.mark.parametrize("case", list(ARRAYS))
def test_arrays(tmp_path, refused, case):
    arrays, pattern = ARRAYS[case]
    np.savez(tmp_path / "d.npz", **arrays)
    refused(None, pattern, name="d.npz")


def test_broken_archives(tmp_path, refused):
    np.savez(tmp_path / "d.npz", x=X, y=Y)
    whole = (tmp_path / "d.npz").read_bytes()
    refused(whole[:-30], "not a whole .npz", name="e.npz")
    refused(b"text", "not a whole .npz", name="e.npz")
    np.savez(tmp_path / "f.npz", x=X)
    refused(None, "no targets", name="f.npz", target="y")


def test_text(refused):
    refused(" \n", "'.*a.txt' is empty", name="a.txt")
    refused("a", "holds 1 characters; expected enough for 3 splits", name="a.txt")
    refused(b"caf\xe9", "not UTF-8", name="a.txt")
    refused(b"a\0b", "zero bytes", name="a.txt")
    refused("a\nb\nc\nd\n", "no targets.*expected .* for a --target", name="a.txt", target="x")


NEW = {
    "column missing": ("a,label\n1,x\n", "no column 'b'"),
    "near name": ("a,bb,label\n1,2,x\n", "no column 'b'. Did you mean 'bb'"),
    "target missing": ("a,b\n1,2\n", "no column 'label'"),
    "not a number": ("a,b,label\n1,2,x\nmany,2,y\n", "column 'a' holds 'many'; expected numbers"),
    "unknown class": ("a,b,label\n1,2,z\n", "Unknown class 'z'.*Expected one of: x, y"),
    "empty target": ("a,b,label\n1,2,\n2,2,x\n", "missing in 1 of 2 rows"),
    "infinite": ("a,b,label\ninf,2,x\n", "infinite"),
    "no rows": ("a,b,label\n", "no rows"),
}


@pytest.mark.parametrize("case", list(NEW))
def test_reading_as_a_spec_says(tmp_path, case):
    (tmp_path / "train.csv").write_text(GOOD)
    spec = datasets.load(tmp_path / "train.csv").spec
    text, pattern = NEW[case]
    (tmp_path / "new.csv").write_text(text)
    with pytest.raises(InputError, match=pattern):
        datasets.read(tmp_path / "new.csv", spec)


def test_reading_other_dates_shapes_and_kinds(tmp_path):
    dates = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=30).astype(str)})
    dates["label"] = ["x", "y"] * 15
    dates.to_csv(tmp_path / "train.csv", index=False)
    spec = datasets.load(tmp_path / "train.csv").spec
    (tmp_path / "new.csv").write_text("day,label\n03/04/2024,x\n")
    with pytest.raises(InputError, match="holds '03/04/2024'; expected dates as %Y-%m-%d"):
        datasets.read(tmp_path / "new.csv", spec)
    np.savez(tmp_path / "v.npz", x=X, y=Y)
    with pytest.raises(InputError, match="kind vector; expected table"):
        datasets.read(tmp_path / "v.npz", spec)
    vectors = datasets.load(tmp_path / "v.npz").spec
    np.savez(tmp_path / "w.npz", x=X[:, :1])
    with pytest.raises(InputError, match=r"shape \(1,\); expected \(2,\)"):
        datasets.read(tmp_path / "w.npz", vectors)
    np.savez(tmp_path / "w.npz", x=X)
    with pytest.raises(InputError, match="no targets"):
        datasets.read(tmp_path / "w.npz", vectors)
    assert len(datasets.read(tmp_path / "w.npz", vectors, targets=False)) == 20
