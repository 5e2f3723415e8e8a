"""Bits per character on python-docs: gpt-nano with default arguments against 3-gram models.

All are trained on the same training documents and measured on every character of the same test
documents. The best 3-gram model is chosen on the validation
documents, which also fit the weights of the interpolated one. Whatever was never seen in training
is one and the same character to all of them.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile

from benchmarks import common
from benchmarks.common import ZOO, Goal

TRAIN = ["train", "gpt-nano", "--data", "python-docs"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0")
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as folder:
        runs = [gpt(seed, folder) for seed in range(seeds)]
    characters, rows, best = opponents()
    for scores, _ in runs:
        if scores["tokens"] != characters:
            raise SystemExit(f"gpt-nano predicted {scores['tokens']} characters, not {characters}.")
    ours = [scores["bits_per_character"] for scores, _ in runs]
    seconds = statistics.median(taken for _, taken in runs)
    mean = statistics.mean(ours)
    shown = f"{mean:.4f} ({min(ours):.4f} to {max(ours):.4f})"
    rows.append([f"gpt-nano, mean of seeds 0 to {seeds - 1} (least to most)", "", shown])
    common.report(
        "language",
        "Language modelling",
        [Goal("gpt-nano, against the best 3-gram model", mean, "<=", best, "bits a character")],
        f"{__doc__}\n`zoo {' '.join(TRAIN)} --seed S`: {seconds:.0f} s each. "
        f"{characters:,} characters predicted.\n\n"
        + common.table(["model", "validation", "test"], rows),
    )


def gpt(seed: int, folder: str) -> tuple[dict[str, float], float]:
    common.note(f"{' '.join(TRAIN)} --seed {seed}")
    child = common.run([ZOO, *TRAIN, "--seed", str(seed), "--json"], folder)
    metrics = json.loads(child.output)["metrics"]
    assert metrics["split"] == "test"
    return metrics["scores"], child.seconds


def opponents() -> tuple[int, list[list[str]], float]:
    """Return how many characters were predicted, a row a model, and the best one's bits."""
    import numpy as np

    from benchmarks import ngram
    from zoo import datasets

    data = datasets.load("python-docs")
    codes = ngram.vocabulary(data.train.documents)
    size = len(codes) + 1
    splits = (data.train, data.validation, data.test)
    train, validation, test = (ngram.grams(split.documents, codes) for split in splits)
    smoothed = {
        "3-gram, modified Kneser-Ney": ngram.kneser_ney(train, size),
        "3-gram, Witten-Bell": ngram.witten_bell(train, size),
        "3-gram, linear interpolation": ngram.interpolated(train, validation, size),
    }
    for name, probabilities in smoothed.items():
        if not math.isclose(probabilities.sum(), size * size, rel_tol=1e-9):
            raise SystemExit(f"The probabilities of {name} do not add up to 1.")
    models = {"uniform": np.full(size, 1 / size), "1-gram": ngram.unigram(train, size), **smoothed}
    bits = {n: (ngram.bits(p, validation), ngram.bits(p, test)) for n, p in models.items()}
    best = bits[min(smoothed, key=bits.__getitem__)][1]
    rows = [[name, *(f"{value:.4f}" for value in found)] for name, found in bits.items()]
    return len(test), rows, best


if __name__ == "__main__":
    main()
