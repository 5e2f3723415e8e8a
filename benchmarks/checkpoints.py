"""What saving costs: the share of training time that goes into checkpoints by default.

Every call of `Trainer.save` is timed within training on the digits, from the state of the variables
to the renamed, synced files, and so is the keeping of the first state in memory. By default a
checkpoint is due every 30 s, or less often where saving would cost more than 1 % of the time, at
the end of an epoch where it is that cheap, and at the end of training.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import common
from benchmarks.common import Goal

LONG = {"time_limit": "{seconds}s", "early_stopping": 0}
RUNS = {
    "mlp, default arguments": {},
    "mlp, 26 thousand parameters": LONG,
    "mlp, 8.6 million parameters": {**LONG, "set": ["units=2048,2048,2048"]},
    "mlp, 34 million parameters": {**LONG, "set": ["units=4096,4096,4096"]},
}


def timed(call: Callable[[], None], took: list[float]) -> Callable[[], None]:
    """Return a call that also appends the seconds it took."""

    def wrapped() -> None:
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)

    return wrapped


def measure(options: dict, folder: Path) -> tuple[float, list[float], float]:
    """Train; return seconds of training, seconds of each save, and megabytes of a checkpoint."""
    from zoo import config
    from zoo.options import seconds
    from zoo.training.checkpoints import Checkpoints
    from zoo.training.session import prepare

    session = prepare(config.build("mlp", {"data": "digits", **options}), "CPU")
    trainer = session.trainer(Checkpoints(folder))
    took: list[float] = []
    trainer.save = timed(trainer.save, took)
    trainer.keep_first = timed(trainer.keep_first, took)
    chosen = session.config.optimization
    began = time.perf_counter()
    trainer.fit(
        epochs=None if chosen.time_limit else chosen.epochs,
        seconds=seconds(chosen.time_limit) if chosen.time_limit else None,
    )
    lasted = time.perf_counter() - began
    return lasted, took, max(path.stat().st_size for path in folder.iterdir()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120, help="training time of each run")
    seconds = parser.parse_args().seconds
    rows, worst = [], 0.0
    for name, options in RUNS.items():
        common.note(name)
        chosen = {
            k: v.format(seconds=seconds) if k == "time_limit" else v for k, v in options.items()
        }
        with tempfile.TemporaryDirectory() as folder:
            lasted, took, size = measure(chosen, Path(folder))
        share = 100 * sum(took) / lasted
        worst = max(worst, share)
        each = common.spread([1000 * t for t in took])
        rows.append([name, f"{lasted:.1f}", len(took), f"{size:.3g}", each, f"{share:.2f}"])
    header = [
        "what", "seconds", "saved, once in memory", "MB each", "ms each, median (least to most)",
        "share of the time, %",
    ]  # fmt: skip
    goals = [Goal("largest share of training time that saving takes", worst, "<=", 2, "%")]
    common.report("checkpoints", "Saving", goals, f"{__doc__}\n{common.table(header, rows)}")


if __name__ == "__main__":
    main()
