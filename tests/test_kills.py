"""Runs killed with SIGKILL, at random steps and in every phase, end identical to ones left alone.

The cases are made from the registry, so that a row added later is covered the day it lands. How
many kills ended identical is printed at the end of the tests.
"""

import os
import random
import signal
import time

import kills
import pytest
from jobs import KILLED, same, state

EVERY = ("--checkpoint-every", "3")
MLP = (
    "mlp", "--data", "iris", "--batch-size", "16", "--set", "units=8,8", "--learning-rate", "0.3",
    "--epochs", "8",
)  # fmt: skip
FILES = (
    "cnn-small", "--data", "files", "--batch-size", "8", "--epochs", "4", "--set", "filters=4",
    "--set", "stages=2", "--set", "depth=1",
)  # fmt: skip
CURED = ("--dropout", "0.2", "--ema", "0.5", "--schedule", "cosine", "--warmup", "0.1")
FEATURES = {
    "dropout, averages, warm-up, cosine, early stopping": (*MLP, *CURED, "--early-stopping", "2"),
    "augmentation, bfloat16, momentum": (
        "lenet5", "--data", "digits", "--batch-size", "256", "--epochs", "3", "--precision",
        "bfloat16", "--augment", "crop,noise,cutmix", "--optimizer", "sgd", "--momentum", "0.9",
    ),
    "pictures streamed from files": (*FILES, "--augment", "shift,flip", "--accumulate", "3"),
    "every change to gray pictures": (
        "lenet5", "--data", "digits", "--batch-size", "256", "--epochs", "3", "--augment",
        "flip,shift,zoom,crop,rotate,randaugment,augmix,brightness,contrast,erase,noise,mixup,cutmix",
    ),
    "accumulation, clipping, XLA": (
        *MLP, "--jit", "on", "--accumulate", "3", "--clip-norm", "0.1", "--dropout", "0.2",
    ),
    "two replicas": (*MLP, *CURED),
    "two replicas, streamed": (*FILES, "--augment", "shift"),
    "two replicas that forecast": kills.command("lstm-forecaster", "forecasting"),
    "two replicas that normalize": (
        "tabular-resnet", "--data", "iris", "--batch-size", "16", "--epochs", "4", "--set",
        "width=8", "--set", "blocks=1", "--dropout", "0.2", "--ema", "0.5",
    ),
    "XLA and a Transformer": (
        *kills.command("gpt-nano", "language-modelling"), "--jit", "on", "--dropout", "0.1",
    ),
    "states carried": (
        *kills.command("lstm", "language-modelling"), "--carry-state", "--dropout", "0.1",
    ),
    "texts of many lengths": (
        "gru", "--data", "pairs.tsv", "--kind", "text", "--target", "early", "--drop", "target",
        "--batch-size", "8", "--epochs", "3", "--set", "units=8", "--dropout", "0.1",
    ),
    "a text streamed from a file": kills.command("lstm", "language-modelling"),
    "two optimizers that accumulate": (
        *kills.command("dcgan", "image-synthesis"), "--batch-size", "64", "--accumulate", "3",
    ),
    "classes that are mismatched": (
        *kills.command("projection-sngan", "image-synthesis"), "--set", "mismatched=true",
    ),
}  # fmt: skip
QUICK_ROWS = ("linear",)  # the others take longer
QUICK = next(iter(FEATURES))
SETTINGS = {
    "two replicas": kills.REPLICAS, "streamed": kills.STREAMED, "a text streamed": kills.LONG_TEXT,
}  # fmt: skip


def setting(feature):
    return "".join(source for name, source in SETTINGS.items() if name in feature)


@pytest.fixture
def zoo(server, tmp_path):
    kills.write_data(tmp_path)
    return kills.Zoo(server, tmp_path)


def moments(steps, epochs, count, chance):
    """Draw when to kill, one place of each kind before a kind comes again, in their order."""
    kinds = [chance.choice(("step", "writing", "between", "validation")) for _ in range(count - 1)]
    drawn = []
    for kind in ["step", *kinds]:
        if kind == "validation":
            epoch = chance.randrange(epochs)
            drawn.append(((epoch + 1) * steps // epochs, kind, epoch))
        elif kind == "step":
            step = chance.randrange(1, steps + 1)
            drawn.append((step, kind, step))
        else:
            step = 3 * chance.randrange(1, steps // 3 + 1)
            drawn.append((step, kind, step))
    return [(kind, when) for _, kind, when in sorted(drawn)]


def killed(zoo, arguments, ends):
    """Kill a run at each of `ends` in turn; return how many did hit, and the state at the end."""
    words, hits = ("train", *arguments, *EVERY, "--run", "killed"), 0
    for kind, when in ends:
        code, _, err = zoo(*words, kind=kind, when=when)
        assert code in (KILLED, 0), err  # a moment that lies before the checkpoint is passed over
        hits += code == KILLED
        words = ("train", "--resume", "killed")
    code, _, err = zoo(*words)
    assert code == 0, err
    return hits, state(zoo.run("killed"))


def check(zoo, arguments, count, name, record_property):
    code, out, err = zoo("train", *arguments, *EVERY, "--run", "whole")
    assert (code, out) == (0, "whole\n"), err
    expected = state(zoo.run("whole"))
    rows = expected[2]
    ends = moments(rows[-1]["step"], len(rows), count, random.Random(name))
    hits, found = killed(zoo, arguments, ends)
    assert hits >= 1, ends
    record_property("kills", hits)
    same(found, expected)
    record_property("identical", hits)


@pytest.mark.parametrize(
    ("row", "task"),
    [
        pytest.param(row, task, marks=[] if row in QUICK_ROWS else [pytest.mark.slow])
        for row, task in kills.covering()
    ],
)
def test_every_family_and_every_task(zoo, row, task, record_property):
    check(zoo, kills.command(row, task), 1, f"{row} {task}", record_property)


def test_whatever_has_a_state(zoo, record_property):
    check(zoo, FEATURES[QUICK], 3, QUICK, record_property)


@pytest.mark.slow
@pytest.mark.parametrize(("row", "task"), kills.rows_and_tasks())
def test_every_row_and_task_many_times(zoo, row, task, record_property):
    check(zoo, kills.command(row, task), 5, f"{row} {task} again", record_property)


@pytest.mark.slow
@pytest.mark.parametrize("feature", FEATURES)
def test_features_many_times(zoo, feature, record_property):
    zoo.setting = setting(feature)
    check(zoo, FEATURES[feature], 10, f"{feature} again", record_property)


@pytest.mark.slow
def test_at_any_instant(zoo, record_property):
    """The parent sends the signal, whatever the process is doing: starting up, writing, drawing."""
    arguments = ("train", *MLP, *CURED, *EVERY)
    began = time.monotonic()
    assert zoo(*arguments, "--run", "whole", finish=True)[0] == 0
    lasts = time.monotonic() - began
    chance, words, hits = random.Random(0), (*arguments, "--run", "killed"), 0
    for _ in range(4):
        pid = zoo.begin(*words, inject=kills.ENDS, values={"kind": "", "when": 0, "number": 0},
                        finish=True)  # fmt: skip
        time.sleep(chance.uniform(0.3, 0.9) * lasts)
        os.kill(pid, signal.SIGKILL)
        hits += zoo.end(pid)[0] == KILLED
        words = ("train", "--resume", "killed")
        if not zoo.run("killed").config_path.exists():
            words = (*arguments, "--run", "killed")
    assert zoo(*words, finish=True)[0] == 0
    record_property("kills", hits)
    same(state(zoo.run("killed")), state(zoo.run("whole")))
    record_property("identical", hits)
