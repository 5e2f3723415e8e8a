"""`zoo runs verify` repeats a slice of a run; and the same command gives the same run."""

import json

import kills
import numpy as np
import pytest
from jobs import same, state
from safetensors.numpy import load_file, save_file

from zoo.training.checkpoints import Checkpoints, _digest

SMALL = ("--set", "units=8,8", "--batch-size", "16", "--dropout", "0.2", "--augment", "noise")


@pytest.fixture
def zoo(server, tmp_path):
    kills.write_data(tmp_path)
    return kills.Zoo(server, tmp_path)


def files(run):
    return {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("length", "last"),
    [
        (("--epochs", "3"), 21),
        pytest.param(("--steps", "17"), 17, marks=pytest.mark.slow),
        pytest.param(
            ("--epochs", "30", "--early-stopping", "1", "--learning-rate", "0.3"),
            None,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_finished_run_is_identical(zoo, length, last):
    zoo(
        "train", "mlp", "--data", "iris", *SMALL, "--checkpoint-every", "4", *length, "--run", "run"
    )
    run = zoo.run("run")
    before = files(run)
    code, out, err = zoo("runs", "verify", "run")
    assert code == 0, err
    steps = [int(name.removeprefix("step-")) for name in Checkpoints(run.checkpoints).names()]
    assert out.startswith(f"identical: steps {steps[0] + 1} to {steps[1]}, ")
    assert last in (None, steps[1])
    assert files(run) == before


@pytest.mark.slow
def test_an_extended_run_is_identical_and_a_changed_one_is_named(zoo):
    options = ("--learning-rate", "0.3", "--early-stopping", "1", "--checkpoint-every", "500")
    zoo("train", "mlp", "--data", "iris", *SMALL, *options, "--epochs", "30", "--run", "run")
    before = zoo.run("run").log[-1]["step"]
    assert zoo("train", "--resume", "run", "--epochs", "30")[0] == 0
    code, out, err = zoo("runs", "verify", "run")
    assert code == 0, err
    assert out.startswith(f"identical: steps {before + 1} to")
    more = ("--epochs", "40", "--learning-rate", "0.1", "--allow-change", "options")
    assert zoo("train", "--resume", "run", *more)[0] == 0
    code, _, err = zoo("runs", "verify", "run")
    assert code == 2
    assert "learning_rate was" in err


@pytest.mark.slow
def test_a_killed_run_and_one_limited_by_time_are_identical(zoo):
    train = ("train", "mlp", "--data", "iris", *SMALL, "--checkpoint-every", "4")
    assert zoo(*train, "--epochs", "9", "--run", "killed", kind="step", when=13)[0] < 0
    code, out, err = zoo("runs", "verify", "killed", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert (found["first_step"], found["last_step"], found["identical"]) == (9, 12, True)
    assert zoo(*train, "--time-limit", "0.5s", "--run", "timed")[0] == 0
    assert zoo("runs", "verify", "timed")[0] == 0


@pytest.mark.slow
def test_a_run_with_one_checkpoint_is_repeated_from_its_beginning(zoo):
    train = ("train", "mlp", "--data", "iris", *SMALL, "--checkpoint-every", "1h")
    assert zoo(*train, "--epochs", "3", "--run", "run")[0] == 0
    assert len(Checkpoints(zoo.run("run").checkpoints).names()) == 1
    code, out, err = zoo("runs", "verify", "run")
    assert code == 0, err
    assert out.startswith("identical: steps 1 to 21,")


def test_a_checkpoint_that_training_did_not_make_is_found(zoo):
    """The older checkpoint is changed by one bit of one weight, its checksum made to fit."""
    zoo("train", "mlp", "--data", "iris", *SMALL, "--checkpoint-every", "4", "--epochs", "3",
        "--run", "run")  # fmt: skip
    folder = zoo.run("run").checkpoints
    name = Checkpoints(folder).names()[0]
    content = json.loads((folder / f"{name}.json").read_text())
    path = folder / content["file"]
    tensors = load_file(path)
    weight = next(n for n in tensors if n.endswith("kernel"))
    bits = tensors[weight].view("uint32").copy()
    bits.flat[0] ^= 1
    tensors[weight] = bits.view("float32")
    save_file(tensors, path)
    content["sha256"] = _digest([path.read_bytes()], content["state"])
    (folder / f"{name}.json").write_text(json.dumps(content))
    code, _, err = zoo("runs", "verify", "run")
    assert code == 4
    assert "did not come out the same" in err.splitlines()[-1]


def test_what_cannot_be_verified_is_said(zoo):
    train = ("train", "mlp", "--data", "table.csv", "--target", "kind", *SMALL)
    assert zoo(*train, "--epochs", "3", "--run", "young", kind="step", when=1)[0] < 0
    code, _, err = zoo("runs", "verify", "young")
    assert code == 2
    assert "has no checkpoint. Expected one" in err.splitlines()[-1]
    zoo(*train, "--epochs", "2", "--run", "run")
    table = zoo.folder / "table.csv"
    table.write_text(table.read_text().replace("ant", "bee", 1))
    code, _, err = zoo("runs", "verify", "run")
    assert code == 2
    assert "the data was" in err
    assert "is not a run" in zoo("runs", "verify", "nothing")[2]


@pytest.mark.slow
def test_names_that_keras_counts_make_no_difference(tmp_path, monkeypatch):
    """The second model of a process has layers of other names, and is the same."""
    import zoo

    monkeypatch.chdir(tmp_path)
    for name in ("first", "second"):
        run = zoo.train("mlp", data="iris", epochs=3, set={"units": (8,)}, run=name)
        assert zoo.verify(run)["identical"]


THREADS = """
tf.config.threading.set_intra_op_parallelism_threads(intra)
tf.config.threading.set_inter_op_parallelism_threads(inter)
"""
CASES = {
    "tables": ("mlp", "--data", "iris", *SMALL, "--epochs", "3"),
    "pictures": (*kills.command("lenet5", "classification"), "--augment", "shift,rotate,noise"),
    "text": (*kills.command("lstm", "language-modelling"), "--dropout", "0.1"),
    "synthesis": kills.command("dcgan", "image-synthesis"),
}


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=[pytest.mark.slow] * (c != "tables")) for c in CASES]
)
def test_the_same_command_gives_the_same_run(zoo, case):
    """However many operations run at a time; the threads within one are part of the machine."""
    for name, inter in (("first", 1), ("second", 2), ("third", 8)):
        zoo.begin(
            "train", *CASES[case], "--run", name, inject=THREADS,
            values={"intra": 2, "inter": inter},
        )  # fmt: skip
        code, _, err = zoo.end()
        assert code == 0, err
    for name in ("second", "third"):
        same(state(zoo.run(name)), state(zoo.run("first")))


def test_another_seed_gives_another_run(zoo):
    for seed in ("0", "1"):
        zoo("train", *CASES["tables"], "--seed", seed, "--run", seed)
    first, second = (load_file(zoo.run(seed).model_weights) for seed in ("0", "1"))
    assert not all(np.array_equal(first[name], second[name]) for name in first)
