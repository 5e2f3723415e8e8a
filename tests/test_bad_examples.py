"""Rows that cannot be read or used: the first is named, or all are left out, counted and told."""

import json
import random
import re

import numpy as np
import pandas as pd
import pytest
from badrows import BAD, HEADER, good_rows, spoil

from zoo import datasets
from zoo.datasets import delimited
from zoo.datasets.bad import BadExamples
from zoo.datasets.rows import split_rows
from zoo.errors import InputError


def load(folder, content, name="t.csv", **options):
    (folder / name).write_bytes(content)
    options = {"on_bad_example": "skip", **options}
    return datasets.load(folder / name, **options)


def same(data, expected):
    assert data.spec == expected.spec
    pd.testing.assert_frame_equal(data.train.frame, expected.train.frame, check_categorical=False)
    assert data.fingerprint == expected.fingerprint


def refused(folder, content, name="t.csv", **options):
    with pytest.raises(InputError) as caught:
        load(folder, content, name, **{"on_bad_example": "fail", **options})
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(params=["as it is", "small"])
def chunks(request, monkeypatch):
    """Read in chunks and samples as they are, and so small that borders are everywhere."""
    if request.param == "small":
        monkeypatch.setattr(delimited, "CHUNK", 7)
        monkeypatch.setattr(delimited, "SAMPLE", 64)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["unix", "windows", "mac"])
@pytest.mark.parametrize("at", [0, 6, 7, 8, 13, 60], ids=lambda at: f"before-{at}")
def test_rows_left_out_are_as_if_never_there(tmp_path, chunks, at, end):
    if end == b"\r" and delimited.SAMPLE == 64:
        return  # a first megabyte without a line feed is refused
    content, without = spoil(good_rows(60), [(at, line) for line in BAD], end)
    data = load(tmp_path, content)
    same(data, load(tmp_path, without))
    line = 2 + at + (at > 13)  # row 13 has two lines
    said = [f"t.csv line {line + i} {what}" for i, what in enumerate(BAD.values())]
    assert data.notes[0] == f"5 of 65 rows are left out: {', '.join(said)}"
    assert data.skipped == 5
    message = refused(tmp_path, content)
    assert f"t.csv' line {line} has 4 fields; expected 3 as in the header; try " in message
    assert message.endswith(", or leave such rows out with --on-bad-example skip")


@pytest.mark.parametrize("line", BAD)
def test_each_kind_alone(tmp_path, chunks, line):
    content, without = spoil(good_rows(60), [(40, line)])
    data = load(tmp_path, content)
    same(data, load(tmp_path, without))
    assert data.notes[0] == f"1 of 61 row is left out: t.csv line 43 {BAD[line]}"


def test_at_the_borders_of_chunks_and_below_the_first_megabyte(tmp_path):
    good = good_rows(140_000, width=12)
    places = (0, 65_535, 65_536, 65_537, 131_071, 131_072, 140_000)
    bad = [(at, line) for at, line in zip(places, [*BAD, *BAD], strict=False)]
    content, without = spoil(good, bad)
    assert content.index(b"\n1\n") > delimited.SAMPLE
    data = load(tmp_path, content)
    same(data, load(tmp_path, without, on_bad_example="fail"))
    assert data.notes[0].startswith("7 of 140,007 rows are left out: t.csv line 2 has 4 fields")
    assert data.notes[0].endswith(", and 2 more")
    lines = content.splitlines(keepends=True)
    named = [lines[int(line) - 1] for line in re.findall(r"line (\d+)", data.notes[0])]
    assert named == list(BAD)
    content, _ = spoil(good, [(140_000, b"1,2")])
    assert f"line {140_002 + 1_400} has 2 fields" in refused(tmp_path, content)


def test_whatever_is_wrong_wherever(tmp_path, monkeypatch):
    """Some rows of a file are spoilt at random; only the chunks and samples differ."""
    for seed in range(8):
        chance = random.Random(seed)
        good = good_rows(chance.randint(30, 250))
        bad = [(chance.randint(0, len(good)), chance.choice(list(BAD))) for _ in range(12)]
        content, without = spoil(good, bad, chance.choice([b"\n", b"\r\n"]))
        expected = load(tmp_path, without)
        for chunk, sample in ((1, 1 << 20), (5, 40), (64, 300), (65_536, 1 << 20)):
            monkeypatch.setattr(delimited, "CHUNK", chunk)
            monkeypatch.setattr(delimited, "SAMPLE", sample)
            data = load(tmp_path, content)
            same(data, expected)
            assert data.skipped == 12


