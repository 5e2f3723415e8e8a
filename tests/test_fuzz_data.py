"""Random tables, lines of JSON, arrays and texts: shown, or refused in a line."""

import gzip
import io
import json
import struct
import zipfile

import fuzz
import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

ROWS = [f"{i}.5,{('red', 'blue')[i % 2]},2020-01-{i + 1:02d},{i % 3},{i % 2}" for i in range(24)]
CSV = "\n".join(["x,color,day,few,label", *ROWS]).encode() + b"\n"
JSON_LINES = b"".join(
    json.dumps({"x": i / 2, "y": [1, "a"], "z": None, "label": "ab"[i % 2]}).encode() + b"\n"
    for i in range(24)
)
TEXT = "".join(f"Line {i} of a text, äöü.\n\n" for i in range(20)).encode()
SERIES = (
    b"""# series
@problemName x
@timeStamps false
@univariate false
@dimensions 2
@equalLength true
@seriesLength 3
@classLabel true a b
@data
"""
    + b"1,-2.5,?:4e1,5,6:a\n3,2,1:1,1,1:b\n" * 12
)
FIELD = st.sampled_from(
    ["", "1", "-2.5", "1e400", "nan", "inf", "a", "true", '"', '"a,b"', "é", " ", "2020-01-01",
     "2020-13-99", "1,5", "0x1F", "\0", "\r", "9" * 400, "?", "None", "1_000"]
)  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(folder, name):
    """Return the promise that a file of this name is shown, or refused, and nothing else done."""

    def promise(content):
        (folder / name).write_bytes(content)
        fuzz.run("data", "show", name)
        assert [path.name for path in folder.iterdir()] == [name]

    return promise


@st.composite
def tables(draw):
    """Draw text that is nearly a table."""
    separator = draw(st.sampled_from([",", ";", "\t", "|"]))
    end = draw(st.sampled_from(["\n", "\r\n", "\n\n"]))
    width = draw(st.integers(1, 5))
    row = st.lists(FIELD, min_size=width, max_size=width)
    odd = st.lists(FIELD, max_size=7)
    rows = draw(st.lists(row, min_size=1, max_size=30))
    if draw(st.booleans()):
        rows += draw(st.lists(odd, max_size=3))
    header = draw(st.lists(st.sampled_from(["label", "x", "y", "id", "", "é"]), max_size=width))
    rows = [header + ["z"] * (width - len(header)), *rows]
    return end.join(separator.join(row) for row in rows).encode("utf-8", "surrogatepass")


def npz(members):
    content = io.BytesIO()
    np.savez(content, **members)
    return content.getvalue()


@st.composite
def archives(draw):
    """Draw .npz files of any numbers, strings and shapes."""
    kinds = st.one_of(
        arrays.boolean_dtypes(), arrays.integer_dtypes(), arrays.floating_dtypes(),
        arrays.complex_number_dtypes(), arrays.unicode_string_dtypes(max_len=3),
        arrays.byte_string_dtypes(max_len=3), arrays.datetime64_dtypes(),
    )  # fmt: skip
    shapes = arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=9)
    names = st.sampled_from(["x", "y", "x_train", "y_train", "x_test", "y_test", "X", "z", "é"])
    members = draw(st.dictionaries(names, arrays.arrays(kinds, shapes), max_size=4))
    if draw(st.booleans()):
        rows = draw(st.integers(0, 30))
        members["x"] = draw(arrays.arrays(kinds, (rows, draw(st.integers(0, 5)))))
        members["y"] = draw(arrays.arrays(kinds, (rows,)))
    return npz(members)


