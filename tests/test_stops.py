"""SIGINT and SIGTERM from outside, in whatever a training run is doing."""

import os
import signal
import time

import kills
import pytest
from jobs import same, state

from zoo.training.checkpoints import Checkpoints

FREE = ("--schedule", "constant", "--warmup", "0", "--early-stopping", "0")
CASES = {
    "mlp": ("mlp", "--data", "iris", "--set", "units=8"),
    "gpt-nano": kills.command("gpt-nano", "language-modelling"),
    "dcgan": kills.command("dcgan", "image-synthesis"),
}
# One call into native code that lasts for minutes, as a step of a very large model may.
LONG_CALL = """
import numpy as np

steps = Trainer._steps


def long(trainer, *arguments):
    if trainer.position.step >= 3:
        open("within", "w").close()
        np.linalg.svd(np.random.default_rng(0).normal(size=(6000, 6000)))
    return steps(trainer, *arguments)


Trainer._steps = long
"""


@pytest.fixture
def zoo(server, tmp_path):
    kills.write_data(tmp_path)
    return kills.Zoo(server, tmp_path)


def wait_for(path):
    while not path.exists():
        time.sleep(0.01)


def begun(zoo, case, inject=""):
    """Start a run that would last for hours, and wait until it is under way."""
    pid = zoo.begin("train", *CASES[case], *FREE, "--epochs", "1000000", "--run", "run",
                    inject=inject)  # fmt: skip
    wait_for(zoo.folder / ("within" if inject else "run/log.csv"))
    return pid


@pytest.mark.parametrize(
    ("case", "sent", "expected"),
    [
        ("mlp", signal.SIGINT, 130),
        pytest.param("mlp", signal.SIGTERM, 143, marks=pytest.mark.slow),
        pytest.param("gpt-nano", signal.SIGTERM, 143, marks=pytest.mark.slow),
        pytest.param("dcgan", signal.SIGINT, 130, marks=pytest.mark.slow),
    ],
)
def test_a_signal_stops_after_the_step(zoo, case, sent, expected, record_property):
    pid = begun(zoo, case)
    began = time.monotonic()
    os.kill(pid, sent)
    code, _, err = zoo.end()
    record_property("longest seconds from a signal to the end", time.monotonic() - began)
    assert code == expected, err
    assert "A checkpoint was written. Continue with `zoo train --resume run`." in err
    steps = str(Checkpoints(zoo.run("run").checkpoints).load()[1]["position"]["step"] + 5)
    assert zoo("train", "--resume", "run", "--steps", steps)[0] == 0
    assert zoo("train", *length_of(CASES[case], steps), *FREE, "--run", "whole")[0] == 0
    same(state(zoo.run("run")), state(zoo.run("whole")))


def length_of(arguments, steps):
    """Return the arguments of `zoo train` with a number of steps in place of epochs."""
    words = [*arguments]
    if "--epochs" in words:
        place = words.index("--epochs")
        del words[place : place + 2]
    return (*words, "--steps", steps)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow), (signal.SIGTERM, 143)],
)
def test_a_second_signal_does_not_wait_for_a_long_step(zoo, sent, expected, record_property):
    """The call would last for minutes: nothing but the second signal can have ended it."""
    pid = begun(zoo, "mlp", inject=LONG_CALL)
    began = time.monotonic()
    os.kill(pid, sent)
    time.sleep(0.5)
    os.kill(pid, sent)
    code, _, err = zoo.end()
    record_property("longest seconds from a signal to the end", time.monotonic() - began)
    assert code == expected
    assert "Stopping after this step; once more to stop at once." in err
    assert "Interrupted at once" in err.splitlines()[-1]
    assert "zoo train --resume run" in err.splitlines()[-1]
    assert Checkpoints(zoo.run("run").checkpoints).names() == []
    assert zoo("train", "--resume", "run", "--steps", "5")[0] == 0
    assert zoo("train", *length_of(CASES["mlp"], "5"), *FREE, "--run", "whole")[0] == 0
    same(state(zoo.run("run")), state(zoo.run("whole")))
