"""Random pictures, weights, checkpoints and what lies in a run: used, or refused in a line."""

import hashlib
import io
import json
import re
import shutil
import zipfile

import fuzz
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from zoo import api, predictors, weights
from zoo.runs import Run
from zoo.training import state
from zoo.training.checkpoints import Checkpoints

FLOWERS = """sepal_length,sepal_width,petal_length,petal_width,species
5,3,1,0.2,setosa
6,3,5,2,virginica
"""


@pytest.fixture
def run(trained, tmp_path, monkeypatch):
    """Stand beside a copy of a good run, to be spoiled."""
    monkeypatch.chdir(tmp_path)
    return Run(shutil.copytree(trained("classes"), tmp_path / "run"))


def timeless(text):
    """Return what a run says without hour, seconds and folder, so that cases are the same."""
    text = re.sub(r"(?m)^( *)(created|command|run|platform|processor): .*$", r"\1\2: x", text)
    return re.sub(r'(seconds": |^\d+,\d+,)[\d.]+', r"\g<1>0.5", text, flags=re.MULTILINE)


def pictures():
    """Return pictures of many kinds, as PNG and JPEG hold them."""
    random = np.random.default_rng(0)
    found = []
    for shape in ((8, 8, 1), (3, 17, 3), (16, 8, 4)):
        picture = random.integers(0, 255, shape).astype(np.uint8)
        found.append(tf.io.encode_png(picture).numpy())
        if shape[-1] < 4:
            found.append(tf.io.encode_jpeg(picture).numpy())
            found.append(tf.io.encode_jpeg(picture, progressive=True).numpy())
    found.append(tf.io.encode_png(random.integers(0, 2**16, (5, 5, 3)).astype(np.uint16)).numpy())
    return found


@fuzz.cases(200, 6000)
def test_pictures(trained, tmp_path, monkeypatch, cases, record_property):
    predictor = api.load(trained("pictures"))
    monkeypatch.setattr(api, "load", lambda source: predictor)
    monkeypatch.chdir(tmp_path)

    def promise(content):
        (tmp_path / "p.png").write_bytes(content)
        code, out, _ = fuzz.run("predict", "run", "p.png")
        assert code == 2 or out.startswith("file,label,"), out
        assert [path.name for path in tmp_path.iterdir()] == ["p.png"]

    fuzz.check(promise, fuzz.mutated(pictures()), cases, record_property)


@fuzz.cases(100, 3000)
def test_tables_to_answer(trained, files, tmp_path, monkeypatch, cases, record_property):
    predictor = api.load(trained("table"))
    monkeypatch.setattr(api, "load", lambda source: predictor)
    monkeypatch.chdir(tmp_path)
    rows = pd.read_csv(files["table"]).head(8)
    csv, lines = rows.to_csv(index=False).encode(), rows.to_json(orient="records", lines=True)

    def promise(case):
        name, content = case
        (tmp_path / name).write_bytes(content)
        fuzz.run("predict", "run", name)
        fuzz.run("evaluate", "run", "--data", name, "--json")

    strategy = st.one_of(
        st.tuples(st.just("t.csv"), fuzz.mutated([csv])),
        st.tuples(st.just("t.jsonl"), fuzz.mutated([lines.encode()])),
    )
    fuzz.check(promise, strategy, cases, record_property)


@fuzz.cases(300, 6000)
def test_weights(run, cases, record_property):
    model = api.load(run.path).model
    good = run.model_weights.read_bytes()
    values = weights.snapshot(model.weights)

    def promise(content):
        run.model_weights.write_bytes(content)
        fuzz.refused(lambda: weights.size(run.model_weights))
        if not fuzz.refused(lambda: weights.load(model, run.model_weights)):
            weights.assign(model.weights, values)

    fuzz.check(promise, fuzz.mutated([good, good[:600]]), cases, record_property)


@pytest.fixture
def trainer(run):
    """Return a trainer of the run, which checkpoints are put back into."""
    from zoo import config
    from zoo.training.session import prepare

    record = run.record
    return prepare(config.build(record["model"], record["options"]), "CPU").trainer(None)


