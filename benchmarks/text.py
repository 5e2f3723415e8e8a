"""Text: how fast it is tokenized and written, and what a long one costs in memory.

Tokenizing: python-docs again and again until there are 20 MB, as a text to train on is encoded:
through the graph that is exported, subwords word by word, each through that graph but once.

Memory: `zoo train lstm` on such a text of 100 MB and one of 1 GB, for as long as each takes to be
read and some minutes of training; the most anonymous memory, seen every tenth of a second. Pages of
the text and of its tokens, which are in files, are not counted: the kernel takes them back.

Writing: 200 characters by an untrained char-rnn, in one compiled function that carries the state,
against a loop in Python that shows Keras's model the last 64 characters again for each new one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import common
from benchmarks.common import ZOO, Goal

MEGABYTE = 1_000_000
TOKENIZERS = {"characters": 20, "bytes": 20, "subwords": 10, "words": 20}  # MB/s wanted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="turns of what is timed")
    parser.add_argument("--train", default="3m", help="how long each text is trained on")
    parser.add_argument("--part", choices=["tokenize", "write"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print({"tokenize": tokenize, "write": write}[options.part](options.repeat))
        return
    again = [sys.executable, "-m", "benchmarks.text", "--repeat", str(options.repeat), "--part"]
    speeds = [float(x) for x in common.run([*again, "tokenize"]).output.split()[-len(TOKENIZERS) :]]
    compiled, loop = (float(x) for x in common.run([*again, "write"]).output.split()[-2:])
    with tempfile.TemporaryDirectory() as folder:
        memory = {size: train(Path(folder), size, options.train) for size in (100, 1000)}
    rows = [
        [f"tokenizing, {name}", f"{mb:.0f} MB/s"]
        for name, mb in zip(TOKENIZERS, speeds, strict=True)
    ]
    rows += [
        [f"training on {size:,} MB", f"{peak:,.0f} MB at most"] for size, peak in memory.items()
    ]
    rows += [
        ["writing, compiled", f"{compiled:,.0f} characters/s"],
        ["writing, in a loop", f"{loop:,.0f} characters/s"],
    ]
    common.report(
        "text",
        "Text",
        [
            *(
                Goal(f"tokenizing, {n}", s, ">=", wanted, "MB/s")
                for (n, wanted), s in zip(TOKENIZERS.items(), speeds, strict=True)
            ),
            Goal("memory for 1 GB over that for 100 MB", memory[1000] / memory[100], "<=", 1.25),
            Goal("writing, compiled over a loop", compiled / loop, ">=", 10),
        ],
        f"{__doc__}\n" + common.table(["what", "measured"], rows),
    )


def text(size: int) -> str:
    from pydoc_data.topics import topics

    whole = "\n\n".join(topics[name] for name in sorted(topics))
    return (whole * (size // len(whole) + 1))[:size]


def tokenize(repeat: int) -> str:
    """Return MB/s of each tokenizer, the median of some turns."""
    import statistics

    from zoo.datasets.text import pieces
    from zoo.preprocessing import tokenizers

    whole = text(20 * MEGABYTE)
    parts, size = list(pieces([whole])), len(whole.encode()) / MEGABYTE
    found = []
    for name in TOKENIZERS:
        kind = tokenizers.TOKENIZERS[name]
        tokenizer = kind.fit(iter(parts), kind.usual)
        seconds = []
        for _ in range(repeat):
            began = time.perf_counter()
            for _ in tokenizers.encode(tokenizer, parts):
                pass
            seconds.append(time.perf_counter() - began)
        found.append(size / statistics.median(seconds))
    return " ".join(map(str, found))


def write(repeat: int, tokens: int = 200) -> str:
    """Return characters a second, compiled and in a loop, the medians of turns in pairs."""
    import statistics

    import keras
    import numpy as np
    import tensorflow as tf

    import zoo
    from zoo.generation.sampling import Stream
    from zoo.preprocessing.text import CorpusPreprocessor
    from zoo.preprocessing.tokenizers import Characters

    keras.utils.set_random_seed(0)
    tokenizer = Characters.fit([text(100_000)], 20_000)
    model = zoo.create("char-rnn", vocabulary_size=tokenizer.size)
    stream = Stream(model, CorpusPreprocessor("text", tokenizer.to_json(), 64))
    numbers = {"temperature": 1.0, "top_p": 1.0}
    how = {name: tf.constant(value, tf.float32) for name, value in numbers.items()}
    how |= {"top_k": tf.constant(0), "seed": tf.constant(0)}
    random, turns = np.random.default_rng(0), []

    def by_hand() -> None:
        ids = [2]
        for _ in range(tokens):
            logits = np.asarray(model(np.array([ids[-64:]]), training=False))[0, -1]
            shares = np.exp(logits - logits.max())
            ids.append(int(random.choice(len(shares), p=shares / shares.sum())))

    for turn in range(repeat + 1):
        pair = []
        for run in (lambda: list(stream([""], tokens, (), how)), by_hand):
            began = time.perf_counter()
            run()
            pair.append(tokens / (time.perf_counter() - began))
        turns.append(pair) if turn else None  # the first compiles
    return " ".join(str(statistics.median(column)) for column in zip(*turns, strict=True))


def train(folder: Path, size: int, length: str) -> float:
    """Return the most anonymous memory, in MB, of a training on a text of so many MB."""
    path, part = folder / f"{size}.txt", text(10 * MEGABYTE).encode("ascii", "replace")
    with open(path, "wb") as file:
        for _ in range(size // 10):
            file.write(part)
    common.note(f"training on {size} MB")
    command = [
        ZOO, "train", "lstm", "--data", str(path), "--time-limit", length, "--set", "units=32",
        "--validation-fraction", "0.001", "--test-fraction", "0.001", "--checkpoint-every", "1h",
        "--run", str(folder / f"run{size}"),
    ]  # fmt: skip
    environment = {**os.environ, **common.QUIET, "TMPDIR": str(folder)}
    process = subprocess.Popen(
        command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, anonymous(process.pid))
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return peak


def anonymous(pid: int) -> float:
    """Return the anonymous memory of a process in MB, 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return max(
        (int(line.split()[1]) / 1000 for line in lines if line.startswith("RssAnon")), default=0.0
    )


if __name__ == "__main__":
    main()
