"""The contenders of `recurrent.py` on PyTorch, for an environment of its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch
from torch import nn

from benchmarks.common import answer

STEPS = 10
CELL = {"lstm": nn.LSTM, "gru": nn.GRU}[sys.argv[1]]
THREADS = torch.get_num_threads()


class Network(nn.Module):
    """Two layers and an output of the last state."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = CELL(128, 128, num_layers=2, batch_first=True)
        self.logits = nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.layers(x)
        return self.logits(states[:, -1])


def contender(threads: int = THREADS) -> Callable[[], float]:
    """Return a function that trains on and returns milliseconds a step."""
    torch.manual_seed(0)
    model = Network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)
    criterion = nn.CrossEntropyLoss()
    x, y = torch.randn(32, 64, 128), torch.randint(10, (32,))

    def train(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            criterion(model(x), y).backward()
            optimizer.step()

    def measure() -> float:
        torch.set_num_threads(threads)
        train(2)
        began = time.perf_counter()
        train(STEPS)
        return 1000 * (time.perf_counter() - began) / STEPS

    return measure


def main() -> None:
    contenders = {"PyTorch": contender(), "PyTorch, one thread": contender(threads=1)}
    for measure in contenders.values():  # warms up
        measure()
    answer(contenders)


if __name__ == "__main__":
    main()
