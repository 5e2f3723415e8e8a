"""Runs made longer, and runs taken up under other conditions: refused by name, or allowed."""

import json

import kills
import pytest
from jobs import same, state

from zoo import config
from zoo.training import changes

SMALL = ("--set", "units=8,8", "--batch-size", "16", "--checkpoint-every", "3")
FREE = ("--schedule", "constant", "--early-stopping", "0")


@pytest.fixture
def zoo(server, tmp_path):
    kills.write_data(tmp_path)
    return kills.Zoo(server, tmp_path)


def trained(zoo, name, *options, data=("--data", "iris")):
    code, out, err = zoo("train", "mlp", *data, *SMALL, *options, "--run", name)
    assert (code, out) == (0, f"{name}\n"), err
    return err


def resumed(zoo, name, *options, **how):
    code, out, err = zoo("train", "--resume", name, *options, **how)
    assert (code, out) == (0, f"{name}\n"), err
    return err


def refused(zoo, *arguments):
    code, out, err = zoo(*arguments)
    assert (code, out) == (2, ""), err
    last = err.splitlines()[-1]
    assert last.startswith("Error: ")
    return last


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(("--epochs", "2"), ("--epochs", "4"), marks=pytest.mark.slow),
        (("--steps", "10"), ("--steps", "28")),  # from the middle of an epoch
        pytest.param(("--steps", "10"), ("--epochs", "4"), marks=pytest.mark.slow),
    ],
)
def test_an_extended_run_is_the_longer_run(zoo, first, second):
    options = (*FREE, "--dropout", "0.2", "--ema", "0.5")
    trained(zoo, "long", *options, *second)
    trained(zoo, "short", *options, *first)
    said = resumed(zoo, "short", *second)
    assert f"Length: {first[1]} {first[0][2:]} became {second[1]} {second[0][2:]}" in said
    assert "The learning rate stays 0.001" in said
    same(state(zoo.run("short")), state(zoo.run("long")))
    record = zoo.run("short").config
    assert record["options"][second[0][2:]] == int(second[1])
    assert record["resumed"] == [f"zoo train --resume short {' '.join(second)}"]
    assert record["command"].startswith("zoo train mlp --data iris")


@pytest.mark.slow
def test_a_schedule_is_drawn_anew_and_that_is_said(zoo):
    trained(zoo, "long", "--epochs", "4", "--early-stopping", "0")
    trained(zoo, "short", "--epochs", "2", "--early-stopping", "0")
    assert zoo.run("short").log[-1]["learning_rate"] == 0
    said = resumed(zoo, "short", "--epochs", "4")
    assert "cosine schedule is drawn anew over the whole length: the learning rate, 0 at" in said
    assert "goes on at 0.0005" in said
    rates = [[row["learning_rate"] for row in zoo.run(n).log] for n in ("short", "long")]
    assert rates[0][2:] == rates[1][2:]  # where a run of that length would be


def test_a_run_that_early_stopping_ended_gets_more_patience(zoo):
    options = ("--learning-rate", "0.3", "--schedule", "constant", "--early-stopping", "2")
    trained(zoo, "run", *options, "--epochs", "30")
    before = len(zoo.run("run").log)
    assert before < 30
    said = resumed(zoo, "run", "--epochs", "30")
    assert "Early stopping had ended it: 2 more epochs are given" in said
    assert len(zoo.run("run").log) >= before + 2


@pytest.mark.slow
def test_an_extension_is_resumed_like_any_run(zoo):
    trained(zoo, "long", *FREE, "--epochs", "6")
    trained(zoo, "short", *FREE, "--epochs", "2")
    code, *_ = zoo("train", "--resume", "short", "--epochs", "6", kind="step", when=16)
    assert code < 0
    said = resumed(zoo, "short")
    assert "after step 15" in said
    same(state(zoo.run("short")), state(zoo.run("long")))
    # killed as soon as config.yaml says six epochs, before anything was trained
    trained(zoo, "again", *FREE, "--epochs", "2")
    code, *_ = zoo("train", "--resume", "again", "--epochs", "6", kind="step", when=15)
    assert code < 0
    assert resumed(zoo, "again")
    same(state(zoo.run("again")), state(zoo.run("long")))


