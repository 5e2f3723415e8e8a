"""Artifacts that stand alone: every task, both formats, odd column names, a fresh process."""

import functools
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import TRAINED

from zoo import api, predictors
from zoo.errors import ExportMismatchError, InputError
from zoo.exporters import parity
from zoo.exporters.savedmodel import argument_names

FORMATS = ("savedmodel", "keras")
# Much as another one is, or exported by the tests of its task.
ALIKE = (
    "binary", "numbers", "cross", "targets", "vectors", "masks", "boxes", "table", "text", "series",
    "synthesis",
)  # fmt: skip


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    """Return the path of a run's artifact by name and format, exported when first asked for.

    Compared here: fresh processes have their own tests.
    """
    folder = tmp_path_factory.mktemp("exported")

    @functools.cache
    def export(name, kind):
        path = folder / f"{name}{'.keras' if kind == 'keras' else ''}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(parity, "_in_fresh_process", answers_here)
            api.export(trained(name), kind, path)
        return str(path)

    return export


def answers_here(path, raw):
    return parity.answer(predictors.load(path), raw)


def data_of(name, files):
    reference = TRAINED[name][1]["data"].format(**files)
    if name == "copies":
        return "wine"
    return reference


def known(scores):
    return {name: value for name, value in scores.items() if value is not None}


def equal(first, second):
    assert set(first) == set(second)
    for name, values in first.items():
        if values.dtype == object:
            assert (values == second[name]).all()
        else:
            np.testing.assert_allclose(values, second[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n in ALIKE)) for n in TRAINED]
)
def test_artifacts_answer_and_score_as_their_run(exported, trained, files, name):
    run, data = trained(name), data_of(name, files)
    scores = known(api.evaluate(run, data)["scores"])
    for kind in FORMATS:
        artifact = exported(name, kind)
        received = known(api.evaluate(artifact, data)["scores"])
        assert received == pytest.approx(scores, rel=1e-4, abs=1e-5)
        if name != "synthesis":
            equal(api.predict(run, data), api.predict(artifact, data))


@pytest.mark.parametrize("kind", FORMATS)
def test_artifacts_generate_as_their_run(exported, trained, kind):
    prompts, how = ["The ", ""], {"temperature": 0.7, "top_k": 9, "seed": 3, "stop": ["q"]}
    expected = api.load(trained("text")).generate(prompts, 20, **how)
    assert api.load(exported("text", kind)).generate(prompts, 20, **how) == expected
    made = api.load(trained("synthesis")).make(5, 3)
    np.testing.assert_array_equal(
        api.load(exported("synthesis", kind)).make(5, 3)["image"], made["image"]
    )


# What a process without keras-zoo does with a SavedModel, and what `import zoo.serving` adds.
ALONE = """
import json, sys
import numpy as np, tensorflow as tf
table, text, digits, synthesis, asked = sys.argv[1:]
loaded = tf.saved_model.load(table)
serve = loaded.signatures["serving_default"]
kinds = serve.structured_input_signature[1]
columns = json.load(open(asked))
out = serve(**{n: tf.constant(v, kinds[n].dtype) for n, v in columns.items()})
answers = {"label": [x.decode() for x in out["label"].numpy()],
           "probabilities": out["probabilities"].numpy().tolist()}
loaded = tf.saved_model.load(text)
out = loaded.signatures["generate"](prompt=tf.constant(["The "]), tokens=tf.constant(9),
    temperature=tf.constant(0.0), top_k=tf.constant(0), top_p=tf.constant(1.0),
    repetition_penalty=tf.constant(1.0),
    seed=tf.constant(0))
answers["text"] = out["text"].numpy()[0].decode()
loaded = tf.saved_model.load(digits)
png = tf.io.encode_png(np.zeros((8, 8, 1), np.uint8))
out = loaded.signatures["serving_default"](image=png[None])
answers["digit"] = out["label"].numpy()[0].decode()
loaded = tf.saved_model.load(synthesis)
out = loaded.signatures["serving_default"](count=tf.constant(2), seed=tf.constant(1))
answers["image"] = tf.io.decode_image(out["png"][1]).numpy().tolist()
assert not any(name.split(".")[0] == "zoo" for name in sys.modules)
print(json.dumps(answers))
"""


