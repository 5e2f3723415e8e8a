"""Runs that are killed with SIGKILL and resumed end bit-identical to runs left alone.

One process imports TensorFlow, and forks before it has computed anything: a `zoo train` a job.
"""

import random
import signal

import kills
import numpy as np
import pytest
from jobs import KILLED, same, state

from zoo.errors import InputError
from zoo.training.checkpoints import Checkpoints


@pytest.fixture
def zoo(server, tmp_path):
    kills.write_data(tmp_path)
    return kills.Zoo(server, tmp_path)


MLP = (
    "mlp", "--data", "iris", "--batch-size", "16", "--set", "units=8,8", "--dropout", "0.2",
    "--ema", "0.5", "--schedule", "cosine", "--warmup", "0.1", "--learning-rate", "0.3",
    "--early-stopping", "2", "--epochs", "12",
)  # fmt: skip
AUTOENCODER = ("autoencoder", "--data", "iris", "--batch-size", "16", "--epochs", "4")


def whole(zoo, arguments):
    """Leave a run alone; return its state."""
    code, out, err = zoo("train", *arguments, "--checkpoint-every", "3", "--run", "whole")
    assert (code, out) == (0, "whole\n"), err
    return state(zoo.run("whole"))


def killed(zoo, arguments, ends):
    """Kill a run at each of `ends` in turn, resume it, and return its state at the end."""
    words = ("train", *arguments, "--checkpoint-every", "3", "--run", "killed")
    for kind, when in ends:
        code, _, err = zoo(*words, kind=kind, when=when)
        assert code == KILLED, (kind, when, code, err)
        words = ("train", "--resume", "killed")
    code, _, err = zoo(*words)
    assert code == 0, err
    return state(zoo.run("killed"))


@pytest.mark.slow
def test_a_run_killed_in_every_phase_ends_identical(zoo):
    expected = whole(zoo, MLP)
    log = expected[2]
    assert 4 <= len(log) < 12, "early stopping should have ended it"
    ends = [
        ("step", 2),  # before the first checkpoint
        ("between", 9),  # the two files of a checkpoint
        ("validation", 2),
        ("step", log[-1]["step"] - 1),  # in mid-patience
        ("validation", len(log) - 1),  # trained, but the last epoch is not closed
    ]
    same(killed(zoo, MLP, ends), expected)
    assert not list(zoo.run("killed").checkpoints.glob(".*"))
    assert len(list(zoo.run("killed").checkpoints.iterdir())) == 4


def test_a_damaged_checkpoint_falls_back_to_the_one_before(zoo):
    expected = whole(zoo, AUTOENCODER)
    code, *_ = zoo(
        "train", *AUTOENCODER, "--checkpoint-every", "3", "--run", "damaged",
        kind="step", when=11,
    )  # fmt: skip
    assert code == KILLED
    newest = max((zoo.run("damaged").checkpoints).glob("*.safetensors"))
    data = bytearray(newest.read_bytes())
    data[-1] ^= 1
    newest.write_bytes(data)
    code, _, err = zoo("train", "--resume", "damaged")
    assert code == 0, err
    assert "Checkpoint step-000000009 is damaged; the one before is used." in err
    assert "after step 6" in err
    same(state(zoo.run("damaged")), expected)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow), (signal.SIGTERM, 143)],
)
def test_a_signal_leaves_a_run_that_can_be_resumed(zoo, sent, expected):
    kind, when = ("step", 5) if sent == signal.SIGINT else ("validation", 1)
    code, out, err = zoo("train", *AUTOENCODER, "--run", "stopped", kind=kind, when=when, sent=sent)
    assert (code, out) == (expected, "")
    last = err.splitlines()[-1]
    assert "A checkpoint was written. Continue with `zoo train --resume stopped`." in last
    assert ("after step 5" if kind == "step" else "in epoch 3 after step 14") in last
    code, out, err = zoo("train", "--resume", "stopped", finish=True)
    assert (code, out) == (0, "stopped\n"), err
    assert f"after step {5 if kind == 'step' else 14}" in err
    run = zoo.run("stopped")
    assert [row["epoch"] for row in run.log] == [1, 2, 3, 4]
    before = run.model_weights.read_bytes()
    code, out, err = zoo("train", "--resume", "stopped")  # finished: said, and left as it is
    assert (code, out) == (0, "stopped\n")
    assert "stopped is finished: 4 epochs, 28 steps. Nothing to do; to train longer: zoo" in err
    assert run.model_weights.read_bytes() == before


