"""What `dcgan` makes of the digits, read by a classifier that never saw its pictures."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter

from benchmarks import common
from benchmarks.common import PYTHON, ZOO, Goal

SURE = 0.9
READ = f"""
import json, zoo
made = zoo.load("runs/dcgan-digits-1").make(64, seed=0)["image"]
read = zoo.load("runs/mlp-digits-1")({{"image": made}})
print(json.dumps(read["label"][read["probability"] > {SURE}].tolist()))
"""


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        common.run([ZOO, "train", "mlp", "--data", "digits"], folder)
        seconds = common.run([ZOO, "train", "dcgan", "--data", "digits"], folder).seconds
        labels = Counter(json.loads(common.run([PYTHON, "-c", READ], folder).output))
    rows = [[label, str(labels[label])] for label in sorted(labels)]
    common.report(
        "synthesis",
        "Digits that were made",
        [Goal("different digits recognized among 64 made", len(labels), ">=", 10)],
        f"`zoo train dcgan --data digits` with default arguments took {seconds:.1f} s from prompt "
        f"to prompt. Of 64 pictures, `zoo train mlp --data digits` reads {labels.total()} as a "
        f"digit with a probability above {SURE}:\n\n" + common.table(["digit", "pictures"], rows),
    )


if __name__ == "__main__":
    main()
