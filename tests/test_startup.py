"""Starting: help without TensorFlow, every option explained, a quiet start, the device."""

import json
import os
import subprocess
import sys

import click
import pytest

from zoo import cli, startup
from zoo.errors import InputError

HEAVY = ("keras", "tensorflow", "numpy", "pandas", "sklearn", "matplotlib")


def commands():
    """Return every command with the words that lead to it."""

    def walk(command, words):
        yield words, command
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                yield from walk(command.get_command(context, name), (*words, name))

    return list(walk(cli.zoo, ()))


def test_help_and_lists_import_nothing_heavy():
    calls = [[*words, "--help"] for words, _ in commands()]
    calls += [
        ["--version"],
        ["list"],
        ["show", "mlp"],
        ["show", "dcgan", "--json"],
        ["data", "list"],
    ]
    code = (
        "import contextlib, io, json, sys\n"
        "from zoo.cli import main\n"
        "found = {}\n"
        "for call in json.loads(sys.argv[1]):\n"
        "    with contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "        try: main(call)\n"
        "        except SystemExit as end: assert not end.code, (call, end.code)\n"
        "    assert out.getvalue(), call\n"
        f"    found[' '.join(call)] = sorted(set({HEAVY}) & set(sys.modules))\n"
        "print(json.dumps(found))"
    )
    command = [sys.executable, "-c", code, json.dumps(calls)]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(process.stdout)
    assert len(found) == len(calls)
    assert {call for call, modules in found.items() if modules} == set()


@pytest.mark.parametrize(("words", "command"), commands(), ids=lambda value: str(value)[:30])
def test_everything_is_explained(zoo, words, command):
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.help.rstrip("]").endswith((".",)) or "default" in parameter.help
        else:
            assert parameter.make_metavar(click.Context(command))
    code, out, err = zoo(*words, "--help")
    assert (code, err) == (0, "")
    assert f"zoo {' '.join(words)}".strip() in out
    assert max(map(len, out.splitlines())) <= 100


def test_options_of_train_are_grouped(zoo):
    out = zoo("train", "--help")[1]
    titles = ["Data:", "Model:", "Optimization:", "Regularization:", "Run:", "Options:"]
    places = [out.index(f"\n{title}\n") for title in titles]
    assert places == sorted(places)
    data, model = places[:2]
    assert data < out.index("--target", data) < model < out.index("--activation", data)
    records = [line for line in out.splitlines() if line.startswith("  ") and line[2] != " "]
    assert all(line.startswith(("  -", "  Train ", "  zoo ")) for line in records)


def test_no_command_is_help(zoo):
    code, out, err = zoo()
    assert (code, err) == (0, "")
    assert "zoo train mlp --data digits" in out


def test_a_bug_is_a_traceback_and_not_a_users_mistake(monkeypatch, zoo):
    def fail(**options):
        raise KeyError("a bug at https://user:s3cret@host")

    monkeypatch.setattr(cli.importlib.import_module("zoo.cli.list").command, "callback", fail)
    code, out, err = zoo("list")
    assert (code, out) == (1, "")
    assert err.startswith("Traceback")
    assert err.endswith("KeyError: 'a bug at https://***@host'\n")
    assert "s3cret" not in err


def test_start_says_the_device():
    assert startup.start("cpu") == "CPU"


def test_a_gpu_that_is_not_there(monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    with pytest.raises(InputError, match="sees no GPU"):
        startup.start("gpu")
    assert startup.start("auto") == "CPU"


def test_another_backend_is_refused(monkeypatch):
    import keras

    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InputError, match="unset KERAS_BACKEND"):
        startup.start()


def test_quiet_hides_noise_and_shows_it_when_something_breaks(capfd):
    with startup.quiet():
        os.write(2, b"noise")
    assert capfd.readouterr().err == ""
    for error, shown in ((ZeroDivisionError(), "noise"), (InputError("one line"), "")):
        with pytest.raises(type(error)):
            break_noisily(error)
        assert capfd.readouterr().err == shown


def break_noisily(error):
    with startup.quiet():
        os.write(2, b"noise")
        raise error