def test_a_stray_quote_takes_its_own_line_with_it(tmp_path, chunks):
    content, without = spoil(good_rows(60), [(5, b'1,"x,y\n'), (60, b'1,"x')])
    data = load(tmp_path, content)
    same(data, load(tmp_path, without))
    assert data.notes[0].startswith("2 of 62 rows are left out: t.csv line 7 ends inside a quoted")
    assert "t.csv line 64 ends inside a quoted field" in data.notes[0]
    assert "line 7 ends inside a quoted field; expected a closing" in refused(tmp_path, content)


def test_a_text_of_several_lines_is_one_row(tmp_path, chunks):
    long = b'1,"a text\nof several, lines\n\nwith few commas",x,y\n'
    content, without = spoil(good_rows(60), [(5, long)])
    data = load(tmp_path, content)
    same(data, load(tmp_path, without))
    assert "1 of 61 row is left out: t.csv row of lines 7 to 10 has 4 fields" in data.notes[0]


def test_separators_of_lines_within_fields_are_none():
    lines = ["a,b\n", "1,\u2028x\x0c\x85\n", "2,y\n"]
    assert [row.fields for row in split_rows(lines, ",")] == [2, 2, 2]


def test_unusual_line_separators_do_not_make_a_row_bad(tmp_path, chunks):
    rows = [f"{i},a\u2028b\x85c\x0cd{i % 3},{i % 2}\n" for i in range(40)]
    text = "".join(["a,b,label\n", *rows])
    assert len(load(tmp_path, text.encode(), on_bad_example="fail").train.frame) == 40


def test_blank_lines_are_no_rows(tmp_path, chunks):
    rows = good_rows(40)
    for at, blank in ((5, b"\n"), (9, b"  \n"), (20, b"\t \n")):
        rows[at] += blank
    data = load(tmp_path, spoil(rows, [(30, b"1\n")])[0])
    assert (data.skipped, len(data.train.frame)) == (1, 40)
    assert "t.csv line 36 has 1 field" in data.notes[0]


def test_where_pandas_reads_other_rows_than_were_looked_at(tmp_path):
    """A blank line of one carriage return, then a row that begins with a missing value."""
    content = b"a,label\n" + b"1,x\n2,y\n" * 10 + b"1\n" + b"\r,\n"
    message = refused(tmp_path, content, on_bad_example="skip")
    assert "cannot be read as delimited text: 20 rows were read of 21" in message


def test_a_bad_row_decides_nothing_for_the_others(tmp_path, chunks):
    """Neither the decimal comma, nor types, nor classes come from rows that are left out."""
    rows = [f"{i}.5;{i % 3};{'xy'[i % 2]}\n" for i in range(40)]
    bad = ["1,5;2;x;4\n", "many;z\n"]
    text = "".join(["a;b;label\n", *rows[:20], *bad, *rows[20:]])
    data = load(tmp_path, text.encode())
    assert {c.name: c.kind for c in data.spec.inputs} == {"a": "number", "b": "number"}
    same(data, load(tmp_path, "".join(["a;b;label\n", *rows]).encode()))


@pytest.mark.parametrize("suffix", ["csv.gz", "tsv", "tsv.gz"])
def test_packed_and_tabbed(tmp_path, suffix):
    import gzip

    content, without = spoil(good_rows(60), [(20, line) for line in BAD])
    if "tsv" in suffix:
        content, without = (
            c.replace(b"a, b", b"a").replace(b",", b"\t") for c in (content, without)
        )
    packed = gzip.compress if "gz" in suffix else bytes
    data = load(tmp_path, packed(content), f"t.{suffix}")
    same(data, load(tmp_path, packed(without), f"t.{suffix}"))
    assert data.skipped == 5


def test_most_rows_bad_is_another_kind_of_file(tmp_path, chunks):
    content, _ = spoil(good_rows(20), [(9, b"1,2\n")] * 21)
    message = refused(tmp_path, content, on_bad_example="skip")
    assert "has 21 bad rows of 41 (t.csv line 31 has 2 fields); expected half" in message
    assert load(tmp_path, spoil(good_rows(20), [(9, b"1,2\n")] * 20)[0]).skipped == 20
    assert "1 usable row" in refused(tmp_path, HEADER + b"1,2,x\n1\n", on_bad_example="skip")


