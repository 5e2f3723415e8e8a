"""Photos a second, read from a folder of JPEG files, flipped and shifted, in batches of 32.

The files are 2,000 crops of 224 x 224 out of scikit-learn's two photographs, in two classes. The
bare rate is that of decoding alone by all cores, without batches. zoo trains a model of 16 of
their pixels on them, streamed as it streams what is too large to be kept; the others only iterate.
Memory is the largest of a process that trains an epoch of 200 steps on that folder, and on one of
100,000 names for the same files.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import common
from benchmarks.common import PYTHON, Goal, Worker

COUNT, MANY = 2000, 100_000
BARE, OURS = "bare decoding", "zoo"
LARGE = """
import sys
import zoo
from zoo.preprocessing import images

images.RESIDENT = 0
options = {"steps": 200, "batch_size": 32, "validation_fraction": 0.0, "test_fraction": 0.0005}
zoo.train("linear", data=sys.argv[1], task="classification", run=sys.argv[2], **options)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--torch-python", metavar="PATH", help="Python with torch and torchvision")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photos, many = Path(folder, "photos"), Path(folder, "many")
        make(photos)
        link(photos, many)
        os.environ["PHOTOS"] = str(photos)
        rates = measure(arguments.torch_python, arguments.repetitions)
        memory = {
            path.name: common.run([PYTHON, "-c", LARGE, str(path), f"{folder}/run-{path.name}"])
            for path in (photos, many)
        }
    write(rates, {name: child.megabytes for name, child in memory.items()}, arguments.repetitions)


def make(folder: Path) -> None:
    """Write crops of two photographs, a class each."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_sample_images

    random = np.random.default_rng(0)
    for name, photo in zip(("china", "flower"), load_sample_images().images, strict=True):
        (folder / name).mkdir(parents=True)
        for i in range(COUNT // 2):
            top, left = (random.integers(size - 224 + 1) for size in photo.shape[:2])
            crop = Image.fromarray(photo[top : top + 224, left : left + 224])
            crop.save(folder / name / f"{i}.jpg", quality=90)


def link(photos: Path, many: Path) -> None:
    """Give every file many names."""
    for path in photos.glob("*/*.jpg"):
        place = many / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        for copy in range(MANY // COUNT):
            os.link(path, place / f"{copy}-{path.name}")


def measure(torch_python: str | None, repetitions: int) -> dict[str, list[float]]:
    """Return photos a second of every contender."""
    workers = [Worker(PYTHON, "benchmarks.pictures_keras")]
    if torch_python and Path(torch_python).exists():
        workers.append(Worker(torch_python, "benchmarks.pictures_torch"))
    else:
        common.note("PyTorch is skipped: --torch-python names no interpreter.")
    contenders = {name: partial(w.measure, name) for w in workers for name in w.names}
    rates = common.interleave(contenders, repetitions)
    for worker in workers:
        worker.close()
    return rates


def write(rates: dict[str, list[float]], memory: dict[str, float], repetitions: int) -> None:
    ratios = {name: common.ratio(rates[OURS], taken) for name, taken in rates.items()}
    goals = [Goal(f"{OURS} / {BARE}", ratios[BARE], ">=", 0.9)]
    others = [name for name in rates if name not in (OURS, BARE)]
    goals += [Goal(f"{OURS} / {name}", ratios[name], ">=", 1.0) for name in others]
    growth = memory["many"] - memory["photos"]
    goals.append(Goal(f"memory for {MANY:,} files above {COUNT:,}", growth, "<=", 100, "MB"))
    rows = [
        [name, common.spread(taken), f"{statistics.median(taken) / os.cpu_count():.0f}"]
        for name, taken in rates.items()
    ]
    header = ["who", "photos a second, median (least to most)", "a core"]
    text = f"{__doc__}\n{repetitions} repetitions.\n\n{common.table(header, rows)}\n\n"
    text += f"Peak memory: {memory['photos']:.0f} MB with {COUNT:,} files, "
    text += f"{memory['many']:.0f} MB with {MANY:,}."
    common.report("pictures", "Reading photos", goals, text)


if __name__ == "__main__":
    sys.exit(main())
