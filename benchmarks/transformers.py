"""Transformers: milliseconds of a training step or an answer, and tokens written a second.

- gpt: four layers of four heads, 128 wide, 12 windows of 64 tokens, AdamW; beside the same network
  in PyTorch, eager, with scaled_dot_product_attention and fused qkv.
- vit: ViT-Tiny/16 with exact GELU, 16 pictures of 224 pixels, AdamW; beside timm's.
- bert: BERT-Tiny, 32 texts of 128 tokens in two classes; beside transformers' BERT.
- writing: 200 tokens after a prompt of 16 by a model of the size of gpt with room for 256; with the
  cache, by showing the last window again, and beside transformers' `generate` with its cache.
- first: milliseconds until the first tokens are shown, warm.

Each framework has processes of its own that stay warm and take turns.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from benchmarks import common
from benchmarks.common import PYTHON, Goal, Worker

GOALS = {  # how many times as fast as the peer
    "gpt, training": 1 / 0.7,
    "vit, training": 1.4,
    "bert, training": 1.2,
    "bert, inference": 1.2,
    "writing": 2.0,
}
PARTS = ("gpt", "vit", "bert", "writing")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument(
        "--torch-python", metavar="PATH", help="Python with torch, timm and transformers"
    )
    parser.add_argument("--part", choices=PARTS, help="only this, and nothing is kept")
    arguments = parser.parse_args()
    times: dict[str, list[float]] = {}
    for part in [arguments.part] if arguments.part else PARTS:
        times |= measure(part, arguments.torch_python, arguments.repetitions)
    if arguments.part:
        for name, taken in times.items():
            print(name, common.spread(taken))
        return
    write(times, arguments.repetitions)


def measure(part: str, torch_python: str | None, repetitions: int) -> dict[str, list[float]]:
    """Return milliseconds of every contender, called "what, who"."""
    workers = [Worker(PYTHON, "benchmarks.transformers_keras", [part])]
    if torch_python and Path(torch_python).exists():
        workers.append(Worker(torch_python, "benchmarks.transformers_torch", [part]))
    contenders = {name: partial(w.measure, name) for w in workers for name in w.names}
    times = common.interleave(contenders, repetitions)
    for worker in workers:
        worker.close()
    return times


def write(times: dict[str, list[float]], repetitions: int) -> None:
    goals, rows = [], []
    for name, taken in times.items():
        what, _, who = name.rpartition(", ")
        ours = times[f"{what}, zoo"]
        ratio = common.ratio(taken, ours)
        rows.append([what, who, common.spread(taken), f"{ratio:.2f}"])
        if what in GOALS and who in ("PyTorch", "timm", "transformers"):
            goals.append(Goal(f"{what}: {who} / zoo", ratio, ">=", GOALS[what]))
        if name == "writing, window":
            goals.append(Goal("writing: without / with a cache", ratio, ">=", 10))
        if name == "first, zoo":
            first = sorted(taken)[len(taken) // 2]
            goals.append(Goal("first tokens", first, "<=", 50, "ms"))
    header = ["what", "who", "ms, median (least to most)", "times zoo"]
    text = f"{__doc__}\n{repetitions} repetitions.\n\n{common.table(header, rows)}"
    common.report("transformers", "Transformers", goals, text)


if __name__ == "__main__":
    main()
