"""What a user gets wrong is one line on stderr and exit code 2, and nothing is left behind."""

import json
import sys

import numpy as np
import pytest
from refusals import frame

import zoo.errors

QUICK = ("--epochs", "1", "--set", "units=4")


OPTIONS = {
    "unknown model": (["mpl", "--data", "iris"], ["'mpl'", "'mlp'", "zoo list"]),
    "no model": (["--data", "iris"], ["No model", "zoo list"]),
    "unknown data set": (["mlp", "--data", "irsi"], ["'irsi'", "'iris'", "zoo data list"]),
    "no data set": (["mlp"], ["--data received nothing", "zoo data list"]),
    "unknown option": (["mlp", "--epoch", "3"], ["'--epoch'", "'--epochs'", "--help"]),
    "unknown value": (
        ["mlp", "--data", "iris", "--optimizer", "addam"],
        ["'addam'", "'adam'", "sgd, adam, adamw"],
    ),
    "unknown loss": (["mlp", "--data", "iris", "--loss", "hubr"], ["'hubr'", "'huber'", "one of"]),
    "unknown setting": (
        ["mlp", "--data", "iris", "--set", "unit=3"],
        ["'unit'", "'units'", "units, activation"],
    ),
    "setting of another type": (
        ["mlp", "--data", "iris", "--set", "units=abc"],
        ["units='abc'", "a whole number", "Try: units=128,128"],
    ),
    "setting without a value": (
        ["mlp", "--data", "iris", "--set", "units"],
        ["'units'", "name=value", "Try: --set"],
    ),
    "setting the builder refuses": (
        ["mlp", "--data", "iris", "--set", "units=-3"],
        ["units=(-3,)", "positive integers"],
    ),
    "setting that the data dictate": (
        ["mlp", "--data", "iris", "--set", "classes=5"],
        ["'classes'", "follows from the data", "units"],
    ),
    "negative epochs": (["mlp", "--data", "iris", "--epochs", "-1"], ["-1", "at least 1"]),
    "zero batch": (["mlp", "--data", "iris", "--batch-size", "0"], ["0", "at least 1"]),
    "number that is none": (["mlp", "--data", "iris", "--epochs", "x"], ["'x'", "whole number"]),
    "rate of nothing": (["mlp", "--data", "iris", "--learning-rate", "0"], ["above 0"]),
    "infinite rate": (["mlp", "--data", "iris", "--learning-rate", "inf"], ["'inf'", "a number"]),
    "two lengths": (
        ["mlp", "--data", "iris", "--epochs", "1", "--steps", "3"],
        ["--epochs and --steps", "Expected one"],
    ),
    "schedule over unknown time": (
        ["mlp", "--data", "iris", "--time-limit", "1s", "--schedule", "cosine"],
        ["--time-limit", "schedule", "--epochs"],
    ),
    "time without a unit": (
        ["mlp", "--data", "iris", "--time-limit", "10"],
        ["'10'", "90s, 10m or 2h"],
    ),
    "flipping a table": (
        ["mlp", "--data", "iris", "--augment", "flip"],
        ["'flip'", "'table'", "noise"],
    ),
    "shift out of sight": (["mlp", "--data", "digits", "--augment", "shift:2"], ["at most 1"]),
    "half a flip": (["mlp", "--data", "digits", "--augment", "flip:0.5"], ["flip alone"]),
    "unknown augmentation": (["mlp", "--data", "iris", "--augment", "flp"], ["'flp'", "'flip'"]),
    "loss of another task": (
        ["mlp", "--data", "iris", "--loss", "huber"],
        ["'huber'", "categorical_crossentropy"],
    ),
    "loss for a GAN": (["dcgan", "--data", "digits", "--loss", "mse"], ["'mse'", "Expected none"]),
    "delta without huber": (
        ["mlp", "--data", "diabetes", "--huber-delta", "2"],
        ["--huber-delta", "--loss huber"],
    ),
    "dropout in a linear model": (
        ["linear", "--data", "iris", "--dropout", "0.5"],
        ["--dropout", "'linear'", "zoo show linear"],
    ),
    "weights of no classes": (
        ["mlp", "--data", "diabetes", "--class-weight", "auto"],
        ["'auto'", "regression", "classification"],
    ),
    "length of no sequence": (
        ["mlp", "--data", "iris", "--sequence-length", "8"],
        ["--sequence-length", "table"],
    ),
    "model that cannot do the data": (
        ["mlp", "--data", "python-docs"],
        ["'mlp'", "language-modelling", "zoo list --task"],
    ),
    "model that cannot do the task": (
        ["autoencoder", "--data", "iris", "--task", "classification"],
        ["'autoencoder'", "reconstruction", "zoo list --task classification"],
    ),
    "convolution of a table": (["lenet5", "--data", "iris"], ["'lenet5'", "(height, width"]),
    "nesterov without sgd": (
        ["mlp", "--data", "iris", "--nesterov", "--optimizer", "adam"],
        ["--nesterov", "sgd"],
    ),
    "unknown device": (["mlp", "--data", "iris", "--device", "tpu"], ["'tpu'", "cpu, gpu"]),
    "plugin that is not there": (
        ["mlp", "--data", "iris", "--plugin", "mine.py"],
        ["'mine.py'", "Python file"],
    ),
    "resume and more": (
        ["mlp", "--resume", "x", "--learning-rate", "1"],
        ["--resume", "mlp", "Expected the run"],
    ),
    "resuming nothing": (["--resume", "nowhere"], ["'nowhere' is not a run", "zoo train"]),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_options(refused, case):
    arguments, said = OPTIONS[case]
    message = refused("train", *arguments)
    assert [text for text in said if text not in message] == []


def test_commands(refused):
    assert "'trian'" in refused("trian", "mlp")
    assert "RUN" in refused("evaluate")
    assert "classes='many'" in refused("show", "mlp", "--set", "classes=many")
    assert "Did you mean 'mlp'" in refused("show", "mpl")


def test_a_gpu_that_is_not_there(refused, monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    message = refused("train", "mlp", "--data", "iris", "--device", "gpu")
    assert "sees no GPU" in message
    assert "--device cpu" in message


FILES = {
    "missing": ("none.csv", None, "does not exist"),
    "empty": ("e.csv", b"", "is empty"),
    "no rows": ("h.csv", b"x,label\n", "no rows"),
    "one row": ("one.csv", b"x,label\n1,a\n", "1 usable row"),
    "other encoding": ("l.csv", b"x,label\n1,Gr\xf6n\n2,b\n", "not UTF-8"),
    "truncated arrays": ("t.npz", b"PK\x03\x04half of it", "not a whole .npz"),
    "truncated Parquet": ("t.parquet", b"PAR1 half of it", "cannot be read as Parquet"),
    "broken line": ("t.jsonl", b'{"x": 1, "label": "a"}\n{"x": 2, "la', "line 2 is not JSON"),
    "unknown suffix": ("t.xls", b"x", "suffix"),
}


@pytest.mark.parametrize("case", FILES)
def test_files(refused, tmp_path, case):
    name, content, said = FILES[case]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    message = refused("train", "mlp", "--data", name)
    assert name in message
    assert said in message
    assert "try" in message.lower()


TARGETS = {
    "absent": (["--target", "labl"], {}, ["'labl'", "'label'"]),
    "constant": (["--target", "same"], {}, ["'same' is always 1"]),
    "all missing": (["--target", "gone"], {}, ["'gone' is missing in all 40 rows"]),
    "fractions as classes": (
        ["--target", "price", "--task", "classification"],
        {},
        ["'price' holds", "--task regression"],
    ),
    "names as numbers": (
        ["--target", "label", "--task", "regression"],
        {},
        ["is a class, such as 'a'"],
    ),
    "infinite": (["--target", "price"], {"cells": [(3, "price", np.inf)]}, ["1 infinite", "row 4"]),
    "class in the test split only": (
        ["--target", "label", "--split-column", "part"],
        {"cells": [(39, "label", "c")]},
        ["'c' in its test split only"],
    ),
    "infinite input": (
        ["--target", "label"],
        {"cells": [(3, "x", np.inf)]},
        ["'x' has 1 infinite", "row 4"],
    ),
    "unknown column to drop": (["--target", "label", "--drop", "y"], {}, ["'y' for --drop"]),
}


@pytest.mark.parametrize("case", TARGETS)
def test_targets(refused, table, case):
    options, changes, said = TARGETS[case]
    message = refused("train", "mlp", "--data", table(**changes), *options)
    assert [text for text in said if text not in message] == []


def test_arrays_with_nan(refused, tmp_path):
    np.savez(tmp_path / "nan.npz", x=np.full((20, 3), np.nan), y=np.arange(20) % 2)
    assert "NaN" in refused("train", "mlp", "--data", "nan.npz")


def test_run_folders(refused, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    train = ("train", "mlp", "--data", "iris", *QUICK, "--run")
    assert "exists already (it is a file)" in refused(*train, "file")
    assert "exists already (it is an empty folder)" in refused(*train, "folder")
    assert "not a run" in refused("report", "folder")
    assert "neither a run nor an artifact" in refused("evaluate", "folder")
    assert "nothing is there" in refused("predict", "nowhere", "file")
    assert "it is a file" in refused("export", "file")


def test_a_place_that_cannot_be_written(zoo, tmp_path):
    (tmp_path / "file").write_text("mine")
    code, out, err = zoo("train", "mlp", "--data", "iris", *QUICK, "--run", tmp_path / "file" / "x")
    assert (code, out) == (2, "")
    assert "Cannot make the run directory" in err.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


CONFIGS = {
    "not YAML": ("model: [", "Expected a YAML file"),
    "not a mapping": ("- mlp\n", "holds list"),
    "unknown key": ("model: mlp\ndata: iris\nepoch: 3\n", "Did you mean 'epochs'"),
    "value of another type": ("model: mlp\ndata: iris\nepochs: many\n", "--epochs received 'many'"),
    "another model": ("model: linear\ndata: iris\n", "'mlp'"),
    "two lengths": ("data: iris\nepochs: 3\nsteps: 4\n", "--epochs and --steps"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_configuration_files(refused, tmp_path, case):
    text, said = CONFIGS[case]
    (tmp_path / "c.yaml").write_text(text)
    assert said in refused("train", "mlp", "--config", "c.yaml")


def test_configuration_file_that_is_not_there(refused):
    assert "No such file" in refused("train", "--config", "c.yaml")


PLUGINS = {
    "broken": ("import zoo\n1 / 0\n", "line 2: ZeroDivisionError"),
    "no Python": ("def (:\n", "SyntaxError"),
    "name that is taken": (
        "import zoo\nzoo.register('mlp', lambda input_shape: None)\n",
        "belongs to a model of zoo",
    ),
}


@pytest.mark.parametrize("case", PLUGINS)
def test_plugins(refused, tmp_path, case):
    text, said = PLUGINS[case]
    (tmp_path / "mine.py").write_text(text)
    train = ("train", "mlp", "--data", "iris")
    for command in (train, ("show", "mlp"), ("list",), ("check", "mlp")):
        assert said in refused(*command, "--plugin", "mine.py")


def test_an_extra_that_is_not_installed(refused, tmp_path, monkeypatch):
    frame().to_parquet(tmp_path / "t.parquet")
    for name in [name for name in sys.modules if name.split(".")[0] == "pyarrow"]:
        monkeypatch.setitem(sys.modules, name, None)
    message = refused("train", "mlp", "--data", "t.parquet")
    assert "'pyarrow'" in message
    assert "pip install 'keras-zoo[parquet]'" in message


def test_diverged(zoo, tmp_path):
    run = tmp_path / "run"
    code, out, err = zoo(
        "train", "mlp", "--data", "diabetes", "--optimizer", "sgd", "--learning-rate", "1e30",
        "--epochs", "3", "--run", run,
    )  # fmt: skip
    assert (code, out) == (3, "")
    last = err.splitlines()[-1]
    assert last.startswith("Error: ")
    assert "learning-rate" in last
    assert "Traceback" not in err


def test_the_python_api_raises_the_same(trained):
    import zoo as library

    with pytest.raises(zoo.errors.InputError, match="--epochs received -1"):
        library.train("mlp", data="iris", epochs=-1)
    with pytest.raises(zoo.errors.InputError, match="Unknown option 'epoch'"):
        library.train("mlp", data="iris", epoch=1)
    with pytest.raises(zoo.errors.InputError, match="Unknown split 'tests'"):
        library.evaluate(trained("classes"), split="tests")
    assert json.dumps(library.evaluate(trained("classes"))["scores"])