@pytest.mark.slow
def test_savedmodels_stand_alone(exported, trained, files, tmp_path):
    predictor = api.load(trained("table"))
    raw = api.split_of(None, predictor, str(files["table"]), None, targets=False).batch(range(20))
    names = api.load(exported("table", "savedmodel")).state["arguments"]
    (tmp_path / "asked.json").write_text(
        json.dumps({names[name]: values.tolist() for name, values in raw.items()})
    )
    (tmp_path / "alone.py").write_text(ALONE)
    paths = [exported(n, "savedmodel") for n in ("table", "text", "pictures", "synthesis")]
    command = [sys.executable, "-I", tmp_path / "alone.py", *paths, tmp_path / "asked.json"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    answers = json.loads(process.stdout)
    here = predictor(raw)
    assert answers["label"] == here["label"].tolist()
    np.testing.assert_allclose(answers["probabilities"], here["probabilities"], atol=1e-5)
    assert answers["text"] == api.load(trained("text")).generate(["The "], 9, temperature=0.0)[0]
    picture = {"image": np.zeros((1, 8, 8, 1), np.uint8)}
    assert answers["digit"] == api.load(trained("pictures"))(picture)["label"][0]
    made = api.load(trained("synthesis")).make(2, 1)["image"]
    np.testing.assert_array_equal(answers["image"], made[1])


def test_keras_files_load_with_keras(exported, trained):
    import keras

    import zoo.serving  # noqa: F401, it registers what the file holds

    served = keras.saving.load_model(exported("classes", "keras"))
    predictor = api.load(trained("classes"))
    raw = {column.name: np.array([5.0, 6.0]) for column in predictor.spec.inputs}
    np.testing.assert_allclose(
        served(raw)["probabilities"], predictor(raw)["probabilities"], atol=1e-5
    )


def test_the_command_checks_in_a_fresh_process(zoo, trained):
    code, out, err = zoo("export", trained("table"), "--json")
    assert code == 0, err
    result = json.loads(out)
    assert result["path"] == f"{trained('table')}/export/savedmodel"
    assert result["largest_difference"] <= 1e-5
    assets = Path(result["path"], "assets")
    assert json.loads((assets / "parity.json").read_text()) == result
    card = (assets / "card.md").read_text(encoding="utf-8")
    assert "`mean_radius` (mean radius)" in card
    assert "Classes: ant, bee, cat" in card
    assert "Fingerprint" in card


@pytest.mark.slow
def test_the_fresh_process_sees_no_module_of_the_folder(zoo, trained, tmp_path, monkeypatch):
    (tmp_path / "zoo" / "runs").mkdir(parents=True)
    (tmp_path / "keras.py").write_text("raise RuntimeError('this is not Keras')")
    monkeypatch.chdir(tmp_path)
    code, out, err = zoo("export", trained("classes"), "--out", "model")
    assert (code, out) == (0, "model\n"), err


def test_other_paths(zoo, trained, tmp_path, monkeypatch):
    monkeypatch.setattr(parity, "_in_fresh_process", lambda path, raw: here(path, raw))

    def here(path, raw):
        return parity.answer(predictors.load(path), raw)

    run = trained("classes")
    code, out, err = zoo("export", run, "--out", tmp_path / "deep" / "model")
    assert (code, out) == (0, f"{tmp_path}/deep/model\n")
    assert "largest difference" in err
    code, out, err = zoo("export", run, "--out", tmp_path / "deep" / "model")
    assert code == 2
    assert "exists already" in err
    code, out, err = zoo("export", run, "--format", "keras", "--out", tmp_path / "model.zip")
    assert code == 2
    assert "ends in .keras" in err
    code, out, err = zoo("export", run, "--format", "keras", "--out", tmp_path / "m.keras")
    assert code == 0
    assert (tmp_path / "m.parity.json").is_file()


def test_a_mismatch_fails_and_leaves_nothing(zoo, trained, tmp_path, monkeypatch):
    def shifted(path, raw):
        answers = parity.answer(predictors.load(path), raw)
        return {**answers, "probabilities": answers["probabilities"] + 1e-3}

    monkeypatch.setattr(parity, "_in_fresh_process", shifted)
    for kind, name in (("savedmodel", "model"), ("keras", "model.keras")):
        target = tmp_path / "new" / name
        code, out, err = zoo("export", trained("binary"), "--format", kind, "--out", target)
        assert (code, out) == (4, "")
        *progress, mistake = err.splitlines()
        assert [line.split()[0] for line in progress] == ["Writing", "Comparing"]
        assert mistake.startswith("Error: The ")
        assert "'probabilities'" in mistake
        assert list(tmp_path.iterdir()) == []


def test_an_artifact_that_cannot_be_loaded_fails(trained, tmp_path, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, b"", b"Traceback ...\nOSError: no table\n")
    monkeypatch.setattr(parity.subprocess, "run", lambda *arguments, **options: failed)
    with pytest.raises(ExportMismatchError, match=r"fresh process: OSError: no table\. Expected"):
        api.export(trained("classes"), "savedmodel", tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_an_artifact_whose_process_is_killed_is_no_mismatch(trained, tmp_path, monkeypatch):
    failed = subprocess.CompletedProcess([], -9, b"", b"")
    monkeypatch.setattr(parity.subprocess, "run", lambda *arguments, **options: failed)
    with pytest.raises(InputError, match=r"ended by signal 9\. Expected enough memory"):
        api.export(trained("classes"), "savedmodel", tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_differences():
    one = np.array([1.0, 200.0], np.float32)
    assert parity._difference(one, one) == 0
    assert parity._difference(one, one + np.float32(1)) == pytest.approx(1 / 200)
    for other in (None, one[:1], np.array([1.0, np.nan])):
        assert parity._difference(one, other) == float("inf")
    names = np.array(["a", "b"], dtype=object)
    assert parity._difference(names, names) == 0
    assert parity._difference(names, names[::-1]) == float("inf")


def test_bfloat16_training_exports_float32(tmp_path, monkeypatch):
    import zoo

    monkeypatch.setattr(
        parity, "_in_fresh_process", lambda path, raw: parity.answer(predictors.load(path), raw)
    )
    run = zoo.train(
        "mlp", data="iris", epochs=1, precision="bfloat16", dropout=0.5, run=str(tmp_path / "run"),
        augment="noise:1", set={"units": (8,)},
    )  # fmt: skip
    zoo.export(run)
    zoo.export(run, "keras")
    graph = Path(run.path, "export/savedmodel/saved_model.pb").read_bytes()
    assert b"dropout" not in graph.lower()
    assert b"RandomUniform" not in graph
    assert b"StatelessRandom" not in graph
    model = zoo.load(Path(run.path, "export/keras/model.keras")).model
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
    predictor = zoo.load(Path(run.path, "export/savedmodel"))
    raw = {column.name: np.full(3, 5.0) for column in predictor.spec.inputs}
    first, second = predictor(raw), predictor(raw)
    equal(first, second)
    assert (first["probabilities"][0] == first["probabilities"][2]).all()


def test_argument_names():
    assert argument_names(["x", "mean radius", "Größe (cm)", "1st", "a/b", "a b", "a_b"]) == {
        "x": "x",
        "mean radius": "mean_radius",
        "Größe (cm)": "Groe_cm",
        "1st": "column_1st",
        "a/b": "a_b_2",
        "a b": "a_b_3",
        "a_b": "a_b",
    }
    assert argument_names(["class", "self", "猫", "%", "A", "a"]) == {
        "class": "class_",
        "self": "self_",
        "猫": "column",
        "%": "column_2",
        "A": "A",
        "a": "a_2",
    }


@pytest.mark.slow
def test_a_model_from_a_plugin(zoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(
        "import keras, zoo\n"
        "def build(input_shape, classes, width=3):\n"
        "    inputs = keras.Input(input_shape)\n"
        "    hidden = keras.layers.Dense(width, 'tanh')(inputs)\n"
        "    return keras.Model(inputs, keras.layers.Dense(classes)(hidden))\n"
        "zoo.register('mine-export', build)\n"
    )
    train = ("train", "mine-export", "--data", "iris", "--plugin", "mine.py", "--epochs", "1")
    code, out, err = zoo(*train, "--set", "width=5", "--run", "run")
    assert (code, out) == (0, "run\n"), err
    assert zoo("evaluate", "run")[0] == 0
    code, out, err = zoo("export", "run", "--format", "keras")  # a process that knows no plugin
    assert code == 0, err


def test_foreign_and_damaged_keras_files(trained, exported, tmp_path):
    import keras

    foreign = tmp_path / "foreign.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(foreign)
    with pytest.raises(InputError, match="Expected a model that `zoo export"):
        api.load(foreign)
    for change, said in (
        (lambda text: text.replace('"Dense"', '"Lambda"'), "would create"),
        (lambda text: text.replace('"module": "keras.layers"', '"module": "os"'), "would create"),
    ):
        with pytest.raises(InputError, match=said):
            api.load(altered(exported("classes", "keras"), tmp_path / "bad.keras", change))
    half = tmp_path / "half.keras"
    half.write_bytes(Path(exported("classes", "keras")).read_bytes()[:500])
    with pytest.raises(InputError, match="neither a run nor an artifact"):
        api.load(half)


def altered(source, target, change):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                text = content.decode()
                assert change(text) != text
                content = change(text).encode()
            new.writestr(name, content)
    return target


def test_damaged_savedmodels(exported, tmp_path):
    import shutil

    copy = shutil.copytree(exported("classes", "savedmodel"), tmp_path / "copy")
    (copy / "saved_model.pb").write_bytes(b"nothing")
    with pytest.raises(InputError, match="could not be loaded as a SavedModel"):
        api.load(copy)
    (copy / "assets" / "zoo.json").unlink()
    with pytest.raises(InputError, match="Cannot read"):
        api.load(copy)
