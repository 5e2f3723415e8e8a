"""`zoo train`: what goes in by options, files and plugins, and what comes out where."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from safetensors import safe_open

TINY = ("--epochs", "2", "--set", "units=8")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_process_of_its_own(tmp_path):
    """Stdout is the run's path and nothing else; TensorFlow's noise reaches nobody."""
    quiet = {k: v for k, v in os.environ.items() if k not in ("TF_CPP_MIN_LOG_LEVEL", "COLUMNS")}
    command = [sys.executable, "-c", "from zoo.cli import main; main()", "train", "mlp"]
    process = subprocess.run(
        [*command, "--data", "iris", *TINY], capture_output=True, text=True, env=quiet, check=False
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout == "runs/mlp-iris-1\n"
    lines = process.stderr.splitlines()
    assert lines[0] == "Device: CPU"
    assert lines[1].startswith("mlp for classification: 67 parameters, 105 training examples")
    assert lines[-1].startswith("Test accuracy ")
    assert len(lines) <= 6, process.stderr
    run = tmp_path / "runs" / "mlp-iris-1"
    written = {path.name for path in run.iterdir() if not path.name.startswith(".")}
    assert written == {
        "config.yaml", "log.csv", "metrics.json", "model.safetensors", "preprocessor.json",
        "checkpoints", "plots", "report.html",
    }  # fmt: skip


def test_runs_are_numbered_or_named(zoo, tmp_path):
    train = ("train", "linear", "--data", "iris", "--epochs", "1")
    assert zoo(*train)[1] == "runs/linear-iris-1\n"
    assert zoo(*train)[1] == "runs/linear-iris-2\n"
    assert zoo(*train, "--run", tmp_path / "a" / "b")[1] == f"{tmp_path}/a/b\n"


def test_json(zoo):
    code, out, err = zoo("train", "linear", "--data", "iris", "--epochs", "1", "--json")
    assert code == 0
    result = json.loads(out)
    assert result["run"] == "runs/linear-iris-1"
    assert 0 <= result["metrics"]["scores"]["accuracy"] <= 1
    assert err.startswith("Device: CPU\n")


def test_dry_run_writes_nothing(zoo, tmp_path):
    code, out, _ = zoo("train", "mlp", "--data", "iris", *TINY, "--dry-run")
    assert code == 0
    assert list(tmp_path.iterdir()) == []
    shown = dict(line.split(maxsplit=1) for line in out.splitlines() if " " in line)
    assert shown["parameters"] == "67"
    assert "train 105" in shown["sizes"]
    assert re.fullmatch(r"0:\d\d:\d\d", shown["time"])
    _, out, _ = zoo("train", "mlp", "--data", "iris", *TINY, "--dry-run", "--json")
    estimate = json.loads(out)
    assert estimate["steps"] == 8
    assert estimate["seconds"] > 8 * estimate["seconds_per_step"] > 0  # validation is counted
    assert estimate["memory_megabytes"] > 100
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_repeated_from_its_configuration(zoo):
    first = zoo(
        "train", "mlp", "--data", "iris", *TINY, "--dropout", "0.2", "--seed", "5", "--optimizer",
        "sgd", "--momentum", "0.8", "--class-weight", "auto", "--drop", "sepal_width",
    )[1].strip()  # fmt: skip
    code, out, err = zoo("train", "--config", f"{first}/config.yaml")
    assert (code, out) == (0, "runs/mlp-iris-2\n"), err
    expected = weights(first)
    assert all((a == b).all() for a, b in zip(expected, weights(out.strip()), strict=True))
    scores = [json.loads(Path(run, "metrics.json").read_text()) for run in (first, out.strip())]
    assert scores[0] == scores[1]
    code, out, err = zoo("train", "--config", f"{first}/config.yaml", "--seed", "6")
    assert (weights(out.strip())[0] != expected[0]).any()


def weights(run):
    """Return a run's arrays in order; their names count the layers this process has made."""
    with safe_open(Path(run, "model.safetensors"), "numpy") as file:
        return [file.get_tensor(name) for name in file.offset_keys()]


def test_the_command_line_goes_before_the_file_before_the_defaults(zoo):
    Path("c.yaml").write_text(
        "model: mlp\ndata: iris\nepochs: 3\nlearning_rate: 0.5\nset: [units=8]\nbatch_size: 10\n"
        "drop: sepal_width\n"
    )
    code, out, err = zoo("train", "--config", "c.yaml", "--steps", "4", "--batch-size", "20")
    assert code == 0, err
    options = yaml.safe_load(Path(out.strip(), "config.yaml").read_text())["options"]
    assert (options["steps"], options["epochs"]) == (4, None)
    assert (options["batch_size"], options["learning_rate"]) == (20, 0.5)
    assert options["drop"] == ["sepal_width"]
    assert options["optimizer"] == "adamw"


def test_options_reach_the_builder(zoo):
    code, out, err = zoo(
        "train", "mlp", "--data", "iris", "--epochs", "1", "--set", "units=32,16", "--set",
        "batch_normalization=true", "--activation", "tanh", "--l2", "0.01", "--dropout", "0.1",
    )  # fmt: skip
    assert code == 0, err
    from zoo import load

    run = out.strip()
    builder = yaml.safe_load(Path(run, "config.yaml").read_text())["builder"]
    assert builder["units"] == [32, 16]
    assert (builder["activation"], builder["l2"], builder["dropout"]) == ("tanh", 0.01, 0.1)
    layers = load(run).model.layers
    assert [type(layer).__name__ for layer in layers].count("FusedBatchNormalization") == 2
    assert [layer.units for layer in layers if hasattr(layer, "units")] == [32, 16, 3]


def test_a_table_with_odd_columns_and_splits_of_its_own(zoo, files):
    code, out, err = zoo(
        "train", "linear", "--data", files["table"], "--target", "kind of thing", "--drop", "a/b",
        "--validation-fraction", "0.2", "--test-fraction", "0.3", "--split-seed", "4",
        "--epochs", "1",
    )  # fmt: skip
    assert code == 0, err
    record = yaml.safe_load(Path(out.strip(), "config.yaml").read_text())
    assert record["data"]["sizes"] == {"train": 60, "validation": 24, "test": 36}


def test_a_plugin_from_end_to_end(zoo, tmp_path):
    Path("mine.py").write_text(
        "import zoo\n"
        "def build(input_shape, classes, width=3):\n"
        "    import keras\n"
        "    inputs = keras.Input(input_shape)\n"
        "    hidden = keras.layers.Dense(width, 'tanh')(inputs)\n"
        "    return keras.Model(inputs, keras.layers.Dense(classes)(hidden))\n"
        "zoo.register('mine-train', build)\n"
    )
    train = ("train", "mine-train", "--data", "iris", "--plugin", "mine.py", "--epochs", "1")
    code, out, err = zoo(*train, "--set", "width=5")
    assert (code, out) == (0, "runs/mine-train-iris-1\n"), err
    assert zoo("evaluate", "runs/mine-train-iris-1")[0] == 0
    code, out, err = zoo("train", "--config", "runs/mine-train-iris-1/config.yaml")
    assert (code, out) == (0, "runs/mine-train-iris-2\n"), err
    code, out, err = zoo(*train, "--set", "widht=5")
    assert code == 2
    assert "Did you mean 'width'" in err


def test_going_on_for_longer(zoo):
    run = zoo("train", "mlp", "--data", "iris", "--set", "units=8", "--epochs", "1")[1].strip()
    code, out, err = zoo("train", "--resume", run)
    assert (code, out) == (0, f"{run}\n"), err