def test_infinite_numbers_in_what_is_learned(tmp_path):
    frame = pd.DataFrame({"a": np.arange(40.0) % 7, "id": range(40), "y": np.arange(40) / 3})
    frame["b"] = frame["a"] % 3
    clean = frame.drop([3, 9, 39]).to_csv(index=False).encode()
    for row, column in ((3, "a"), (9, "y"), (39, "a")):
        frame[column] = frame[column].astype(float)
        frame.loc[row, column] = [np.inf, -np.inf][row % 2]
    content = frame.to_csv(index=False).encode().replace(b"\n1.0,1,", b"\n7,8\n\n1.0,1,")
    data = load(tmp_path, content, target="y", drop=["id"])
    same(data, load(tmp_path, clean, target="y", drop=["id"]))
    assert data.notes[0] == (
        "4 of 41 rows are left out: t.csv line 3 has 2 fields (expected 4 as in the header), "
        "t.csv line 7 has an infinite value in column 'a' (expected finite numbers), "
        "t.csv line 13 has an infinite value in column 'y' (expected finite numbers), "
        "t.csv line 43 has an infinite value in column 'a' (expected finite numbers)"
    )
    assert load(tmp_path, content, target="y", drop=["a", "id"], task="regression").skipped == 2
    message = refused(tmp_path, content.replace(b"7,8\n\n", b""), target="y")
    assert message.endswith("or leave such rows out with --on-bad-example skip")


def test_infinite_numbers_take_their_categories_along(tmp_path):
    frame = pd.DataFrame({"a": np.arange(30.0) % 7, "c": ["p", "q", "r"] * 10, "y": [0, 1] * 15})
    frame.to_parquet(tmp_path / "clean.parquet")
    frame.loc[30] = [np.inf, "only here", 1]
    frame.to_parquet(tmp_path / "t.parquet")
    data = datasets.load(tmp_path / "t.parquet", on_bad_example="skip")
    same(data, datasets.load(tmp_path / "clean.parquet"))
    assert "t.parquet row 31 has an infinite value in column 'a'" in data.notes[0]


def test_a_text_among_numbers(tmp_path):
    """The column is one of numbers without those rows, and something else with them."""
    frame = pd.DataFrame({"a": np.arange(90) / 8, "b": np.arange(90) % 31, "y": np.arange(90) / 3})
    clean = frame.drop([3, 9, 39]).to_csv(index=False).encode()
    frame = frame.astype(object)
    frame.loc[3, "a"], frame.loc[9, "b"], frame.loc[39, "y"] = "1.2.3", "many", "#REF!"
    content = frame.to_csv(index=False).encode()
    data = load(tmp_path, content, target="y")
    same(data, load(tmp_path, clean, target="y"))
    assert data.notes[0] == (
        "3 of 90 rows are left out: "
        "t.csv line 5 has '1.2.3' among the numbers of column 'a' (expected a number), "
        "t.csv line 11 has 'many' among the numbers of column 'b' (expected a number), "
        "t.csv line 41 has '#REF!' among the numbers of column 'y' (expected a number)"
    )
    assert load(tmp_path, content, target="y", drop=["a"]).skipped == 2
    content = content.replace(b"#REF!", b"1")
    notes = " ".join(load(tmp_path, content, target="y", on_bad_example="fail").notes)
    assert "'a' is ignored: 90 different texts in 90 rows, an identifier or prose (numbers" in notes
    assert "column 'b' is read as categories: it holds numbers but for 'many'; leave" in notes
    assert notes.count("or leave such rows out with --on-bad-example skip") == 2


def test_json_lines(tmp_path):
    good = [json.dumps({"x": i % 9, "label": "ab"[i % 2]}).encode() + b"\n" for i in range(30)]
    bad = {
        b'{"x": 1, "la\n': "is not JSON: Invalid control character at at character 13",
        b"[1]\n": "holds a list",
        b'{"x": 1, "label": "\xe9"}\n': "is not UTF-8 text: byte 0xe9 cannot be read",
        b'{"x": ' + b"9" * 5000 + b"}\n": "holds a number or a nesting that is too long",
        b'{"x": Infinity, "label": "a"}\n': "has an infinite value in column 'x'",
    }
    content = b"".join([*good[:10], b"\n", *bad, *good[10:]])
    data = load(tmp_path, content, "t.jsonl")
    same(data, load(tmp_path, b"".join(good), "t.jsonl"))
    assert data.notes[0].startswith("5 of 35 rows are left out: ")
    for line, what in enumerate(bad.values(), start=12):
        assert f"t.jsonl line {line} {what}" in data.notes[0]
    assert "line 12 is not JSON" in refused(tmp_path, content, "t.jsonl")
    message = refused(tmp_path, b"[]\n" * 9 + good[0], "t.jsonl", on_bad_example="skip")
    assert "9 bad rows of 10" in message


