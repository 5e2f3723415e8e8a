"""The contenders of `gans.py` on PyTorch, for an environment of its own."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.common import answer

STEPS, BATCH, FILTERS = 10, 64, 64


def generator(latent_dim: int) -> nn.Module:
    """Return the generator of `zoo.models.dcgan` for 64 x 64 pixels."""
    widths = [FILTERS * 2**i for i in (3, 2, 1, 0)]
    parts: list[nn.Module] = [
        nn.Linear(latent_dim, 16 * widths[0], bias=False),
        nn.Unflatten(1, (widths[0], 4, 4)),
        nn.BatchNorm2d(widths[0]),
        nn.ReLU(),
    ]
    for before, after in itertools.pairwise(widths):
        parts += [
            nn.ConvTranspose2d(before, after, 5, 2, padding=2, output_padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    last = nn.ConvTranspose2d(widths[-1], 3, 5, 2, padding=2, output_padding=1)
    return nn.Sequential(*parts, last, nn.Tanh())


def discriminator(normalize: Callable[[int], nn.Module]) -> nn.Module:
    """Return the discriminator of `zoo.models.dcgan` for 64 x 64 pixels."""
    widths = [3, *(FILTERS * 2**i for i in range(4))]
    parts: list[nn.Module] = []
    for stage, (before, after) in enumerate(itertools.pairwise(widths)):
        parts.append(nn.Conv2d(before, after, 5, 2, padding=2, bias=stage == 0))
        if stage:
            parts.append(normalize(after))
        parts.append(nn.LeakyReLU(0.2))
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(16 * widths[-1], 1))


def training(name: str) -> dict[str, Callable[[], float]]:
    """Return the time of a step: both networks learn from the same pictures, as zoo's do."""
    torch.manual_seed(0)
    wasserstein = name == "wgan-gp"
    latent_dim = 128 if wasserstein else 100
    made = generator(latent_dim)
    judge = discriminator((lambda n: nn.GroupNorm(1, n)) if wasserstein else nn.BatchNorm2d)
    first, second = (torch.optim.Adam(m.parameters(), 2e-4, (0.5, 0.999)) for m in (made, judge))
    real = torch.rand(BATCH, 3, 64, 64) * 2 - 1
    ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)

    def step() -> None:
        fake = made(torch.randn(BATCH, latent_dim))
        on_real, on_fake = judge(real), judge(fake.detach())
        if wasserstein:
            between = fake.detach() + torch.rand(BATCH, 1, 1, 1) * (real - fake.detach())
            between.requires_grad_(True)
            (slope,) = torch.autograd.grad(judge(between).sum(), between, create_graph=True)
            norms = slope.flatten(1).norm(dim=1)
            loss = on_fake.mean() - on_real.mean() + 10 * ((norms - 1) ** 2).mean()
        else:
            entropy = F.binary_cross_entropy_with_logits
            loss = entropy(on_real, ones) + entropy(on_fake, zeros)
        second.zero_grad()
        loss.backward()
        second.step()
        logits = judge(fake)
        loss = -logits.mean() if wasserstein else F.binary_cross_entropy_with_logits(logits, ones)
        first.zero_grad()
        loss.backward()
        first.step()

    def measure() -> float:
        for _ in range(2):
            step()
        began = time.perf_counter()
        for _ in range(STEPS):
            step()
        return 1000 * (time.perf_counter() - began) / STEPS

    return {f"{name}, PyTorch": measure}


if __name__ == "__main__":
    answer(training(sys.argv[1]))
