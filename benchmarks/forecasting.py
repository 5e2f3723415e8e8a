"""ETTh1, all seven columns, 96 hours ahead: recipes beside forecasts that learn nothing.

Errors are means over all windows of the test split and all columns, in units of the training rows'
standard deviation, as published ones are. Split and windows are those of Informer's authors: 12, 4
and 4 months of 30 days, one window an hour. Everything that was chosen was chosen on validation.

Published, for the same windows: DLinear 0.375 / 0.399 and NLinear 0.374 / 0.394 (Zeng and others,
2022, arXiv:2205.13504), Informer 0.865 / 0.713 (the same table).
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile

from benchmarks import common
from benchmarks.common import ZOO, Goal

RECIPES = {
    "dlinear": "etth1-dlinear", "nlinear": "etth1-nlinear", "n-beats": "etth1-n-beats",
    "lstm-forecaster": "etth1-lstm",
}  # fmt: skip
SCORES = ("mse", "mae", "mase", "smape")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0")
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as folder:
        runs = {
            name: [train(recipe, seed, folder) for seed in range(seeds)]
            for name, recipe in RECIPES.items()
        }
    baselines = {row["forecast"]: row for row in runs["dlinear"][0]["tables"]["baselines"]}
    rows = [[name, *(f"{baselines[name][score]:.4f}" for score in SCORES), "", ""]
            for name in ("naive", "seasonal-naive")]  # fmt: skip
    means = {name: mean(found) for name, found in runs.items()}
    for name, found in runs.items():
        mses = [run["scores"]["mse"] for run in found]
        rows.append([
            name, *(f"{means[name][score]:.4f}" for score in SCORES),
            f"{min(mses):.4f} to {max(mses):.4f}",
            f"{statistics.median(run['seconds'] for run in found):.0f}",
        ])  # fmt: skip
    header = ["forecast", *SCORES, "mse of the seeds", "s"]
    windows = runs["dlinear"][0]["examples"]
    common.report(
        "forecasting",
        "Forecasting",
        goals(means),
        f"{__doc__}\n`zoo train --config recipes/RECIPE.yaml --seed S`, means of {seeds} seeds; "
        f"{windows:,} windows.\n\n" + common.table(header, rows),
    )


def train(recipe: str, seed: int, folder: str) -> dict:
    """Train a recipe; return what was measured, and the seconds it took."""
    path = common.ROOT / "recipes" / f"{recipe}.yaml"
    common.note(f"{path.name}, seed {seed}")
    command = [ZOO, "train", "--config", str(path), "--seed", str(seed), "--json"]
    child = common.run(command, folder)
    metrics = json.loads(child.output)["metrics"]
    assert metrics["split"] == "test"
    return {**metrics, "seconds": child.seconds}


def mean(runs: list[dict]) -> dict[str, float]:
    """Return the mean of each score."""
    return {score: statistics.mean(run["scores"][score] for run in runs) for score in SCORES}


def goals(means: dict[str, dict[str, float]]) -> list[Goal]:
    """Return what was to be reached, by the best recipe and by the recurrent one."""
    best, lstm = min(means, key=lambda name: means[name]["mse"]), means["lstm-forecaster"]
    return [
        Goal(f"ETTh1, {best}, mse", means[best]["mse"], "<=", 0.375),
        Goal(f"ETTh1, {best}, mae", means[best]["mae"], "<=", 0.395),
        Goal("ETTh1, lstm-forecaster, mse (Informer's)", lstm["mse"], "<=", 0.865),
        Goal("ETTh1, lstm-forecaster, mae (Informer's)", lstm["mae"], "<=", 0.713),
    ]


if __name__ == "__main__":
    main()
