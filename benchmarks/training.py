"""Milliseconds an epoch: 1,437 digits of 64 numbers, an MLP 64-128-128-10, batch 32, Adam.

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

OURS, ARRAYS = "zoo", "`fit` on arrays"
LOADER, RESIDENT = "PyTorch, DataLoader", "PyTorch, resident tensor"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument(
        "--torch-python",
        metavar="PATH",
        help="Python of an environment with torch, numpy and scikit-learn; else PyTorch is skipped",
    )
    arguments = parser.parse_args()
    workers = [Worker(PYTHON, "benchmarks.training_keras")]
    if arguments.torch_python and Path(arguments.torch_python).exists():
        workers.append(Worker(arguments.torch_python, "benchmarks.training_torch"))
    else:
        common.note("PyTorch is skipped: --torch-python names no interpreter.")
    contenders = {name: partial(w.measure, name) for w in workers for name in w.names}
    times = common.interleave(contenders, arguments.repetitions)
    for worker in workers:
        worker.close()
    write(times, arguments.repetitions, skipped=len(workers) == 1)


def write(times: dict[str, list[float]], repetitions: int, skipped: bool) -> None:
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    data = min((name for name in times if "tf.data" in name), key=medians.__getitem__)
    wanted = {ARRAYS: 6.0, data: 1.4, LOADER: 2.5, RESIDENT: 2.0}
    ratios = {name: common.ratio(taken, times[OURS]) for name, taken in times.items()}
    goals = [
        Goal(f"{name} / {OURS}", ratios[name], ">=", bound)
        for name, bound in wanted.items()
        if name in times
    ]
    rows = [[name, common.spread(taken), f"{ratios[name]:.2f}"] for name, taken in times.items()]
    text = common.table(["who", "ms an epoch, median (least to most)", f"times {OURS}"], rows)
    text = f"{__doc__}\n{repetitions} repetitions.\n\n{text}"
    if skipped:
        text += "\n\nPyTorch was skipped: no `--torch-python` was given."
    common.report("training", "Training a small MLP", goals, text)


if __name__ == "__main__":
    main()
