"""GANs: milliseconds of a training step, and many pictures at once.

- dcgan: 64 pictures of 64 x 64 pixels in color, 64 filters, Adam; beside Keras's `fit` of the same
  model on arrays, of its networks with the usual `train_step`, where one learns and then the other,
  each from pictures of its own, and the same networks by turns in PyTorch, eager.
- wgan-gp: 64 such pictures for the critic and the generator, one update of each, with the penalty;
  beside the same.
- pictures: 10,000 of 28 x 28 by a generator of 32 filters, in one call; beside Python's loop over
  `predict`, 32 at a time as is Keras's default.

Each framework has processes of its own that stay warm and take turns.

A step is convolutions, which are Keras's in all contenders but PyTorch: beside the same step in
`fit` there is nothing left to win, and beside the usual one only the pass that it makes twice.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from benchmarks import common
from benchmarks.common import PYTHON, Goal, Worker

GOALS = {
    "PyTorch": 1.0,
    "fit": 1.3,
    "fit by turns": 1.3,
    "predict": 5.0,
}  # how many times as fast as the peer
PARTS = ("dcgan", "wgan-gp", "pictures")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--torch-python", metavar="PATH", help="Python with torch")
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
    workers = [Worker(PYTHON, "benchmarks.gans_keras", [part])]
    if torch_python and Path(torch_python).exists() and part != "pictures":
        workers.append(Worker(torch_python, "benchmarks.gans_torch", [part]))
    contenders = {name: partial(w.measure, name) for w in workers for name in w.names}
    times = common.interleave(contenders, repetitions)
    for worker in workers:
        worker.close()
    return times


def write(times: dict[str, list[float]], repetitions: int) -> None:
    goals, rows = [], []
    for name, taken in times.items():
        what, _, who = name.rpartition(", ")
        ratio = common.ratio(taken, times[f"{what}, zoo"])
        rows.append([what, who, common.spread(taken), f"{ratio:.2f}"])
        if who in GOALS:
            goals.append(Goal(f"{what}: {who} / zoo", ratio, ">=", GOALS[who]))
    header = ["what", "who", "ms, median (least to most)", "times zoo"]
    text = f"{__doc__}\n{repetitions} repetitions.\n\n{common.table(header, rows)}"
    common.report("gans", "GANs", goals, text)


if __name__ == "__main__":
    main()
