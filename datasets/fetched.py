"""Named data sets that are fetched: MNIST, Fashion-MNIST, CIFAR, and ETTh1."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pandas as pd

from zoo.errors import InputError

from .arrays import read_arrays
from .bad import BadExamples
from .base import Raw, Series
from .fetch import Remote, obtain
from .files import read_frame
from .idx import by_name, read_idx_files
from .splits import consecutive

# The hash that keras.datasets publishes.
MNIST = Remote(
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    ("731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",),
)
_ZALANDO = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
# The files of the authors, then Debian's of the same content.
FASHION_MNIST = tuple(
    Remote(f"{_ZALANDO}{name}-ubyte.gz", tuple(hashes))
    for name, *hashes in (
        (
            "train-images-idx3",
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
        ),
        (
            "train-labels-idx1",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
        ),
        (
            "t10k-images-idx3",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
        ),
        (
            "t10k-labels-idx1",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
        ),
    )
)
FASHION_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
    "Ankle boot",
)  # fmt: skip
_TORONTO = "https://www.cs.toronto.edu/~kriz/"
CIFAR10 = Remote(
    f"{_TORONTO}cifar-10-binary.tar.gz",
    ("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",),
)
CIFAR100 = Remote(
    f"{_TORONTO}cifar-100-binary.tar.gz",
    ("58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",),
)

ETTH1 = Remote(
    "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/main/ETT-small/ETTh1.csv",
    ("f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",),
)
MONTH = 30 * 24  # hours


def mnist() -> Raw:
    """Pictures uint8 `(70000, 28, 28, 1)`, the last 10,000 for test, and which digit."""
    return read_arrays(obtain("mnist", MNIST), BadExamples())


def fashion_mnist() -> Raw:
    """Pictures uint8 `(70000, 28, 28, 1)`, the last 10,000 for test, and which garment."""
    paths = [obtain("fashion-mnist", remote) for remote in FASHION_MNIST]
    raw = read_idx_files(by_name(paths), "fashion-mnist")
    assert raw.frame is not None
    codes = raw.frame["label"].cat.categories
    named = [FASHION_CLASSES[int(code)] for code in codes]
    raw.frame["label"] = raw.frame["label"].cat.rename_categories(named)
    return raw


def cifar10() -> Raw:
    """Pictures uint8 `(60000, 32, 32, 3)`, the last 10,000 for test, and what is in them."""
    train = [f"cifar-10-batches-bin/data_batch_{i}.bin" for i in range(1, 6)]
    test, names = "cifar-10-batches-bin/test_batch.bin", "cifar-10-batches-bin/batches.meta.txt"
    return _cifar(obtain("cifar10", CIFAR10), train, test, names, labels=1)


def cifar100() -> Raw:
    """Pictures uint8 `(60000, 32, 32, 3)`, the last 10,000 for test, and what is in them."""
    folder = "cifar-100-binary"
    names = f"{folder}/fine_label_names.txt"
    path = obtain("cifar100", CIFAR100)
    return _cifar(path, [f"{folder}/train.bin"], f"{folder}/test.bin", names, labels=2)


def etth1() -> Raw:
    """Load and oil temperature of a transformer by the hour: 12, 4 and 4 months of 30 days.

    That is how all who publish results split it; what is left at its end is not used.
    """
    frame = read_frame(obtain("etth1", ETTH1))
    given = consecutive({"train": 12 * MONTH, "validation": 4 * MONTH, "test": 4 * MONTH})
    return Raw("series", frame, given=given, series=Series("date", horizon=96))


def _cifar(path: Path, train: list[str], test: str, names: str, labels: int) -> Raw:
    """Read rows of some labels, of which the last counts, and a picture, color by color."""
    try:
        with tarfile.open(path) as archive:
            parts = [_member(archive, name) for name in (*train, test)]
            classes = _member(archive, names).decode().split()
    except (OSError, EOFError, KeyError, tarfile.TarError) as error:
        raise InputError(
            f"'{path}' is not the archive it is called ({error}); expected {names} and others in "
            "it; try removing it, and it will be fetched again"
        ) from error
    rows = np.frombuffer(b"".join(parts), np.uint8).reshape(-1, labels + 32 * 32 * 3)
    pictures = rows[:, labels:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    held = len(parts[-1]) // rows.shape[1]
    given = {
        "train": np.arange(len(rows) - held),
        "test": np.arange(len(rows) - held, len(rows)),
    }
    label = pd.Categorical.from_codes(rows[:, labels - 1].astype(np.int64), pd.Index(classes))
    frame = pd.DataFrame({"label": label})
    return Raw("image", frame, np.ascontiguousarray(pictures), target=("label",), given=given)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(f"{name} is no file")
    return file.read()
