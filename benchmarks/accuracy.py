"""Test scores of default arguments, mean over seeds, with the lowest and the highest.

The split is the same for all seeds; they vary initial weights, order and dropout. One small data
set is trained on other splits too, as what 89 test rows say depends on which they are.
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
    ("cnn-small", "digits", "accuracy", ">=", 0.985),
)

OTHER_SPLITS = ("mlp", "diabetes", "r2")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0")
    parser.add_argument("--only", metavar="MODEL-DATA", help="one row, as mlp-wine")
    arguments = parser.parse_args()
    chosen = [g for g in GOALS if arguments.only in (None, f"{g[0]}-{g[1]}")]
    seeds = range(arguments.seeds)
    goals, rows = [], []
    with tempfile.TemporaryDirectory() as folder:
        for model, data, score, sign, bound in chosen:
            command = ["train", model, "--data", data]
            row, mean = measure([*command, "--seed"], seeds, score, folder)
            goals.append(Goal(f"`zoo {' '.join(command)}`, {score}", mean, sign, bound))
            rows.append(row)
        if not arguments.only:
            model, data, score = OTHER_SPLITS
            command = ["train", model, "--data", data, "--split-seed"]
            rows.append(measure(command, seeds, score, folder)[0])
    header = ["command", "score", "mean", "least", "most", "seconds each"]
    text = f"{__doc__}\nS from 0 to {seeds[-1]}.\n\n{common.table(header, rows)}"
    if arguments.only:
        print(text)
    else:
        common.report("accuracy", "Accuracy with default arguments", goals, text)


def measure(command: list[str], seeds: range, score: str, folder: str) -> tuple[list[str], float]:
    """Run a command that ends in a seed's option with each; return a row and the mean score."""
    results = [train([*command, str(seed)], score, folder) for seed in seeds]
    values = [value for value, _ in results]
    seconds = statistics.median(taken for _, taken in results)
    mean = statistics.mean(values)
    scores = [f"{value:.4f}" for value in (mean, min(values), max(values))]
    return [f"`zoo {' '.join(command)} S`", score, *scores, f"{seconds:.1f}"], mean


def train(command: list[str], score: str, folder: str) -> tuple[float, float]:
    """Return the test score and the seconds of a run."""
    common.note(" ".join(command))
    child = common.run([ZOO, *command, "--json"], folder)
    metrics = json.loads(child.output)["metrics"]
    assert metrics["split"] == "test"
    return metrics["scores"][score], child.seconds


if __name__ == "__main__":
    main()
