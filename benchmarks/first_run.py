"""`zoo train mlp --data digits` from shell prompt to prompt, in an empty folder."""

from __future__ import annotations

import argparse
import statistics
import tempfile

from benchmarks import common
from benchmarks.common import KERAS, ZOO, Child, Goal

TRAIN = [ZOO, "train", "mlp", "--data", "digits"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    repetitions = parser.parse_args().repetitions
    contenders = {"python -c 'import keras'": keras, "zoo train mlp --data digits": train}
    children = common.interleave(contenders, repetitions)
    seconds = {name: [child.seconds for child in found] for name, found in children.items()}
    memory = {name: [child.megabytes for child in found] for name, found in children.items()}
    base, ours = contenders
    more = common.ratio(memory[ours], memory[base])
    rows = [[f"`{n}`", common.spread(seconds[n]), common.spread(memory[n])] for n in contenders]
    common.report(
        "first_run",
        "The first run",
        [
            Goal("prompt to prompt", statistics.median(seconds[ours]), "<=", 15, "s"),
            Goal("peak memory / `import keras`", more, "<=", 1.3),
        ],
        f"{__doc__} {repetitions} interleaved repetitions; memory is the largest resident size.\n\n"
        + common.table(["command", "seconds, median (least to most)", "MB"], rows),
    )


def keras() -> Child:
    return common.run(KERAS)


def train() -> Child:
    with tempfile.TemporaryDirectory() as folder:
        return common.run(TRAIN, folder)


if __name__ == "__main__":
    main()
