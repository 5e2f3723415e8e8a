"""Milliseconds of a training step of two recurrent layers of 128 units.

Both layers are 128 units wide and read 32 sequences of 64 steps of 128 numbers in float32; the last
state gives one of ten classes, and Adam takes the step. Each framework has a process of its own
that stays warm; they take turns, an equal number of steps at a time, the first of which are left
out. Only ratios within a turn mean anything on a busy machine. Threads are each framework's own
choice, and one for PyTorch beside it, whose waiting threads cost more than they do where the
machine is busy; the faster of the two counts.
"""

from __future__ import annotations

import argparse
import statistics
from functools import partial
from pathlib import Path

from benchmarks import common
from benchmarks.common import PYTHON, Goal, Worker

WANTED = {"lstm": 0.8, "gru": 1.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument(
        "--torch-python",
        metavar="PATH",
        help="Python of an environment with torch and numpy; else PyTorch is skipped",
    )
    arguments = parser.parse_args()
    torch_python = arguments.torch_python
    if not (torch_python and Path(torch_python).exists()):
        torch_python = None
        common.note("PyTorch is skipped: --torch-python names no interpreter.")
    times = {cell: measure(cell, torch_python, arguments.repetitions) for cell in WANTED}
    write(times, arguments.repetitions)


def measure(cell: str, torch_python: str | None, repetitions: int) -> dict[str, list[float]]:
    """Return milliseconds a step of every contender."""
    workers = [Worker(PYTHON, "benchmarks.recurrent_keras", [cell])]
    if torch_python:
        workers.append(Worker(torch_python, "benchmarks.recurrent_torch", [cell]))
    contenders = {name: partial(w.measure, name) for w in workers for name in w.names}
    times = common.interleave(contenders, repetitions)
    for worker in workers:
        worker.close()
    return times


def write(times: dict[str, dict[str, list[float]]], repetitions: int) -> None:
    goals, text = [], f"{__doc__}\n{repetitions} repetitions."
    for cell, taken in times.items():
        ours = taken["zoo"]
        header = [cell, "ms a step, median (least to most)", "times zoo"]
        rows = [
            [name, common.spread(each), f"{common.ratio(each, ours):.2f}"]
            for name, each in taken.items()
        ]
        text += f"\n\n{common.table(header, rows)}"
        medians = {n: statistics.median(t) for n, t in taken.items() if n.startswith("PyTorch")}
        if medians:
            fastest = min(medians, key=medians.__getitem__)
            reached = common.ratio(taken[fastest], ours)
            goals.append(Goal(f"{cell}: {fastest} / zoo", reached, ">=", WANTED[cell]))
    if not goals:
        text += "\n\nPyTorch was skipped: no `--torch-python` was given."
    common.report("recurrent", "Training recurrent networks", goals, text)


if __name__ == "__main__":
    main()
