"""Test scores of default arguments, mean over seeds, with the lowest and the highest.

The split is the same for all seeds; they vary initial weights, order and dropout.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile

from benchmarks import common
from benchmarks.common import ZOO, Goal

GOALS = (
    ("mlp", "digits", "accuracy", ">=", 0.97),
    ("mlp", "breast-cancer", "accuracy", ">=", 0.95),
    ("mlp", "wine", "accuracy", ">=", 0.95),
    ("mlp", "diabetes", "r2", ">=", 0.40),
    ("mlp", "spirals", "accuracy", ">=", 0.98),
    ("linear", "spirals", "accuracy", "<=", 0.75),
    ("lenet5", "digits", "accuracy", ">=", 0.97),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0")
    parser.add_argument("--only", metavar="MODEL-DATA", help="one row, as mlp-wine")
    arguments = parser.parse_args()
    chosen = [g for g in GOALS if arguments.only in (None, f"{g[0]}-{g[1]}")]
    goals, rows = [], []
    with tempfile.TemporaryDirectory() as folder:
        for model, data, score, sign, bound in chosen:
            command = ["train", model, "--data", data]
            results = [train(command, seed, score, folder) for seed in range(arguments.seeds)]
            values = [value for value, _ in results]
            taken = statistics.median(seconds for _, seconds in results)
            mean = statistics.mean(values)
            goals.append(Goal(f"`zoo {' '.join(command)}`, {score}", round(mean, 4), sign, bound))
            listed = [f"{value:.4f}" for value in (mean, min(values), max(values))]
            rows.append([f"`zoo {' '.join(command)} --seed S`", score, *listed, f"{taken:.1f}"])
    header = ["command", "score", "mean", "least", "most", "seconds each"]
    text = f"{__doc__}\nSeeds 0 to {arguments.seeds - 1}.\n\n{common.table(header, rows)}"
    if arguments.only:
        print(text)
    else:
        common.report("accuracy", "Accuracy with default arguments", goals, text)


def train(command: list[str], seed: int, score: str, folder: str) -> tuple[float, float]:
    """Return the test score and the seconds of a run."""
    common.note(f"{' '.join(command)} --seed {seed}")
    child = common.run([ZOO, *command, "--seed", str(seed), "--json"], folder)
    metrics = json.loads(child.output)["metrics"]
    assert metrics["split"] == "test"
    return metrics["scores"][score], child.seconds


if __name__ == "__main__":
    main()
