import json
import subprocess
import sys
import textwrap

import pytest
from click.testing import CliRunner

import zoo
from zoo import registry
from zoo.cli import zoo as command_line
from zoo.errors import InputError
from zoo.registry import REQUIRED, Row, catalog
from zoo.registry.arguments import DICTATED


@pytest.fixture(autouse=True)
def _own_rows(monkeypatch):
    monkeypatch.setattr(catalog, "_registered", {})


def plugin(tmp_path, body):
    path = tmp_path / "my_models.py"
    path.write_text(textwrap.dedent(body))
    return path


MINE = """
    import zoo

    def my_mlp(input_shape, classes, *, depth=2, rate=0.5, wide=False, units=(8, 8), extra=None):
        '''A network of mine.

        Args:
            input_shape: shape of
                one example.
            classes: how many.
            depth: how deep.
        '''
        return (input_shape, classes, depth, rate, wide, units, extra)

    zoo.register("my-mlp", my_mlp, family="mine", tasks="regression", options={"depth": 5})
"""


def test_names_by_pattern_family_and_task():
    assert registry.list_models()[:3] == ["linear", "perceptron", "mlp"]
    assert registry.list_models("*mlp") == ["mlp", "maxout-mlp"]
    assert registry.list_models(family="gan")[:2] == ["gan", "dcgan"]
    recurrent = ["simple-rnn", "lstm", "char-rnn", "gru", "tcn"]
    large = [f"gpt2-{size}" for size in ("small", "medium", "large", "xl")]
    causal = [*recurrent, "gpt-nano", *large, "llama-nano"]
    assert registry.list_models(task="language-modelling") == causal
    assert registry.list_models(family="dense", task="reconstruction") == ["autoencoder"]


def test_every_row_is_complete():
    from zoo.datasets.base import TASKS

    for name in registry.list_models():
        row = registry.get(name)
        assert row.name == name
        assert row.summary.endswith(".")
        assert row.tiny, name
        assert set(row.tasks) <= set(TASKS), name
        assert {a.name for a in registry.arguments(name)} >= {*row.options, *row.tiny}, name


def test_what_a_row_sets_can_be_set():
    for name in registry.list_models():
        assert not DICTATED.keys() & registry.get(name).options.keys(), name


def test_training_defaults_are_options_of_a_run():
    import dataclasses

    from zoo import config

    groups = (config.Data, config.Optimization, config.Regularization)
    known = {field.name for group in groups for field in dataclasses.fields(group)}
    for name in registry.list_models():
        assert set(registry.get(name).training) <= known, name


def test_unknown_name_offers_the_nearest():
    with pytest.raises(InputError, match=r"Unknown model 'mpl'\. Did you mean 'mlp'\?.*zoo list"):
        registry.get("mpl")


def test_arguments_come_from_the_source():
    found = {a.name: a for a in registry.arguments("mlp")}
    assert found["input_shape"].default is REQUIRED
    assert found["units"].default == (128, 128)
    assert found["units"].doc == "width of each hidden layer."
    assert [name for name, a in found.items() if not a.option] == [
        "input_shape",
        "classes",
        "classifier_activation",
    ]


def test_row_options_replace_defaults(tmp_path):
    registry.load_plugin(plugin(tmp_path, MINE))
    found = {a.name: a for a in registry.arguments("my-mlp")}
    assert found["depth"].default == 5
    assert found["input_shape"].doc == "shape of one example."
    assert zoo.create("my-mlp", input_shape=[4], classes=2)[:3] == ((4,), 2, 5)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"depth": 3}, {"depth": 3}),
        ({"rate": 1}, {"rate": 1.0}),
        ({"wide": True}, {"wide": True}),
        ({"units": [4, 4]}, {"units": (4, 4)}),
        ({"units": 4}, {"units": (4,)}),
        ({"extra": "anything"}, {"extra": "anything"}),
    ],
)
def test_settings_are_converted(tmp_path, given, expected):
    registry.load_plugin(plugin(tmp_path, MINE))
    checked = registry.check_arguments("my-mlp", given)
    assert checked == expected
    assert [type(v) for v in checked.values()] == [type(v) for v in expected.values()]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dept": 3}, "no argument 'dept'. Did you mean 'depth'"),
        ({"depth": 3.5}, "depth=3.5 for model 'my-mlp'. Expected a whole number. Try: depth=5"),
        ({"depth": True}, "Expected a whole number"),
        ({"rate": "high"}, "Expected a number"),
        ({"wide": 1}, "Expected true or false"),
        ({"units": (4, "x")}, "Expected a list in which each is a whole number. Try: units=8,8"),
        ({"classes": 3}, "cannot be set: it follows from the data"),
    ],
)
def test_wrong_settings_are_refused(tmp_path, given, message):
    registry.load_plugin(plugin(tmp_path, MINE))
    with pytest.raises(InputError) as error:
        registry.check_arguments("my-mlp", given)
    assert message in str(error.value)


