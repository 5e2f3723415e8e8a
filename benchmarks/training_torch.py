"""The contenders of `training.py` on PyTorch, for an environment of its own."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.common import answer

BATCH = {"mlp": 32, "cnn": 64}
EPOCHS = {"mlp": 20, "cnn": 2}
THREADS = torch.get_num_threads()
WORK = sys.argv[1]
Batches = Callable[[], Iterable[tuple[torch.Tensor, torch.Tensor]]]


def data() -> tuple[torch.Tensor, torch.Tensor]:
    if WORK == "cnn":
        pictures = torch.rand(6016, 1, 28, 28)
        return pictures, torch.randint(10, (6016,))
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.data))[:1437]
    x = torch.from_numpy((digits.data[order] / 16).astype(np.float32))
    return x, torch.from_numpy(digits.target[order].astype(np.int64))


def network() -> nn.Module:
    if WORK == "mlp":
        hidden = [nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU()]
        return nn.Sequential(*hidden, nn.Linear(128, 10))
    first = [nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    return nn.Sequential(*first, *second, nn.Linear(800, 120), nn.ReLU(), nn.Linear(120, 10))


def contender(batches: Batches, threads: int = THREADS, fused: bool = False) -> Callable[[], float]:
    """Return a function that trains on and returns milliseconds an epoch."""
    torch.manual_seed(0)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=fused)
    criterion = nn.CrossEntropyLoss()

    def epoch() -> tuple[float, float]:
        total, right, count = torch.zeros(()), torch.zeros((), dtype=torch.int64), 0
        for x, y in batches():
            optimizer.zero_grad()
            logits = model(x)
            loss = criterion(logits, y)
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(y)
            right += (logits.detach().argmax(1) == y).sum()
            count += len(y)
        return total.item() / count, right.item() / count

    def measure() -> float:
        torch.set_num_threads(threads)
        ends = []
        for _ in range(EPOCHS[WORK] + 1):
            epoch()
            ends.append(time.perf_counter())
        return 1000 * statistics.median(b - a for a, b in pairwise(ends))

    return measure


def resident(x: torch.Tensor, y: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield the batches of a new order, by indexing."""
    for rows in torch.randperm(len(x)).split(BATCH[WORK]):
        yield x[rows], y[rows]


def main() -> None:
    x, y = data()
    loader = DataLoader(TensorDataset(x, y), batch_size=BATCH[WORK], shuffle=True)
    contenders = {
        "PyTorch, DataLoader": contender(lambda: loader),
        "PyTorch, resident tensor": contender(partial(resident, x, y)),
        "PyTorch, DataLoader, one thread": contender(lambda: loader, threads=1),
        "PyTorch, resident tensor, one thread": contender(partial(resident, x, y), threads=1),
        "PyTorch, resident tensor, one thread, fused Adam": contender(
            partial(resident, x, y), threads=1, fused=True
        ),
    }
    for measure in contenders.values():  # warms up
        measure()
    answer(contenders)


if __name__ == "__main__":
    main()
