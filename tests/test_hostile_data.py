"""Hostile tables, arrays, texts, archives and addresses: refused in a line, little memory taken."""

import gzip
import itertools
import pickle
import zipfile

import numpy as np
import pytest
from hostile import (
    ALLOWED,
    MEGABYTE,
    PICKLE,
    Payload,
    Watched,
    archive,
    nested,
    npy,
    npy_header,
    packed,
    sparse,
    tar,
)  # fmt: skip

ROWS = "".join(f"{i % 7},{i % 3},{'ab'[i % 2]}\n" for i in range(60))
TABLE = f"x,z,label\n{ROWS}".encode()
X, Y = npy(np.ones((40, 3), np.float32)), npy(np.arange(40) % 2)


def zeros():
    return npy_header((MEGABYTE, 600), "|u1") + bytes(600 * MEGABYTE)


@pytest.fixture
def zoo(server, tmp_path):
    return Watched(server, tmp_path)


def long_table():
    return TABLE + ROWS.encode() * 3000  # past the first megabyte, which is looked at


def hdf5(path):
    import h5py

    with h5py.File(path, "w") as file:
        file["x"] = h5py.ExternalLink("../outside.txt", "/x")


def written(content):
    return lambda path: path.write_bytes(content() if callable(content) else content)


# The file, what makes it, and what the message says.
FILES = {
    "pickle": ("t.pkl", written(PICKLE), "a pickle or may hold one"),
    "joblib": ("t.joblib", written(PICKLE), "run code"),
    "torch": ("t.pt", lambda path: archive(path, [("a/data.pkl", PICKLE)]), "PyTorch's pickle"),
    "old torch": ("t.pth", written(PICKLE), "PyTorch's pickle"),
    "hdf5": ("t.h5", hdf5, "an HDF5 file"),
    "array of objects alone": ("t.npy", written(lambda: npy([Payload()])), "a pickle or may"),
    "zip": ("t.zip", lambda path: archive(path, [("../outside.txt", "hurt")]), "unpacking it"),
    "tar": ("t.tar", tar, "unpacking it"),
    "packed tar": ("t.tgz", tar, "unpacking it"),
    "packed tar of two suffixes": ("t.tar.gz", tar, "unpacking it"),
    "pickle called a table": ("t.csv", written(PICKLE), "is not UTF-8 text"),
    "zip called a table": ("t.csv", lambda p: archive(p, [("../outside.txt", TABLE)]), "UTF-8"),
    "one endless line": ("t.csv", written(b"1" * (2 * MEGABYTE)), "one line of more than"),
    "one endless line later": (
        "t.csv", written(lambda: long_table() + b"1" * (40 * MEGABYTE)), "a line of more than",
    ),
    "one endless line, packed": (
        "t.csv.gz", written(lambda: packed(b"1", 256 * MEGABYTE)), "one line of more than",
    ),
    "one endless line later, packed": (
        "t.csv.gz",
        written(lambda: gzip.compress(long_table()) + packed(b"1", 256 * MEGABYTE)),
        "a line of more than",
    ),
    "short lines, packed": (
        "t.csv.gz",
        written(lambda: gzip.compress(TABLE) + packed(b"1,2,a\n", 128 * MEGABYTE)),
        "expand to more than",
    ),
    "a hole": (
        "t.csv", lambda path: sparse(path, long_table(), 20_000 * MEGABYTE), "a line of more than",
    ),
    "a hole larger than memory": (
        "t.txt", lambda path: sparse(path, b"a\n" * 99, 1 << 43), "of memory",
    ),
    "short rows under a wide header": (
        "t.csv",
        written(lambda: ",".join(f"c{i}" for i in range(60_000)).encode() + b"\n1" * 100_000),
        "has 1 field",
    ),
    "short rows after long ones": (
        "t.csv",
        written(
            lambda: ",".join(f"c{i}" for i in range(20_000)).encode()
            + (b"\n" + b"1," * 19_999 + b"1") * 6 + b"\n1" * 100_000
        ),
        "has 1 field",
    ),
    "columns without end": ("t.csv", written(b"a" + b"," * 500_000 + b"\n1"), "500,001 columns"),
    "a key a row": (
        "t.jsonl",
        written(lambda: b"".join(b'{"k%d": 1}\n' % i for i in range(60_000))),
        "60,000 different keys",
    ),
    "keys without end": (
        "t.jsonl",
        written(lambda: b"".join(b'{"a%d": 1, "b%d": 1}\n' % (i, i) for i in range(40_000))),
        "more than 65,536 different keys",
    ),
    "a JSON line without end": (
        "t.jsonl", written(lambda: b'{"x": "' + b"1" * (40 * MEGABYTE)), "a line of more than",
    ),
    "nested JSON": (
        "t.jsonl", written(b'{"x": %b, "label": "a"}' % nested().encode()), "too long",
    ),
    "lists in lists": ("t.jsonl", written(b'{"x": %b}' % nested(200).encode()), "too long"),
    "a number of a million digits": ("t.jsonl", written(b'{"x": %b}' % (b"1" * 10**6)), "too long"),
    "half a character": ("t.jsonl", written(b'{"x": "\\ud800"}\n' * 20), "surrogate"),
    "arrays of objects": (
        "t.npz", lambda path: np.savez(path, x=[Payload()] * 9, y=np.arange(9)), "Python objects",
    ),
    "pickle among arrays": (
        "t.npz", lambda p: archive(p, [("x.npy", X), ("y.pkl", PICKLE)]), "is no array",
    ),
    "array outside": (
        "t.npz", lambda p: archive(p, [("x.npy", X), ("../outside.txt", Y)]), "leads out of it",
    ),
    "array at an absolute path": (
        "t.npz", lambda p: archive(p, [("x.npy", X), ("/tmp/y.npy", Y)]), "leads out of it",
    ),
    "array in a folder of another system": (
        "t.npz", lambda p: archive(p, [("x.npy", X), ("..\\y.npy", Y)]), "leads out of it",
    ),
    "link among arrays": ("t.npz", lambda p: archive(p, [("x.npy", X)], "y.npy"), "is a link"),
    "arrays of a zip bomb": (
        "t.npz",
        lambda p: archive(p, [("x.npy", zeros())]),
        "expand to more than",
    ),
    "shape bomb": (
        "t.npz", lambda p: archive(p, [("x.npy", npy_header((10**9, 10**4)))]), "promises",
    ),
    "shape that overflows": (
        "t.npz", lambda p: archive(p, [("x.npy", npy_header((2**62, 4)))]), "promises",
    ),
    "a million targets": (
        "t.npz",
        lambda p: archive(p, [("x.npy", X), ("y.npy", npy(np.ones((40, 10**6), np.uint8)))]),
        "array y has shape (40, 1000000)",
    ),
    "https": ("https://example.org/t.csv", None, "Download the file first"),
    "hf": ("hf://someone/data", None, "Download the file first"),
    "gs": ("gs://bucket/t.npz", None, "Download the file first"),
    "s3": ("S3://bucket/t.csv", None, "Download the file first"),
}  # fmt: skip
COMMANDS = itertools.cycle(
    [
        ("data", "show", "{}"),
        ("train", "mlp", "--data", "{}"),
        ("evaluate", "{run}", "--data", "{}"),
        ("predict", "{run}", "{}"),
        ("train", "mlp", "--data", "{}", "--dry-run"),
    ]
)


