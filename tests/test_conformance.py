import json

import pytest
from click.testing import CliRunner

from zoo import conformance, registry
from zoo.cli import zoo as command_line
from zoo.registry import catalog

BROKEN = '''
import keras
import tensorflow as tf
import zoo


@keras.saving.register_keras_serializable(package="broken")
class Dead(keras.layers.Layer):
    def build(self, input_shape):
        self.unused = self.add_weight((3,), name="unused")

    def call(self, x):
        return x


@keras.saving.register_keras_serializable(package="broken")
class Noise(keras.layers.Layer):
    def call(self, x):
        return x + tf.random.normal(tf.shape(x), dtype=x.dtype)


@keras.saving.register_keras_serializable(package="broken")
class GlobalNoise(keras.layers.Layer):
    def call(self, x):
        return x + keras.random.normal(keras.ops.shape(x), dtype=x.dtype)


@keras.saving.register_keras_serializable(package="broken")
class Forgetful(keras.layers.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return x * self.factor


@keras.saving.register_keras_serializable(package="broken")
class Forgotten(keras.layers.Layer):
    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return super().get_config()


def network(input_shape, classes, layer=None, dtype="float32"):
    inputs = keras.Input(input_shape)
    x = keras.layers.Dense(4, activation="tanh")(inputs)
    x = x if layer is None else layer(x)
    return keras.Model(inputs, keras.layers.Dense(classes, dtype=dtype)(x))


def good(input_shape, classes, *, width=4):
    """A model.

    Args:
        input_shape: shape of one example.
        classes: how many.
        width: not used.
    """
    return network(input_shape, classes)


def loose(input_shape, classes, width=4):
    """A model.

    Args:
        input_shape: shape of one example.
        classes: how many.
        width: not used.
    """
    return network(input_shape, classes)


def undocumented(input_shape, classes):
    return network(input_shape, classes)


def dead(input_shape, classes):
    return network(input_shape, classes, Dead())


def noise(input_shape, classes):
    return network(input_shape, classes, Noise())


def global_noise(input_shape, classes):
    return network(input_shape, classes, GlobalNoise())


def forgetful(input_shape, classes):
    return network(input_shape, classes, Forgetful(2.0))


def forgotten(input_shape, classes):
    return network(input_shape, classes, Forgotten(2.0))


def half(input_shape, classes):
    return network(input_shape, classes, dtype=None)


def crash(input_shape, classes):
    raise RuntimeError("no such luck")


for builder in (
    good, loose, undocumented, dead, noise, global_noise, forgetful, forgotten, half, crash
):
    tiny = {"input_shape": (3,), "classes": 2}
    zoo.register("broken-" + builder.__name__, builder, tiny=tiny, params=(tiny, 26))
'''

RIGHT_CHECKS = {
    "good": set(),
    "loose": {"signature"},
    "undocumented": {"signature"},
    "dead": {"training", "parameters"},
    "noise": {"seeds", "weights file", "keras file", "SavedModel"},
    "global_noise": {"seeds", "weights file", "keras file", "SavedModel"},
    "forgetful": {"keras file"},
    "forgotten": {"keras file"},
    "half": {"mixed precision"},
    "crash": {"build", "parameters", "determinism", "mixed precision", "seeds", "training"}
    | set(conformance.WAYS),
}

TOGETHER = 4  # rows in memory at once, some with a hundred million weights


@pytest.fixture
def broken(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "_registered", {})
    path = tmp_path / "broken.py"
    path.write_text(BROKEN)
    return path


def one_row_a_family():
    rows = [registry.get(name) for name in registry.list_models()]
    return list({row.family: row.name for row in reversed(rows)}.values())


def rows_that_differ():
    """Return all rows, but of keras.applications the smallest of each paper.

    The others are made by the same function of ours and of Keras's, only wider or deeper; without
    options for a small build, all of them would take hours.
    """
    papers = {}
    return [
        name
        for name in registry.list_models()
        if not name.startswith("keras-")
        or papers.setdefault(registry.get(name).paper, name) == name
    ]


def failed(results):
    return {r.check: r.message for r in results if not r.passed}


@pytest.mark.slow
def test_every_family_conforms(monkeypatch):
    # A published network may have a hundred million weights; the slow test builds them.
    here = tuple(c for c in conformance.HERE if c is not conformance.parameters)
    monkeypatch.setattr(conformance, "HERE", here)
    results = conformance.check(one_row_a_family())
    assert {name: failed(found) for name, found in results.items() if failed(found)} == {}


def test_one_network_of_keras_applications_a_paper():
    names = [name for name in rows_that_differ() if name.startswith("keras-")]
    papers = [registry.get(name).paper for name in names]
    assert len(set(papers)) == len(papers) == 14
    assert len(registry.list_models("keras-*")) == 40


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, len(rows_that_differ()), TOGETHER))
def test_every_row_conforms(first):
    names = rows_that_differ()[first : first + TOGETHER]
    results = conformance.check(names)
    assert list(results) == names
    assert {name: failed(found) for name, found in results.items() if failed(found)} == {}


@pytest.mark.slow
def test_broken_models_fail_the_right_checks(broken):
    registry.load_plugin(broken)
    names = [f"broken-{kind}" for kind in RIGHT_CHECKS]
    results = conformance.check(names)
    for kind, expected in RIGHT_CHECKS.items():
        found = failed(results[f"broken-{kind}"])
        if kind not in ("good", "loose"):
            found.pop("signature")  # they are undocumented, too
            expected = expected - {"signature"}
        assert set(found) == expected, (kind, found)
    assert "unused" in failed(results["broken-dead"])["training"]
    assert "not keyword-only: width" in failed(results["broken-loose"])["signature"]
    assert "RandomStandardNormal" in failed(results["broken-noise"])["seeds"]
    assert "state that no checkpoint holds" in failed(results["broken-global_noise"])["seeds"]
    assert "bfloat16" in failed(results["broken-half"])["mixed precision"]
    assert "no such luck" in failed(results["broken-crash"])["build"]


def test_a_row_without_a_small_build_says_so(monkeypatch):
    monkeypatch.setattr(catalog, "_registered", {})
    registry.register("bare", "zoo.models.mlp:mlp")
    assert "no `tiny`" in failed(conformance.check(["bare"])["bare"])["build"]


@pytest.mark.slow
def test_check_command_of_what_conforms(broken):
    result = CliRunner().invoke(command_line, ["check", "broken-good", "--plugin", str(broken)])
    assert result.exit_code == 0, result.output
    assert "FAILED" not in result.output
    assert result.stdout.splitlines()[0].split() == ["check", "result", "found"]


@pytest.mark.slow
def test_check_command(broken):
    arguments = ["check", "broken-loose", "--plugin", str(broken), "--json"]
    result = CliRunner().invoke(command_line, arguments)
    assert result.exit_code == 2
    shown = json.loads(result.stdout)
    assert [c["check"] for c in shown["checks"] if not c["passed"]] == ["signature"]
