"""The contender of `pictures.py` on PyTorch, for an environment of its own: two workers."""

from __future__ import annotations

import os
import time

from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from benchmarks.common import answer


def main() -> None:
    changes = transforms.Compose(
        [
            transforms.RandomHorizontalFlip(),
            transforms.RandomAffine(0, translate=(0.1, 0.1)),
            transforms.ToTensor(),
        ]
    )
    photos = datasets.ImageFolder(os.environ["PHOTOS"], changes)
    loader = DataLoader(photos, batch_size=32, shuffle=True, num_workers=2, persistent_workers=True)

    def measure() -> float:
        began = time.perf_counter()
        for _ in loader:
            pass
        return len(photos) / (time.perf_counter() - began)

    measure()  # starts the workers
    answer({"PyTorch, DataLoader of 2 workers": measure})


if __name__ == "__main__":
    main()
