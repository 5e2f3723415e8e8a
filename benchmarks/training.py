"""Milliseconds an epoch of two small networks, trained with Adam.

The MLP 64-128-128-10 sees 1,437 digits of 64 numbers in batches of 32. The CNN of 102,130
parameters, two convolutions and two dense layers, sees 6,016 pictures of 28 x 28 in batches of 64.
Arithmetic is most of a step of the CNN, so that little of it can be saved beside `fit`.
Loss and accuracy are measured in every contender. Each framework has a process of its own that
stays warm; they take turns, an equal number of epochs at a time, the first of which is left out.
Threads are each framework's own choice; PyTorch with one is shown beside, as its waiting threads
cost more than they do where the work is this small or the machine busy.
"""

from __future__ import annotations

import argparse
import statistics
from functools import partial
from pathlib import Path

from benchmarks import common
from benchmarks.common import PYTHON, Goal, Worker

OURS, ARRAYS, DATA = "zoo", "`fit` on arrays", "tf.data"
LOADER, RESIDENT = "PyTorch, DataLoader", "PyTorch, resident tensor"
WANTED = {
    "mlp": {ARRAYS: 6.0, DATA: 1.4, LOADER: 2.5, RESIDENT: 2.0},
    "cnn": {ARRAYS: 2.5, DATA: 1.05, RESIDENT: 1.3},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument(
        "--torch-python",
        metavar="PATH",
        help="Python of an environment with torch, numpy and scikit-learn; else PyTorch is skipped",
    )
    arguments = parser.parse_args()
    torch_python = arguments.torch_python
    if not (torch_python and Path(torch_python).exists()):
        torch_python = None
        common.note("PyTorch is skipped: --torch-python names no interpreter.")
    times = {work: measure(work, torch_python, arguments.repetitions) for work in WANTED}
    write(times, arguments.repetitions)


def measure(work: str, torch_python: str | None, repetitions: int) -> dict[str, list[float]]:
    """Return milliseconds an epoch of every contender."""
    workers = [Worker(PYTHON, "benchmarks.training_keras", [work])]
    if torch_python:
        workers.append(Worker(torch_python, "benchmarks.training_torch", [work]))
    contenders = {name: partial(w.measure, name) for w in workers for name in w.names}
    times = common.interleave(contenders, repetitions)
    for worker in workers:
        worker.close()
    return times


def write(times: dict[str, dict[str, list[float]]], repetitions: int) -> None:
    goals = [goal for work, taken in times.items() for goal in reached(work, taken)]
    text = f"{__doc__}\n{repetitions} repetitions."
    for work, taken in times.items():
        header = [work, "ms an epoch, median (least to most)", f"times {OURS}"]
        rows = [
            [name, common.spread(each), f"{common.ratio(each, taken[OURS]):.2f}"]
            for name, each in taken.items()
        ]
        text += f"\n\n{common.table(header, rows)}"
    if RESIDENT not in times["mlp"]:
        text += "\n\nPyTorch was skipped: no `--torch-python` was given."
    common.report("training", "Training small networks", goals, text)


def reached(work: str, times: dict[str, list[float]]) -> list[Goal]:
    """Return the goals of a network; of the ways to use tf.data, the fastest counts."""
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    data = min((name for name in times if DATA in name), key=medians.__getitem__)
    return [
        Goal(f"{work}: {name} / {OURS}", common.ratio(times[name], times[OURS]), ">=", bound)
        for name, bound in (
            (data if name == DATA else name, bound) for name, bound in WANTED[work].items()
        )
        if name in times
    ]


if __name__ == "__main__":
    main()
