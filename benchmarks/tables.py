"""A CSV of 15 numbers, 5 categories and a target: read, fitted and encoded, then trained on.

Memory is the largest resident size of the process, above what it was after `import keras`. The
training step of zoo's encoded table is paired with that of plain float32 arrays of the same shape.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks import common
from benchmarks.common import PYTHON, Goal

NUMBERS, CATEGORIES = 15, (3, 5, 10, 20, 50)
BLOCK = 50_000
BATCH = 32
PARTS = ("load", "fit", "encode")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--file", help=argparse.SUPPRESS)  # what the measured child reads
    parser.add_argument("--train", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.file:
        print(json.dumps(measure(arguments.file, arguments.train, arguments.repetitions)))
        return
    with tempfile.TemporaryDirectory() as folder:
        files = {rows: write(Path(folder, f"{rows}.csv"), rows) for rows in arguments.rows}
        sizes = {rows: file.stat().st_size / 1e6 for rows, file in files.items()}
        contenders = {str(rows): partial(child, file) for rows, file in files.items()}
        found = common.interleave(contenders, arguments.repetitions)
        largest = max(files)
        common.note(f"training on {largest:,} rows")
        steps = child(files[largest], "--train", "--repetitions", str(arguments.repetitions))
    present({rows: found[str(rows)] for rows in files}, sizes, steps["steps"])


def present(read: dict[int, list[dict]], sizes: dict[int, float], steps: dict) -> None:
    rows, speeds, memory = [], {}, {}
    for count, found in read.items():
        parts = {part: statistics.median(f[part] for f in found) for part in found[0]}
        speeds[count] = count / statistics.median(sum(f[part] for part in PARTS) for f in found)
        memory[count] = parts["megabytes"]
        seconds = [f"{parts[part]:.3g}" for part in PARTS]
        rate = f"{speeds[count]:,.0f}"
        rows.append([f"{count:,}", f"{sizes[count]:.1f}", *seconds, rate, f"{memory[count]:.0f}"])
    largest = max(read)
    ours, plain = steps["zoo"], steps["plain"]
    header = ["rows", "file, MB", "read, s", "fit, s", "encode, s", "rows/s", "peak MB above keras"]
    text = f"{__doc__}\nMedians of {len(read[largest])} processes a size, in turns.\n\n"
    text += common.table(header, rows) + "\n\n"
    text += common.table(
        [f"training, {largest:,} rows, mlp, batch {BATCH}", "ms a step, median (least to most)"],
        [["zoo's encoded table", common.spread(ours)], ["plain arrays", common.spread(plain)]],
    )
    goals = [
        Goal(f"read, fit and encode {largest:,} rows", speeds[largest], ">=", 200_000, "rows/s"),
        Goal("peak memory above `import keras`", memory[largest], "<=", 450, "MB"),
        Goal("step on the table / on plain arrays", common.ratio(ours, plain), "<=", 1.1),
    ]
    common.report("tables", "A table of a million rows", goals, text)


def child(file: Path, *options: str) -> dict:
    command = [PYTHON, "-m", "benchmarks.tables", "--file", str(file), *options]
    return json.loads(common.run(command).output)


def write(path: Path, rows: int) -> Path:
    """Write the CSV; 1 % of three columns is missing, the target follows from the others."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(0)
    for start in range(0, rows, BLOCK):
        size = min(BLOCK, rows - start)
        numbers = random.normal(size=(size, NUMBERS)) * np.logspace(-2, 4, NUMBERS)
        codes = [random.integers(0, count, size) for count in CATEGORIES]
        score = numbers[:, 7] + codes[0] + random.normal(size=size)
        frame = pd.DataFrame(numbers, columns=[f"number_{i}" for i in range(NUMBERS)])
        for i in range(3):
            frame.loc[random.random(size) < 0.01, f"number_{i}"] = np.nan
        for i, values in enumerate(codes):
            frame[f"category_{i}"] = np.array([f"value {k}" for k in range(CATEGORIES[i])])[values]
        frame["target"] = np.where(score > 1, "yes", "no")
        frame.to_csv(path, mode="a", header=not start, index=False, float_format="%.6g")
    return path


def measure(file: str, train: bool, repetitions: int) -> dict:
    """Do the work in this process and return seconds and megabytes."""
    from zoo.startup import start

    start()
    before = high_water()
    import numpy as np

    from zoo import datasets, preprocessing

    times = [time.perf_counter()]
    data = datasets.load(file)
    times.append(time.perf_counter())
    preprocessor = preprocessing.fit(data, embeddings=False)
    times.append(time.perf_counter())
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    encoded = {name: preprocessor.encode_split(split) for name, split in splits.items()}
    times.append(time.perf_counter())
    found = dict(zip(PARTS, np.diff(times).tolist(), strict=True))
    found["megabytes"] = high_water() - before
    if train:
        found["steps"] = steps(data, preprocessor, encoded["train"], repetitions)
    return found


def high_water() -> float:
    """Return the largest resident size of this process so far, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def steps(data, preprocessor, encoded, repetitions: int) -> dict[str, list[float]]:
    """Return milliseconds a training step on zoo's feed and on plain arrays."""
    import tensorflow as tf

    import zoo
    from zoo import tasks
    from zoo.training.feeds import Resident
    from zoo.training.loop import Trainer
    from zoo.training.optimizers import controlled

    task = tasks.TASKS["classification"].fit(data.spec, data.train)
    target = task.targets(data.train)
    blocks = [
        preprocessor.tensors({name: tf.constant(a[i : i + BLOCK]) for name, a in encoded.items()})
        for i in range(0, len(target), BLOCK)
    ]
    feeds = {
        "zoo": Resident(encoded, lambda x, y: task.example(preprocessor.tensors(x), y), target),
        "plain": Resident(tf.concat(blocks, axis=0).numpy(), target=target),
    }
    arguments = {**preprocessor.builder_arguments(), **task.builder_arguments()}
    trainers = {}
    for name, feed in feeds.items():
        model = zoo.create("mlp", **arguments)
        optimizer = controlled("adamw")(1e-3)
        model.compile(optimizer=optimizer, loss=task.loss(None), metrics=task.metrics())
        trainers[name] = Trainer(model, feed, batch_size=BATCH)
        trainers[name].fit(steps=1)  # compiles
    contenders = {name: partial(milliseconds, trainer) for name, trainer in trainers.items()}
    return common.interleave(contenders, repetitions)


def milliseconds(trainer) -> float:
    """Train for as many steps as an epoch has and return what one took."""
    before, trainer.position.stopped = trainer.position.step, False
    began = time.perf_counter()
    trainer.fit(steps=before + trainer.steps_per_epoch)
    return 1000 * (time.perf_counter() - began) / trainer.steps_per_epoch


if __name__ == "__main__":
    main()
