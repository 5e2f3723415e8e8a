"""A problem as the UCR archive has them, so small that a test can learn it."""

import numpy as np

HEADER = """@problemName Waves
@timeStamps false
@univariate true
@equalLength false
@classLabel true fast slow
@data
"""


def lines(count, longest=30, seed=0):
    """Return waves of two frequencies, 15 steps or more long, as lines of a file."""
    random = np.random.default_rng(seed)
    written = []
    for i in range(count):
        steps = np.arange(random.integers(15, longest + 1))
        wave = np.sin((0.4, 1.3)[i % 2] * steps + random.uniform(0, 6))
        wave += random.normal(0, 0.1, wave.shape)
        written.append(",".join(f"{v:.3f}" for v in wave) + f":{('slow', 'fast')[i % 2]}\n")
    return "".join(written)


def write(folder):
    folder.mkdir()
    for split, count, seed in (("TRAIN", 80, 1), ("TEST", 40, 2)):
        (folder / f"Waves_{split}.ts").write_text(HEADER + lines(count, seed=seed))