def test_data_arguments_are_checked_too():
    with pytest.raises(InputError, match="Expected a whole number"):
        zoo.create("mlp", input_shape=(4,), classes="three")
    with pytest.raises(InputError, match=r"not given classes\. Try: zoo\.create"):
        zoo.create("mlp", input_shape=(4,))
    with pytest.raises(InputError, match="no argument 'vocabulary_size'"):
        zoo.create("mlp", input_shape=(4,), classes=3, vocabulary_size=5)


def test_settings_are_read_from_text():
    texts = ["a=1", "b=1e-3", "c=256,128", "d=true", "e=None", "f=relu", "g=(8,)", "h=x=y"]
    assert registry.parse_settings(texts) == {
        "a": 1,
        "b": 0.001,
        "c": (256, 128),
        "d": True,
        "e": None,
        "f": "relu",
        "g": (8,),
        "h": "x=y",
    }
    with pytest.raises(InputError, match="Expected name=value"):
        registry.parse_settings(["units"])


def test_plugin_errors_are_one_line(tmp_path):
    path = plugin(tmp_path, "import zoo\nzoo.register(\n    'mlp', print)\n")
    with pytest.raises(InputError, match="'mlp' belongs to a model of zoo"):
        registry.load_plugin(path)
    path.write_text("x = 1\nraise RuntimeError('broken')\n")
    with pytest.raises(InputError, match="failed at line 2: RuntimeError: broken"):
        registry.load_plugin(path)
    path.write_text("def f(:\n")
    with pytest.raises(InputError, match="failed at line 1: SyntaxError"):
        registry.load_plugin(path)
    with pytest.raises(InputError, match="Expected an existing Python file"):
        registry.load_plugin(tmp_path / "absent.py")


class Point:
    """An entry point of some installed package."""

    def __init__(self, name, answer):
        self.name, self.value, self.answer = name, f"{name}:ROWS", answer

    def load(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_entry_points_add_rows_and_broken_ones_are_remembered(monkeypatch):
    row = Row("theirs", "dense", ("regression",), "their.module:build", "Theirs.")
    points = [
        Point("good", [row]),
        Point("broken", ImportError("no module named gone")),
        Point("wrong", ["not a row"]),
    ]
    monkeypatch.setattr(catalog, "_entry_points", lambda: points)
    monkeypatch.setattr(catalog, "_installed", None)
    monkeypatch.setattr(catalog, "broken_entry_points", broken := [])
    assert "theirs" in registry.list_models()
    assert registry.get("theirs") is row
    assert registry.get("mlp").name == "mlp"
    assert [line.partition(" ")[0] for line in broken] == ["broken", "wrong"]
    assert "no module named gone" in broken[0]


def test_source_of_a_builder_is_read_without_importing_it(tmp_path, monkeypatch):
    package = tmp_path / "their_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('must not be imported')")
    (package / "models.py").write_text("def build(input_shape, *, depth=3):\n    'No section.'\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry.register("theirs", "their_package.models:build")
    assert [(a.name, a.default) for a in registry.arguments("theirs")][1] == ("depth", 3)
    assert "their_package" not in sys.modules


def run(*arguments):
    return CliRunner().invoke(command_line, arguments, catch_exceptions=True)


def test_list_command():
    shown = json.loads(run("list", "*mlp", "--json").output)
    assert [row["name"] for row in shown] == ["mlp", "maxout-mlp"]
    assert "gpt-nano" in run("list", "--family", "transformer").output
    assert isinstance(run("list", "--family", "transformers").exception, InputError)
    assert "Did you mean 'lenet5'" in run("list", "lenet").output


def test_list_command_with_a_plugin(tmp_path):
    path = plugin(tmp_path, MINE)
    assert "A network of mine." in run("list", "my-*", "--plugin", str(path)).output


def test_show_command():
    text = run("show", "maxout-mlp").output
    assert "arXiv:1302.4389" in text
    assert "affine functions each unit takes the largest of" in text
    shown = json.loads(run("show", "lenet5", "--json").output)
    assert shown["parameters"]["count"] == 61706
    assert shown["arguments"][0]["required"]


def test_show_layers():
    shown = json.loads(run("show", "lenet5", "--layers", "--json").output)
    assert shown["build"]["parameters"] == 61706
    assert sum(layer["parameters"] for layer in shown["build"]["layers"]) == 61706
    text = run("show", "mlp", "--layers", "--set", "units=7", "--set", "input_shape=5").output
    assert "(B, 7)" in text
    error = run("show", "mlp", "--layers", "--set", "activation=rellu").exception
    assert isinstance(error, InputError)
    assert "Did you mean 'relu'" in str(error)


def test_arguments_are_read_without_importing_a_model():
    code = """
        import sys
        from zoo import registry
        for name in registry.list_models():
            if not name.startswith("keras-"):
                registry.arguments(name)
                assert "keras" not in sys.modules, name
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


@pytest.mark.parametrize("arguments", [["list"], ["show", "mlp"], ["show", "--help"]])
def test_nothing_heavy_is_imported(arguments):
    code = f"""
        import sys
        from zoo.cli import main
        try:
            main({arguments!r})
        except SystemExit as end:
            assert not end.code
        heavy = {{"keras", "tensorflow", "numpy", "pandas"}} & set(sys.modules)
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True)