def test_a_second_sigint_ends_at_once(zoo):
    arguments = ("train", *AUTOENCODER, "--checkpoint-every", "3", "--run", "twice")
    code, out, err = zoo(*arguments, kind="twice", when=5, sent=signal.SIGINT)
    assert (code, out) == (130, "")
    assert err.splitlines()[-1].startswith("Error: Interrupted at once: the steps since the last")
    code, _, err = zoo("train", "--resume", "twice")
    assert code == 0
    assert "after step 3" in err


def test_a_run_in_use_is_refused(zoo):
    assert zoo("train", *AUTOENCODER, "--run", "used", kind="step", when=3)[0] < 0
    with zoo.run("used").locked():
        code, _, err = zoo("train", "--resume", "used")
    assert code == 2
    assert "is in use by process" in err.splitlines()[-1]


TENSORS = {"a": np.arange(3, dtype="float32"), "b": np.array(7, "uint32")}


def test_checkpoints_keep_the_last_two(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    for step in (0, 5, 10):
        checkpoints.save(step, TENSORS, {"step": step})
    assert checkpoints.names() == ["step-000000005", "step-000000010"]
    tensors, found, damaged = checkpoints.load()
    assert (found, damaged) == ({"step": 10}, [])
    assert all(np.array_equal(tensors[name], TENSORS[name]) for name in TENSORS)


def test_a_step_saved_again_replaces_the_old_one(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.save(5, TENSORS, {"closed": False})
    checkpoints.save(5, TENSORS, {"closed": True})
    assert checkpoints.load()[1] == {"closed": True}
    assert len(list(checkpoints.folder.iterdir())) == 2


def test_later_checkpoints_that_were_passed_over_are_removed(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    for step in (5, 10):
        checkpoints.save(step, TENSORS, {"step": step})
    (checkpoints.folder / "step-000000010.json").write_text("{}")
    assert checkpoints.load()[1:] == ({"step": 5}, ["step-000000010"])
    checkpoints.save(7, TENSORS, {"step": 7})
    assert checkpoints.names() == ["step-000000005", "step-000000007"]


def test_every_damaged_byte_is_noticed(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.save(1, TENSORS, {"position": {"step": 1}, "log": [{"loss": 0.125}]})
    for path in checkpoints.folder.iterdir():
        whole = path.read_bytes()
        for damaged in (*flipped(whole), whole[: len(whole) // 2], b""):
            path.write_bytes(damaged)
            with pytest.raises(InputError, match=r"only damaged ones \(step-000000001\)"):
                checkpoints.load()
        path.write_bytes(whole)


def flipped(data):
    chance = random.Random(0)
    for place in chance.sample(range(len(data)), min(60, len(data))):
        copy = bytearray(data)
        copy[place] ^= 1 << chance.randrange(8)
        yield bytes(copy)


@pytest.mark.slow
def test_the_log_of_a_million_epochs_is_read_again(tmp_path):
    rows = [{"epoch": i, "step": i, "seconds": 0.5, "loss": 1 / 3} for i in range(1_000_000)]
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.save(1, TENSORS, {"log": rows})
    assert len(checkpoints.load()[1]["log"]) == len(rows)


def test_no_checkpoint_is_said(tmp_path):
    with pytest.raises(InputError, match="holds no checkpoint to resume from: found none"):
        Checkpoints(tmp_path).load()