@st.composite
def arrays_with_any_header(draw):
    """Draw .npz files, whole as zips, whose arrays have other headers than they should."""
    header = draw(
        st.fixed_dictionaries(
            {
                "descr": st.sampled_from(
                    ["<f4", "|u1", "|O", "<U0", "|S0", "|V8", "<f99", "", [("a", "<f4")], 3]
                ),
                "fortran_order": st.booleans(),
                "shape": st.lists(st.integers(-2, 9) | st.just(2**40), max_size=4).map(tuple),
            }
        )
        | fuzz.JSON
    )
    text = draw(st.just(repr(header).encode()) | fuzz.mutated([repr(header).encode()]))
    version = draw(st.sampled_from([b"\1\0", b"\2\0", b"\3\0", b"\7\0"]))
    length = struct.pack("<I" if version != b"\1\0" else "<H", len(text) & 0xFFFF)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        body = draw(st.binary(max_size=64))
        file.writestr("x.npy", b"\x93NUMPY" + version + length + text + body)
        file.writestr("y.npy", draw(fuzz.mutated([npy(np.arange(9))])))
    return content.getvalue()


def npy(array):
    content = io.BytesIO()
    np.lib.format.write_array(content, array)
    return content.getvalue()


GOOD = [npz({"x": np.ones((24, 3), "f4"), "y": np.arange(24) % 2})]


@fuzz.cases(200, 3000)
def test_tables(folder, cases, record_property):
    fuzz.check(shown(folder, "t.csv"), tables(), cases, record_property)


@fuzz.cases(200, 3000)
def test_changed_tables(folder, cases, record_property):
    fuzz.check(shown(folder, "t.csv"), fuzz.mutated([CSV]), cases, record_property)


@fuzz.cases(60, 1000)
def test_packed_tables(folder, cases, record_property):
    def pack(content):
        return gzip.compress(content, mtime=0)

    packed = fuzz.mutated([pack(CSV)]) | fuzz.mutated([CSV]).map(pack)
    fuzz.check(shown(folder, "t.tsv.gz"), packed, cases, record_property)


@fuzz.cases(100, 2000)
def test_lines_of_json(folder, cases, record_property):
    names = st.sampled_from(["x", "y", "label", ""]) | fuzz.TEXT
    row = st.dictionaries(names, fuzz.JSON, max_size=4)
    lines = st.lists(row.map(json.dumps), max_size=20).map("\n".join).map(str.encode)
    strategy = lines | fuzz.mutated([JSON_LINES])
    fuzz.check(shown(folder, "t.jsonl"), strategy, cases, record_property)


@fuzz.cases(150, 2000)
def test_arrays(folder, cases, record_property):
    fuzz.check(shown(folder, "t.npz"), archives(), cases, record_property)


@fuzz.cases(300, 4000)
def test_changed_arrays(folder, cases, record_property):
    strategy = fuzz.mutated(GOOD) | arrays_with_any_header()
    fuzz.check(shown(folder, "t.npz"), strategy, cases, record_property)


@st.composite
def series(draw):
    """Draw text that is nearly a file of series."""
    said = st.sampled_from(["true", "false", "3", "1", "0", "a", "b", "9" * 5000, "-1", ""])
    names = st.sampled_from(
        ["timeStamps", "univariate", "dimensions", "equalLength", "seriesLength", "classLabel",
         "targetLabel", "data", ""]
    )  # fmt: skip
    fields = draw(st.lists(st.tuples(names, st.lists(said, max_size=3)), max_size=5))
    values = st.lists(FIELD, min_size=1, max_size=3).map(",".join)
    rows = draw(st.lists(st.lists(values, min_size=1, max_size=3).map(":".join), max_size=30))
    lines = [*(f"@{name} {' '.join(words)}" for name, words in fields), "@data", *rows]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


@fuzz.cases(150, 3000)
def test_series(folder, cases, record_property):
    strategy = fuzz.mutated([SERIES]) | series()
    fuzz.check(shown(folder, "t.ts"), strategy, cases, record_property)


@fuzz.cases(60, 1000)
def test_texts(folder, cases, record_property):
    strategy = fuzz.mutated([TEXT]) | st.lists(fuzz.TEXT).map("\n".join).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    )
    fuzz.check(shown(folder, "t.txt"), strategy, cases, record_property)


@fuzz.cases(60, 1000)
def test_parquet(folder, cases, record_property):
    pd.read_csv(io.BytesIO(CSV)).to_parquet(folder / "good.parquet")
    good = (folder / "good.parquet").read_bytes()
    (folder / "good.parquet").unlink()
    fuzz.check(shown(folder, "t.parquet"), fuzz.mutated([good]), cases, record_property)