@fuzz.cases(200, 6000)
def test_checkpoints(run, trainer, cases, record_property):
    checkpoints = Checkpoints(run.checkpoints)
    name = checkpoints.names()[-1]
    description = run.checkpoints / f"{name}.json"
    content = json.loads(timeless(description.read_text()))
    content["state"]["record"] = {"options": {}}
    arrays = run.checkpoints / content["file"]
    for path in run.checkpoints.iterdir():
        if path not in (description, arrays):
            path.unlink()
    good, text = arrays.read_bytes(), json.dumps(content).encode()

    def resume():
        tensors, saved, _ = checkpoints.load()
        state.check(saved, "the checkpoint")
        state.put_back(trainer, tensors, saved)

    def promise(case):
        kind, value = case
        arrays.write_bytes(value if kind == "arrays" else good)
        description.write_bytes(value if kind == "text" else text)
        if kind != "text":
            said = value if kind == "state" else content["state"]
            data = arrays.read_bytes()
            digest = hashlib.sha256(data + json.dumps(said).encode()).hexdigest()
            description.write_text(json.dumps({**content, "sha256": digest, "state": said}))
        fuzz.refused(resume)

    strategy = st.one_of(
        st.tuples(st.just("arrays"), fuzz.mutated([good])),
        st.tuples(st.just("text"), fuzz.mutated([text])),
        st.tuples(st.just("state"), fuzz.spoiled(content["state"])),
    )
    fuzz.check(promise, strategy, cases, record_property)


@fuzz.cases(80, 2000)
def test_what_a_run_is_made_from(run, cases, record_property):
    good = json.loads(run.preprocessor_path.read_text())
    before = sorted(str(path) for path in run.path.rglob("*"))

    def promise(content):
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        run.preprocessor_path.write_bytes(text)
        fuzz.run("predict", "run", "flowers.csv")
        fuzz.run("evaluate", "run", "--data", "flowers.csv")
        assert sorted(str(path) for path in run.path.rglob("*")) == before

    (run.path.parent / "flowers.csv").write_text(FLOWERS)
    strategy = fuzz.spoiled(good) | fuzz.mutated([run.preprocessor_path.read_bytes()])
    fuzz.check(promise, strategy, cases, record_property)


@fuzz.cases(60, 3000)
def test_what_runs_are_listed_by(run, cases, record_property):
    names = ("config.yaml", "log.csv", "metrics.json")
    good = {name: timeless((run.path / name).read_text()).encode() for name in names}

    def promise(case):
        name, content = case
        for other in names:
            (run.path / other).write_bytes(good[other])
        (run.path / name).write_bytes(content)
        assert fuzz.run("runs", "list", ".", "--json")[0] == 0
        fuzz.run("runs", "list", ".")

    metrics = fuzz.spoiled(json.loads(good["metrics.json"]))
    strategy = st.one_of(
        *(st.tuples(st.just(name), fuzz.mutated([good[name]])) for name in names),
        st.tuples(st.just("metrics.json"), metrics.map(lambda value: json.dumps(value).encode())),
    )
    fuzz.check(promise, strategy, cases, record_property)


@fuzz.cases(6, 300)
def test_reports(run, cases, record_property):
    good = json.loads(run.metrics_path.read_text())

    def promise(metrics):
        run.metrics_path.write_text(json.dumps(metrics))
        fuzz.run("report", "run")

    fuzz.check(promise, fuzz.spoiled(good), cases, record_property)


@fuzz.cases(30, 1000)
def test_keras_files(trained, tmp_path, monkeypatch, cases, record_property):
    from zoo.exporters import keras_file

    monkeypatch.chdir(tmp_path)
    keras_file.write(predictors.load(trained("classes")), tmp_path / "good.keras")
    with zipfile.ZipFile(tmp_path / "good.keras") as file:
        members = {name: file.read(name) for name in file.namelist()}
    members["metadata.json"] = b"{}"
    config = json.loads(members["config.json"])

    def promise(content):
        (tmp_path / "m.keras").write_bytes(content)
        fuzz.run("predict", "m.keras", "flowers.csv")

    def zipped(changed):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as file:
            for name, value in {**members, "config.json": json.dumps(changed).encode()}.items():
                file.writestr(zipfile.ZipInfo(name), value)  # of 1980, in every run
        return content.getvalue()

    (tmp_path / "flowers.csv").write_text(FLOWERS)
    strategy = fuzz.mutated([zipped(config)]) | fuzz.spoiled(config).map(zipped)
    fuzz.check(promise, strategy, cases, record_property)