def test_arrays(tmp_path):
    x, y = np.arange(80.0).reshape(40, 2), np.arange(40) / 3
    arrays = {"x_train": x.copy(), "y_train": y.copy(), "x_test": x[:9].copy(), "y_test": y[:9]}
    np.savez(tmp_path / "clean.npz", **{n: np.delete(a, 5, 0) for n, a in arrays.items()})
    arrays = {name: array.copy() for name, array in arrays.items()}
    arrays["x_train"][5, 1], arrays["y_test"][5] = np.nan, -np.inf
    np.savez(tmp_path / "t.npz", **arrays)
    data = datasets.load(tmp_path / "t.npz", on_bad_example="skip")
    expected = datasets.load(tmp_path / "clean.npz")
    assert (data.fingerprint, data.spec) == (expected.fingerprint, expected.spec)
    assert "2 of 49 rows are left out: t.npz array x_train[5] has NaN values" in data.notes[0]
    assert "t.npz array y_test[5] has infinite values" in data.notes[0]
    with pytest.raises(InputError, match=r"array x_train\[5\] has NaN.*--on-bad-example skip"):
        datasets.load(tmp_path / "t.npz")
    np.savez(tmp_path / "t.npz", x=np.where(x > 30, x * 1e300, x), y=y)  # float32 ends before
    with pytest.raises(InputError, match="has 25 bad rows of 40"):
        datasets.load(tmp_path / "t.npz", on_bad_example="skip")


def test_each_file_of_a_folder(tmp_path):
    folders = {name: tmp_path / name for name in ("bad", "clean")}
    for folder in folders.values():
        folder.mkdir()
    for i, name in enumerate(("train", "validation", "test")):
        content = spoil(good_rows(40), [(5, b"1,2\n"), (40, b"\xff,2,x\n")][i % 2 :])
        for folder, text in zip(folders.values(), content, strict=True):
            # numbers in one file and strings in another: both are read again
            text = text.replace(b"\n1", b"\nz1") if name == "test" else text
            (folder / f"{name}.csv").write_bytes(text)
    data = datasets.load(folders["bad"], on_bad_example="skip")
    same(data, datasets.load(folders["clean"]))
    assert data.skipped == 5
    assert "5 of 125 rows are left out: train.csv line 7 has 2 fields" in data.notes[0]
    assert "validation.csv line 43 is not UTF-8" in data.notes[0]
    with pytest.raises(InputError, match=r"train.csv' line 7 has 2 fields"):
        datasets.load(folders["bad"])


def test_infinite_numbers_in_each_file_of_a_folder(tmp_path):
    frame = pd.DataFrame({"a": np.arange(60.0) % 7, "b": np.arange(60) % 5, "y": [0, 1] * 30})
    spoilt = frame.copy()
    spoilt.loc[[3, 23, 43], "a"] = np.inf
    for folder, rows in (("clean", frame.drop([3, 23, 43])), ("bad", spoilt)):
        (tmp_path / folder).mkdir()
        for i, name in enumerate(("test", "train", "validation")):
            part = rows[rows.index // 20 == i]
            part.to_csv(tmp_path / folder / f"{name}.csv", index=False)
    data = datasets.load(tmp_path / "bad", on_bad_example="skip")
    same(data, datasets.load(tmp_path / "clean"))
    assert [len(data.train), len(data.validation), len(data.test)] == [19, 19, 19]
    for name in ("train", "validation", "test"):
        assert f"{name}.csv line 5 has an infinite value in column 'a'" in data.notes[0]


def test_pictures_will_do_the_same():
    bad = BadExamples("skip")
    for i in range(7):
        bad.found(f"photos/{i}.png", "", ("is no picture", "PNG or JPEG", "removing it"))
    (note,) = bad.notes(20)
    named = ", ".join(f"{i}.png is no picture (expected PNG or JPEG)" for i in range(5))
    assert note == f"7 of 20 rows are left out: {named}, and 2 more"
    bad.finished("photos", 13)
    bad.finished("more", 0)  # empty, which others refuse
    with pytest.raises(
        InputError, match=r"'photos/a\.png' is no picture; expected PNG or JPEG; try"
    ):
        BadExamples().found("photos/a.png", "", ("is no picture", "PNG or JPEG", "removing it"))
    with pytest.raises(InputError, match=r"'skp'\. Did you mean 'skip'"):
        datasets.load("iris", on_bad_example="skp")