@pytest.mark.parametrize(("case", "command"), list(zip(FILES, COMMANDS, strict=False)))
def test_data(zoo, trained, case, command):
    name, make, said = FILES[case]
    if make:
        make(zoo.folder / name)
    message = zoo.refused(*(word.format(name, run=trained("classes")) for word in command))
    assert said in message, message
    assert "xpected" in message


def test_files_of_splits(zoo):
    (zoo.folder / "good.csv").write_bytes(TABLE)
    (zoo.folder / "t.pkl").write_bytes(PICKLE)
    (zoo.folder / "t.csv.gz").write_bytes(packed(b"1", 64 * MEGABYTE))
    train = ("train", "mlp", "--data", "good.csv")
    assert "may hold one" in zoo.refused(*train, "--test", "t.pkl")
    assert "one line of more" in zoo.refused(*train, "--validation", "t.csv.gz")
    assert "Download the file" in zoo.refused(*train, "--test", "https://example.org/t.csv")


def test_the_payload_would_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pickle.loads(PICKLE).close()
    assert (tmp_path / "canary").exists()


@pytest.mark.slow
def test_honest_files_of_the_same_kinds_are_read(zoo):
    """Without them the limits could be zero: a long file, a wide one, packed ones, many keys."""
    wide = ",".join([*(f"c{i}" for i in range(2000)), "label"])
    rows = "\n".join(
        ",".join([*(str(i * j % 97) for j in range(2000)), "ab"[i % 2]]) for i in range(40)
    )
    (zoo.folder / "wide.csv").write_text(f"{wide}\n{rows}\n")
    (zoo.folder / "long.csv.gz").write_bytes(gzip.compress(long_table()))
    lines = [f'{{"k{i % 500}": {i}, "x": {i}, "label": "{"ab"[i % 2]}"}}\n' for i in range(5000)]
    (zoo.folder / "keys.jsonl").write_text("".join(lines))
    with zipfile.ZipFile(zoo.folder / "zeros.npz", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", npy(np.zeros((4000, 1000), np.float32)))
        file.writestr("y.npy", npy(np.arange(4000) % 2))
    for name in ("wide.csv", "long.csv.gz", "keys.jsonl", "zeros.npz"):
        code, _, err = zoo("data", "show", name)
        assert code == 0, err
        assert zoo.grown < ALLOWED


def test_stdin_without_end(zoo, trained, monkeypatch):
    from io import BytesIO

    from zoo.cli import predict
    from zoo.errors import InputError

    class Endless(BytesIO):
        def read(self, size=-1):
            assert 0 < size <= MEGABYTE
            return b"1,2\n" * (size // 4)

    monkeypatch.setattr(predict, "LARGEST_STDIN", 3 * MEGABYTE)
    target = BytesIO()
    with pytest.raises(InputError, match="more than 3,145,728 bytes from stdin"):
        predict._copy(Endless(), target)
    assert len(target.getvalue()) == 4 * MEGABYTE
