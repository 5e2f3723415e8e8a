"""Pictures a second of ResNet-50 (batches of 16) and MobileNetV2 (of 32), random 224 x 224 ones.

Training is SGD with momentum on cross-entropy, everything a step does; inference is zoo's network
as it is exported, batch normalization folded, keras.applications' as one compiled function, and
timm's in eval mode. timm runs in channels_last. The first step is timed in fresh processes, from
the model's making to the step's end. bfloat16 is each framework's mixed precision.
"""

from __future__ import annotations

import argparse
import statistics
from functools import partial
from pathlib import Path

from benchmarks import common
from benchmarks.common import PYTHON, Goal, Worker

NETWORKS = ("resnet50", "mobilenet-v2")
BFLOAT16 = any(f in Path("/proc/cpuinfo").read_text() for f in ("avx512_bf16", "amx_bf16"))
FIRST = "import sys, benchmarks.networks_keras as n; print(n.first_step(*sys.argv[1:]))"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--torch-python", metavar="PATH", help="Python with torch and timm")
    arguments = parser.parse_args()
    rates: dict[str, list[float]] = {}
    for network in NETWORKS:
        for precision in ("float32", *(["bfloat16"] if BFLOAT16 else [])):
            rates |= measure(network, precision, arguments)
    first = {
        (network, who): [
            float(common.run([PYTHON, "-c", FIRST, network, who]).output.split()[-1])
            for _ in range(min(3, arguments.repetitions))
        ]
        for network in NETWORKS
        for who in ("zoo", "fit")
    }
    write(rates, first, arguments.repetitions)


def measure(network: str, precision: str, arguments: argparse.Namespace) -> dict[str, list[float]]:
    """Return pictures a second of every contender."""
    words = [network, precision]
    workers = [Worker(PYTHON, "benchmarks.networks_keras", words)]
    if arguments.torch_python and Path(arguments.torch_python).exists():
        workers.append(Worker(arguments.torch_python, "benchmarks.networks_torch", words))
    contenders = {name: partial(w.measure, name) for w in workers for name in w.names}
    rates = common.interleave(contenders, arguments.repetitions)
    for worker in workers:
        worker.close()
    return rates


def write(
    rates: dict[str, list[float]],
    first: dict[tuple[str, str], list[float]],
    repetitions: int,
) -> None:
    goals, rows = [], []
    for name, taken in rates.items():
        what, _, who = name.rpartition(", ")
        own = rates[f"{what}, zoo"]
        ratio = common.ratio(own, taken)
        rows.append([what, who, common.spread(taken), f"{ratio:.2f}"])
        if who != "zoo":
            light = "mobilenet-v2, training, float32" in name
            goals.append(Goal(f"{what}: zoo / {who}", ratio, ">=", 1.4 if light else 1.0))
    for network in NETWORKS:
        ours, fit = first[network, "zoo"], first[network, "fit"]
        goals.append(Goal(f"{network}, first step: zoo / fit", common.ratio(ours, fit), "<=", 0.6))
        for who, taken in (("zoo", ours), ("fit", fit)):
            seconds = f"{statistics.median(taken):.1f} s"
            rows.append([f"{network}, first step", who, seconds, ""])
    header = ["what", "who", "pictures a second, median (least to most)", "zoo / this"]
    text = f"{__doc__}\n{repetitions} repetitions.\n\n{common.table(header, rows)}"
    common.report("networks", "Networks of pictures", goals, text)


if __name__ == "__main__":
    main()
