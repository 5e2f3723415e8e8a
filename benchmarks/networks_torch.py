"""The contenders of `networks.py` on PyTorch, for an environment of its own: timm's networks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import timm
import torch

from benchmarks.common import answer

BATCHES = {"resnet50": 16, "mobilenet-v2": 32}
MODELS = {"resnet50": "resnet50", "mobilenet-v2": "mobilenetv2_100"}
STEPS, PASSES = 2, 4


def main() -> None:
    network, precision = sys.argv[1:3]
    batch = BATCHES[network]
    torch.manual_seed(0)
    model = timm.create_model(MODELS[network]).to(memory_format=torch.channels_last)
    x = torch.rand(batch, 3, 224, 224).to(memory_format=torch.channels_last)
    y = torch.randint(1000, (batch,))
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    criterion = torch.nn.CrossEntropyLoss()
    low = precision == "bfloat16"

    def casting() -> Any:
        return torch.autocast("cpu", torch.bfloat16) if low else nullcontext()

    def train() -> None:
        model.train()
        for _ in range(STEPS):
            optimizer.zero_grad()
            with casting():
                loss = criterion(model(x).float(), y)
            loss.backward()
            optimizer.step()
            loss.item()

    def infer() -> None:
        model.eval()
        with torch.inference_mode(), casting():
            for _ in range(PASSES):
                model(x)

    def rate(work: Callable[[], None], count: int) -> float:
        began = time.perf_counter()
        work()
        return count / (time.perf_counter() - began)

    contenders = {
        f"{network}, training, {precision}, timm": lambda: rate(train, STEPS * batch),
    }
    if not low:
        name = f"{network}, inference, {precision}, timm"
        contenders[name] = lambda: rate(infer, PASSES * batch)
    for measure in contenders.values():  # warms up
        measure()
    answer(contenders)


if __name__ == "__main__":
    main()
