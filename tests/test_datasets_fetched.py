"""IDX files, and data sets that are fetched: from a server of this test, once, and checked."""

import gzip
import hashlib
import http.server
import io
import struct
import tarfile
import threading

import numpy as np
import pytest

from zoo import datasets
from zoo.datasets import fetch, fetched, idx
from zoo.errors import InputError

RNG = np.random.default_rng(0)


def packed(array, kind=0x08):
    """Return an array as an IDX file."""
    header = struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape)
    return header + array.astype(idx._TYPES[kind]).tobytes()


def mnist_like(train=30, test=10, size=6):
    """Return the four files of a small MNIST, and what is in them."""
    files, held = {}, {}
    for split, count in (("train", train), ("t10k", test)):
        x = RNG.integers(256, size=(count, size, size)).astype("uint8")
        y = np.arange(count) % 3
        held[split] = (x, y)
        files[f"{split}-images-idx3-ubyte"] = packed(x)
        files[f"{split}-labels-idx1-ubyte"] = packed(y)
    return files, held


def write(folder, files, pack=False):
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        path = folder / (f"{name}.gz" if pack else name)
        path.write_bytes(gzip.compress(content) if pack else content)


@pytest.mark.parametrize("pack", [False, True])
def test_a_folder_of_idx_files(tmp_path, pack):
    files, held = mnist_like()
    write(tmp_path / "own", files, pack)
    data = datasets.load(tmp_path / "own")
    assert data.spec.kind == "image"
    assert data.spec.classes == ("0", "1", "2")
    assert (len(data.train), len(data.validation), len(data.test)) == (27, 3, 10)
    np.testing.assert_array_equal(
        data.test.batch(range(10))["image"], held["t10k"][0][..., np.newaxis]
    )
    np.testing.assert_array_equal(data.test.targets(), held["t10k"][1])
    split = datasets.read(tmp_path / "own", data.spec)
    np.testing.assert_array_equal(split.targets(), held["t10k"][1])


def test_only_training_files_are_split(tmp_path):
    files, _ = mnist_like()
    write(tmp_path / "own", {name: c for name, c in files.items() if "train" in name})
    data = datasets.load(tmp_path / "own")
    assert (len(data.train), len(data.validation), len(data.test)) == (21, 3, 6)


@pytest.mark.parametrize("kind", idx._TYPES)
def test_every_type_of_number(tmp_path, kind):
    values = RNG.integers(100, size=(3, 4, 2))
    (tmp_path / "x").write_bytes(packed(values, kind))
    np.testing.assert_array_equal(idx.read_idx(tmp_path / "x"), values)


BAD = {
    "cut off": (lambda content: content[:-1], "holds only"),
    "too long": (lambda content: content + b"\0", "holds more"),
    "empty": (lambda content: b"", "is no IDX file"),
    "header cut off": (lambda content: content[:9], "is no IDX file"),
    "another file": (lambda content: b"\x89PNG" + content, "it begins otherwise"),
    "a shape of terabytes": (
        lambda content: struct.pack(">HBB3I", 0, 8, 3, 1 << 31, 1 << 31, 1 << 31), "expand to more",
    ),
    "255 dimensions": (lambda content: struct.pack(">HBB", 0, 8, 255), "is no IDX file"),
    "a type that is none": (lambda content: b"\0\0\x07\x01" + content[4:], "it begins otherwise"),
}  # fmt: skip


@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize("name", BAD)
def test_damaged_files_are_named(tmp_path, name, pack):
    spoil, said = BAD[name]
    files, _ = mnist_like()
    file = "train-images-idx3-ubyte"
    write(tmp_path / "own", {**files, file: spoil(files[file])}, pack)
    with pytest.raises(InputError, match=said) as caught:
        datasets.load(tmp_path / "own")
    assert file in str(caught.value)
    assert "\n" not in str(caught.value)


def test_gzip_that_is_cut_off(tmp_path):
    files, _ = mnist_like()
    write(tmp_path / "own", files, pack=True)
    path = tmp_path / "own" / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte\.gz' is no IDX file"):
        datasets.load(tmp_path / "own")