def test_shorter_is_refused_and_as_long_is_said(zoo):
    code, _, err = zoo("train", "mlp", "--data", "iris", *SMALL, *FREE, "--epochs", "2", "--run",
                       "run", finish=True)  # fmt: skip
    assert code == 0, err
    assert "--epochs received 1, but 'run' has done 2. Expected more" in refused(
        zoo, "train", "--resume", "run", "--epochs", "1"
    )
    assert "is finished: 2 epochs, 14 steps. Nothing" in resumed(zoo, "run", "--epochs", "2")
    assert "--resume run received also --run" in refused(
        zoo, "train", "--resume", "run", "--run", "other"
    )
    assert "--allow-change was given without --resume" in refused(
        zoo, "train", "mlp", "--data", "iris", "--allow-change", "data"
    )


@pytest.mark.slow
def test_other_options_are_refused_or_allowed(zoo):
    trained(zoo, "run", *FREE, "--epochs", "2")
    command = ("train", "--resume", "run", "--epochs", "3", "--learning-rate", "0.5")
    message = refused(zoo, *command)
    assert "learning_rate was 0.001, now 0.5" in message
    assert "--allow-change options" in message
    before = state(zoo.run("run"))
    same(state(zoo.run("run")), before)
    code, _, err = zoo(*command, "--allow-change", "options")
    assert code == 0, err
    assert "Changed: learning_rate was 0.001, now 0.5" in err
    assert "The learning rate stays 0.5" in err
    assert zoo.run("run").log[-1]["learning_rate"] == 0.5
    assert zoo.run("run").config["options"]["learning_rate"] == 0.5
    message = refused(zoo, "train", "--resume", "run", "--epochs", "4", "--set", "units=4",
                      "--allow-change", "options")  # fmt: skip
    assert "The changed options do not fit what 'run' saved" in message


def test_an_edited_config_is_a_changed_configuration(zoo):
    code, *_ = zoo("train", "mlp", "--data", "iris", *SMALL, "--epochs", "3", "--run", "run",
                   kind="step", when=5)  # fmt: skip
    assert code < 0
    run = zoo.run("run")
    text = run.config_path.read_text()
    run.config_path.write_text(text.replace("label_smoothing: 0.0", "label_smoothing: 0.1"))
    assert "label_smoothing was 0.0, now 0.1" in refused(zoo, "train", "--resume", "run")


@pytest.mark.slow
def test_other_data_is_refused_or_allowed_and_moved_data_is_the_same(zoo):
    data = ("--data", "table.csv", "--target", "kind")
    trained(zoo, "run", *FREE, "--epochs", "1", data=data)
    table = zoo.folder / "table.csv"
    moved = table.rename(zoo.folder / "moved.csv")
    assert "does not exist" in refused(zoo, "train", "--resume", "run", "--epochs", "2")
    resumed(zoo, "run", "--epochs", "2", "--data", "moved.csv")
    assert resumed(zoo, "run")  # where the data is was noted
    lines = moved.read_text().splitlines()
    moved.write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    message = refused(zoo, "train", "--resume", "run", "--epochs", "3")
    assert "the data was" in message
    assert "--allow-change data" in message
    resumed(zoo, "run", "--epochs", "3", "--allow-change", "data")


OTHER_MACHINE = """
from zoo.training import session
session.processor = lambda: "Another Processor"
session.keras.__version__ = "3.99"
"""


def test_another_machine_is_refused_or_allowed(zoo):
    trained(zoo, "run", *FREE, "--epochs", "1")
    command = ("train", "--resume", "run", "--epochs", "2")
    zoo.begin(*command, inject=OTHER_MACHINE)
    code, _, err = zoo.end()
    assert code == 2
    message = err.splitlines()[-1]
    assert "processor was" in message
    assert "now Another Processor" in message
    assert "keras was" in message
    assert "--allow-change versions --allow-change device" in message
    allowed = ("--allow-change", "versions", "--allow-change", "device")
    zoo.begin(*command, *allowed, inject=OTHER_MACHINE)
    assert zoo.end()[0] == 0


@pytest.mark.slow
def test_another_number_of_replicas_is_refused(zoo):
    zoo.setting = kills.REPLICAS
    trained(zoo, "run", *FREE, "--epochs", "1")
    zoo.setting = ""
    message = refused(zoo, "train", "--resume", "run", "--epochs", "2")
    assert "replicas was 2, now 1" in message


