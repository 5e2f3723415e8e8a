"""Options: what they take, what they refuse, and which of two givers wins."""

import dataclasses
import math

import pytest
import yaml
from click.testing import CliRunner

from zoo import api, config, options, registry
from zoo.cli import train as command
from zoo.cli import zoo as command_line
from zoo.errors import InputError


def refused(**given):
    with pytest.raises(InputError) as caught:
        config.build("mlp", given)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_every_option_has_help_and_takes_its_own_default():
    for _, entry in config.all_options():
        assert entry.metadata["help"].endswith((".", ")")), entry.name
        assert options.check(entry, entry.default) == entry.default


def test_options_are_one_list_without_doubles():
    names = [entry.name for _, entry in config.all_options()]
    assert len(names) == len(set(names))
    chosen = config.build("mlp", {"epochs": 3, "target": "price", "learning_rate": "1e-3"})
    again = config.build("mlp", chosen.options())
    assert again == chosen
    assert (chosen.optimization.epochs, chosen.data.target) == (3, ("price",))
    assert chosen.optimization.learning_rate == 1e-3


def test_a_record_in_yaml_gives_the_same_options():
    chosen = config.build(
        "mlp", {"data": "iris", "learning_rate": 1e-5, "set": ["units=3,3"], "weight_decay": "1e-3"}
    )
    text = yaml.safe_dump(chosen.options())
    assert config.build("mlp", yaml.safe_load(text)) == chosen


@pytest.mark.parametrize(("text", "value"), [("1e-3", 1e-3), ("0.5", 0.5), ("2", 2.0), (".5", 0.5)])
def test_numbers_may_be_text_as_yaml_gives_some(text, value):
    assert yaml.safe_load("rate: 1e-3")["rate"] == "1e-3"  # YAML 1.1 wants a dot
    assert config.build("mlp", {"learning_rate": text}).optimization.learning_rate == value


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("epochs", 0, "a whole number of at least 1"),
        ("epochs", -3, "a whole number of at least 1"),
        ("epochs", "many", "a whole number of at least 1"),
        ("epochs", 2.5, "a whole number of at least 1"),
        ("epochs", True, "a whole number of at least 1"),
        ("epochs", math.inf, "a whole number of at least 1"),
        ("batch_size", 0, "a whole number of at least 1"),
        ("learning_rate", 0, "a number above 0"),
        ("learning_rate", "fast", "a number above 0"),
        ("learning_rate", math.nan, "a number above 0"),
        ("learning_rate", [1], "a number above 0"),
        ("dropout", 1, "a number of at least 0 and at most 0.99"),
        ("seed", 2**31, "a whole number of at least 0 and at most"),
        ("seed", None, "a whole number"),
        ("nesterov", "yes", "true or false"),
        ("data", 3.5j, "text"),
        ("target", 3, "text"),
        ("time_limit", "10", "a duration such as 90s, 10m or 2h"),
        ("time_limit", "0m", "a duration such as 90s, 10m or 2h"),
        ("checkpoint_every", "0", "a number of steps such as 500, a duration"),
        ("checkpoint_every", "often", "a number of steps such as 500, a duration"),
        ("augment", "shift:far", "a strength such as shift:0.1"),
        ("augment", "noise:-1", "a strength such as shift:0.1"),
        ("augment", "noise:inf", "a strength such as shift:0.1"),
    ],
)
def test_wrong_values_say_what_was_expected(name, value, expected):
    message = refused(**{name: value})
    assert message.startswith(f"--{name.replace('_', '-')} received")
    assert f"Expected {expected}" in message


def test_the_nearest_name_is_offered():
    assert "Did you mean 'learning_rate'" in refused(learning_rat=1)
    assert "Did you mean 'adam' or 'adamw'?" in refused(optimizer="adamv")
    assert "Did you mean 'cosine'?" in refused(schedule="cosin")
    assert "Did you mean 'rotate'" in refused(augment="flip,rotat:3")


def test_durations_intervals_and_augmentations():
    assert [options.seconds(t) for t in ("90s", "1.5m", "2h")] == [90, 90, 7200]
    assert options.interval("500") == (500, None)
    assert options.interval("10m") == (None, 600)
    assert options.augmentations(" flip, shift:0.2 ") == {"flip": None, "shift": 0.2}
    assert options.augmentations("") == {}


def resolved(training=(), **given):
    return config.resolve(config.build("mlp", given), dict(training))


def test_the_row_s_defaults_go_before_the_general_ones_and_after_the_user_s():
    row = {"learning_rate": 0.5, "batch_size": 64, "steps": 100, "sequence_length": 9}
    chosen = resolved(row, batch_size=8)
    assert chosen.optimization.learning_rate == 0.5
    assert chosen.optimization.batch_size == 8
    assert chosen.optimization.optimizer == "adamw"
    assert chosen.optimization.steps is None
    assert config.resolve(chosen, row) == chosen