def test_files_that_do_not_go_together(tmp_path):
    files, _ = mnist_like()
    write(tmp_path / "own", {**files, "train-labels-idx1-ubyte": packed(np.arange(29))})
    with pytest.raises(InputError, match=r"labels of shape \(29,\) for 30 pictures"):
        datasets.load(tmp_path / "own")
    (tmp_path / "own" / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(InputError, match="expected train-images-idx3-ubyte, train-labels"):
        datasets.load(tmp_path / "own")
    (tmp_path / "own" / "train-labels-idx1-ubyte").write_bytes(packed(np.arange(30)))
    with pytest.raises(InputError, match="which says itself what is for test"):
        datasets.load(tmp_path / "own", test=tmp_path / "own" / "t10k-images-idx3-ubyte")
    (tmp_path / "own" / "train-labels.idx1-ubyte").write_bytes(packed(np.arange(30)))
    with pytest.raises(InputError, match="has both train-labels-idx1-ubyte and"):
        datasets.load(tmp_path / "own")


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Serve a folder on this machine; give the folder, the address and what was asked for."""
    folder, asked = tmp_path / "served", []
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=folder)

        def log_message(self, *_):
            asked.append(self.path)

    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_MIRROR", raising=False)
    monkeypatch.setattr(fetch, "SYSTEM", tmp_path / "nothing")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/", asked
        server.shutdown()


def remote(address, name, content):
    return fetch.Remote(f"{address}{name}", (hashlib.sha256(content).hexdigest(),))


def test_a_data_set_is_fetched_once_and_checked(served, tmp_path, monkeypatch):
    folder, address, asked = served
    files, held = mnist_like()
    write(folder, files, pack=True)
    remotes = tuple(
        remote(address, f"{name}.gz", (folder / f"{name}.gz").read_bytes()) for name in files
    )
    monkeypatch.setattr(fetched, "FASHION_MNIST", remotes)
    monkeypatch.setattr(fetched, "FASHION_CLASSES", ("hat", "sock", "shoe"))
    for _ in range(2):
        data = datasets.load("fashion-mnist")
        assert len(asked) == 4
    assert data.spec.classes == ("hat", "shoe", "sock")
    named = np.array(data.spec.classes)[data.test.targets()]
    assert named.tolist() == [("hat", "sock", "shoe")[y] for y in held["t10k"][1]]
    assert len(list((tmp_path / "home" / "datasets" / "fashion-mnist").iterdir())) == 4


def test_a_copy_in_the_mirror_is_taken_first(served, tmp_path, monkeypatch):
    folder, address, asked = served
    monkeypatch.setenv("ZOO_MIRROR", str(folder))
    (folder / "own").mkdir()
    (folder / "own" / "x.bin").write_bytes(b"mine")
    path = fetch.obtain("own", remote(address, "x.bin", b"mine"))
    assert path == folder / "own" / "x.bin"
    assert asked == []
    (folder / "own" / "x.bin").write_bytes(b"other")
    with pytest.raises(InputError, match=r"own/x\.bin' has the sha256 d9298a10d1b0.*expected"):
        fetch.obtain("own", remote(address, "x.bin", b"mine"))


def test_what_cannot_be_fetched_is_said_and_leaves_nothing(served, tmp_path):
    folder, address, _ = served
    (folder / "x.bin").write_bytes(b"other")
    cases = {
        f"{address}x.bin": "x.bin' has the sha256 d9298a.*expected 0000.*, as it is published",
        f"{address}absent.bin": "absent.bin could not be fetched: File not found",
        "http://127.0.0.1:9/x.bin": "could not be fetched: .*refused",
    }
    for url, said in cases.items():
        with pytest.raises(InputError, match=said):
            fetch.obtain("own", fetch.Remote(url, ("0" * 64,)))
        assert not (tmp_path / "home").exists()


def cifar_like(labels, names, members):
    """Return an archive as CIFAR's: rows of labels and a picture, color by color."""
    archive, held = io.BytesIO(), {}
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, count in members.items():
            y = np.arange(count, dtype=np.uint8)[:, np.newaxis] % 2
            x = RNG.integers(256, size=(count, 3, 32, 32)).astype("uint8")
            held[name] = x.transpose(0, 2, 3, 1)
            rows = np.concatenate([*[1 - y] * (labels - 1), y, x.reshape(count, -1)], axis=1)
            _add(tar, name, rows.tobytes())
        _add(tar, names, b"cat\ndog\n\n")
    return archive.getvalue(), held


def _add(tar, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


CIFAR = {
    "cifar10": (
        1, "cifar-10-batches-bin/batches.meta.txt",
        {f"cifar-10-batches-bin/data_batch_{i}.bin": 6 for i in range(1, 6)}
        | {"cifar-10-batches-bin/test_batch.bin": 4},
    ),
    "cifar100": (
        2, "cifar-100-binary/fine_label_names.txt",
        {"cifar-100-binary/train.bin": 30, "cifar-100-binary/test.bin": 4},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CIFAR)
def test_cifar(served, monkeypatch, name):
    folder, address, _ = served
    content, held = cifar_like(*CIFAR[name])
    (folder / "c.tar.gz").write_bytes(content)
    monkeypatch.setattr(fetched, name.upper(), remote(address, "c.tar.gz", content))
    data = datasets.load(name)
    assert data.spec.classes == ("cat", "dog")
    assert (len(data.train), len(data.validation), len(data.test)) == (27, 3, 4)
    *_, test = held.values()
    np.testing.assert_array_equal(data.test.batch(range(4))["image"], test)
    assert data.test.targets().tolist() == [0, 1, 0, 1]


def test_an_archive_without_its_files(served, monkeypatch):
    folder, address, _ = served
    content, _ = cifar_like(1, "other.txt", {"x.bin": 2})
    (folder / "c.tar.gz").write_bytes(content)
    monkeypatch.setattr(fetched, "CIFAR10", remote(address, "c.tar.gz", content))
    with pytest.raises(InputError, match="is not the archive it is called"):
        datasets.load("cifar10")


@pytest.mark.skipif(
    not (fetch.SYSTEM / "fashion-mnist").is_dir(), reason="Debian's dataset-fashion-mnist is absent"
)
def test_fashion_mnist_of_the_system():
    data = datasets.load("fashion-mnist")
    assert len(data.train) + len(data.validation) == 60_000
    assert len(data.test) == 10_000
    assert np.bincount(data.test.targets()).tolist() == [1000] * 10
    assert data.test.batch([0])["image"].shape == (1, 28, 28, 1)
    assert data.spec.classes[data.test.targets()[0]] == "Ankle boot"