@pytest.mark.slow
def test_callbacks_have_to_come_along(tmp_path, monkeypatch):
    import keras

    import zoo

    monkeypatch.chdir(tmp_path)
    options = {"data": "iris", "epochs": 2, "set": {"units": (4,)}, "schedule": "constant"}
    watch = keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=10, factor=0.5)
    run = zoo.train("mlp", callbacks=[watch], run="run", **options)
    with pytest.raises(zoo.errors.InputError, match=r"callbacks was \['ReduceLROnPlateau'\]"):
        zoo.resume(run, epochs=4)
    again = keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=10, factor=0.5)
    zoo.resume(run, epochs=4, callbacks=[again])
    longer = keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=10, factor=0.5)
    whole = zoo.train("mlp", callbacks=[longer], run="whole", **{**options, "epochs": 4})
    rates = [[row["learning_rate"] for row in r.log] for r in (run, whole)]
    assert rates[0] == rates[1]
    assert rates[0][-1] < rates[0][0]


@pytest.mark.slow
def test_a_plugin_that_changed_is_refused(tmp_path, monkeypatch):
    import zoo

    monkeypatch.chdir(tmp_path)
    text = (
        "import keras, zoo\n\n\ndef thin(input_shape, classes):\n"
        "    x = keras.Input(input_shape)\n"
        "    return keras.Model(x, keras.layers.Dense(classes)(x))\n\n\n"
        "zoo.register('thin', thin)\n"
    )
    (tmp_path / "mine.py").write_text(text)
    run = zoo.train("thin", plugin=["mine.py"], data="iris", epochs=1, run="run")
    (tmp_path / "mine.py").write_text(text + "# changed\n")
    with pytest.raises(zoo.errors.InputError, match=r"mine\.py was .* --allow-change versions"):
        zoo.resume(run, epochs=2)
    zoo.resume(run, epochs=2, allow_change=["versions"])
    with pytest.raises(zoo.errors.InputError, match="Unknown value for --allow-change 'version'"):
        zoo.resume(run, epochs=3, allow_change=["version"])


@pytest.mark.slow
def test_weights_of_before_an_extension_are_called_so(zoo):
    """A run that was measured, taken up again and killed answers with its earlier weights."""
    command = ("train", "mlp", "--data", "iris", *SMALL, *FREE, "--epochs", "2", "--run", "run")
    assert zoo(*command, finish=True)[0] == 0
    assert zoo("train", "--resume", "run", "--epochs", "9", kind="step", when=40)[0] < 0
    for words in (("evaluate", "run"), ("evaluate", "run"), ("report", "run")):
        code, _, err = zoo(*words)
        assert code == 0
        assert "Note: 'run' was taken up again after step 14 and ended at step 35" in err
    listed = json.loads(zoo("runs", "list", ".", "--json")[1])
    assert (listed[0]["epochs"], listed[0]["value"]) == (5, None)
    assert zoo("train", "--resume", "run", finish=True)[0] == 0
    assert "Note" not in zoo("evaluate", "run")[2]
    assert json.loads(zoo("runs", "list", ".", "--json")[1])[0]["value"] is not None


@pytest.mark.slow
def test_an_edited_length_is_said_like_a_given_one(zoo):
    command = ("train", "mlp", "--data", "iris", *SMALL, "--epochs", "3", "--run", "run")
    assert zoo(*command, kind="step", when=5)[0] < 0
    config_path = zoo.run("run").config_path
    config_path.write_text(config_path.read_text().replace("  epochs: 3", "  epochs: 6"))
    said = resumed(zoo, "run")
    assert "Length: 3 epochs became 6 epochs" in said
    assert "The cosine schedule is drawn anew" in said
    code, _, err = zoo("train", "--config", "run/config.yaml", "--run", "again")
    assert code == 0
    assert "Note: the run of 'run/config.yaml' was changed or extended on the way" in err


def test_every_kind_of_change_is_an_option():
    assert tuple(changes.KINDS) == config.CHANGES
    known = {entry.name for _, entry in config.all_options()}
    assert set(changes.NO_NUMBERS) <= known