def test_every_default_of_a_row_is_used():
    for name in registry.list_models():
        training = registry.get(name).training
        found = config.resolve(config.build(name, {}), training).options()
        length = {"epochs": None, "steps": None}  # follow from the size of the data
        wanted = {k: v for k, v in {**training, **length}.items() if k in found}
        assert {k: found[k] for k in wanted} == wanted, name


def test_smoothed_labels_are_not_for_every_loss():
    row = {"label_smoothing": 0.1}
    assert resolved(row).regularization.label_smoothing == 0.1
    assert resolved(row, label_smoothing=0).regularization.label_smoothing == 0
    assert resolved(row, loss="focal").regularization.label_smoothing == 0
    assert resolved().regularization.label_smoothing == 0


def test_another_optimizer_brings_its_own_learning_rate():
    row = {"optimizer": "adam", "learning_rate": 2e-4, "momentum": 0.5}
    assert resolved(row, optimizer="sgd").optimization.learning_rate == 0.05
    assert resolved(row, optimizer="sgd").optimization.momentum is None
    assert resolved(row, optimizer="sgd", learning_rate=1).optimization.learning_rate == 1
    assert resolved(row).optimization.momentum == 0.5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epochs": 3, "steps": 5}, "--epochs and --steps were both given"),
        ({"epochs": 3, "time_limit": "1m"}, "--epochs and --time-limit were both given"),
        ({"time_limit": "1m", "schedule": "cosine"}, "--time-limit was given with a schedule"),
        (
            {"time_limit": "1m", "warmup": 0.1},
            "--time-limit was given with a schedule or a warm-up",
        ),
        ({"nesterov": True}, "Expected --optimizer sgd and a momentum"),
        ({"nesterov": True, "optimizer": "sgd"}, "Expected --optimizer sgd and a momentum"),
        ({"momentum": 0.9, "optimizer": "adagrad"}, "adagrad, which has none"),
        ({"huber_delta": 2.0}, "Expected --loss huber"),
    ],
)
def test_options_that_exclude_each_other(given, message):
    with pytest.raises(InputError) as caught:
        resolved(**given)
    assert message in str(caught.value)


def test_time_has_no_schedule():
    chosen = resolved({"schedule": "cosine", "warmup": 0.1}, time_limit="1m").optimization
    assert (chosen.schedule, chosen.warmup) == ("constant", 0.0)


@pytest.mark.parametrize(
    ("steps_per_epoch", "epochs"), [(1, 200), (44, 69), (3000, 5), (100_000, 5)]
)
def test_a_run_of_open_length_lasts_some_3000_steps(steps_per_epoch, epochs):
    chosen = config.with_epochs(config.build("mlp", {}), steps_per_epoch, {})
    assert chosen.optimization.epochs == epochs
    fixed = config.build("mlp", {"steps": 7})
    assert config.with_epochs(fixed, steps_per_epoch, {}) == fixed


def test_configurations_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.build("mlp", {}).run.seed = 3


@pytest.fixture
def asked(monkeypatch):
    """Return what `zoo train` asks of the API, without training."""
    received = {}
    monkeypatch.setattr(command, "_print_run", lambda *_: None)
    monkeypatch.setattr(
        api, "train", lambda model, say, **options: received.update(options, model=model)
    )
    return received


def test_the_command_line_goes_before_the_file(tmp_path, asked):
    file = tmp_path / "options.yaml"
    file.write_text("model: mlp\ndata: iris\nepochs: 7\nlearning_rate: 1e-3\nseed: 3\n")
    result = CliRunner().invoke(
        command_line, ["train", "--config", str(file), "--seed", "5", "--steps", "9"]
    )
    assert result.exit_code == 0, result.output
    assert asked["model"] == "mlp"
    chosen = config.build("mlp", {k: v for k, v in asked.items() if k != "model"})
    assert (chosen.data.data, chosen.run.seed) == ("iris", 5)
    assert (chosen.optimization.epochs, chosen.optimization.steps) == (None, 9)
    assert chosen.optimization.learning_rate == 1e-3


def test_a_run_s_record_repeats_it_elsewhere(tmp_path, asked):
    record = {"model": "mlp", "options": config.build("mlp", {"run": "a", "epochs": 2}).options()}
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(record))
    assert CliRunner().invoke(command_line, ["train", "--config", str(file)]).exit_code == 0
    assert (asked["model"], asked["epochs"], asked["run"]) == ("mlp", 2, None)


def test_the_python_api_takes_lists_and_dictionaries():
    chosen = api.configure("mlp", {"target": ["a", "b"], "set": {"units": (4, 4)}})
    assert chosen.data.target == ("a", "b")
    assert chosen.network.set == ("units=4,4",)
