"""Hostile runs, checkpoints and weights: nothing is executed, what they promise is not believed."""

import hashlib
import json
import os
import shutil

import pytest
from hostile import (
    MEGABYTE,
    PICKLE,
    YAML_CALL,
    Watched,
    alias_bomb,
    archive,
    nested,
    safetensors,
    sparse,
    tar,
)

HUGE = {"0/w": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4 * 10**12]}}
LARGE_JSON = 1024 * MEGABYTE  # what 32 MiB of JSON may take as objects


@pytest.fixture
def zoo(server, tmp_path):
    return Watched(server, tmp_path)


@pytest.fixture
def run(zoo, trained):
    """Return a copy of a good run, to be spoiled."""
    return shutil.copytree(trained("classes"), zoo.folder / "run")


def changed(path, change):
    """Change what a JSON file says."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


WEIGHTS = {
    "pickle": (lambda p: p.write_bytes(PICKLE), "Cannot read the weights"),
    "zip of a pickle": (lambda p: archive(p, [("a/data.pkl", PICKLE)]), "Cannot read the weights"),
    "header without end": (lambda p: p.write_bytes(safetensors({}, length=2**63)), "Cannot read"),
    "header longer than the file": (
        lambda p: p.write_bytes(safetensors({}, length=99 * MEGABYTE)), "Cannot read",
    ),
    "nested header": (
        lambda p: p.write_bytes(safetensors(b'{"a": %b}' % nested().encode())), "Cannot read",
    ),
    "array that is not there": (lambda p: p.write_bytes(safetensors(HUGE)), "Cannot read"),
    "array of another size": (
        lambda p: p.write_bytes(
            safetensors({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}, b"1234")
        ),
        "Cannot read",
    ),
    "array that overflows": (
        lambda p: p.write_bytes(
            safetensors({"a": {"dtype": "F64", "shape": [2**62, 8], "data_offsets": [0, 0]}})
        ),
        "Cannot read",
    ),
    "array of another model": (
        lambda p: sparse(
            p,
            safetensors({"a": {"dtype": "U8", "shape": [1 << 31], "data_offsets": [0, 1 << 31]}}),
            (1 << 31) + 8 + len(json.dumps({"a": {"dtype": "U8", "shape": [1 << 31],
                                                  "data_offsets": [0, 1 << 31]}})),
        ),
        "holds 1 arrays",
    ),
    "pipe": (lambda p: (p.unlink(), os.mkfifo(p)), "not a regular file"),
}  # fmt: skip


@pytest.mark.parametrize("case", WEIGHTS)
def test_weights(zoo, run, case):
    spoil, said = WEIGHTS[case]
    spoil(run / "model.safetensors")
    assert said in zoo.refused("evaluate", "run")


def bomb_of_layers(state):
    state["card"]["builder"]["units"] = [8] * 20_000


STATES = {
    "nested": (nested(), "nested"),
    "nested within reach of the parser": (f'{{"spec": {nested(400)}}}', "nested"),
    "a number of a million digits": ("9" * 10**6, "digits"),
    "not an object": ("[1, 2]", "holds a list"),
    "half of it": ({"spec": {}, "task": {}}, "'preprocessor' is missing"),
    "layers without end": (bomb_of_layers, "the model it describes is larger"),
    "one layer without end": (
        lambda state: state["card"]["builder"].update(units=[10**6, 10**6]),
        "the model it describes is larger",
    ),
    "a layer that overflows": (
        lambda state: state["card"]["builder"].update(units=[10**30]), "fit together",
    ),
    "another layer": (
        lambda state: state["card"]["builder"].update(units=[9]), "as this model has",
    ),
    "classes without end": (
        lambda state: state["card"]["builder"].update(classes=10**15), "a model of 1000000",
    ),
    "input without end": (
        lambda state: state["card"]["builder"].update(input_shape=[10**6, 10**6]),
        "a model of [1000000, 1000000]",
    ),
    "another input": (
        lambda state: state["card"]["builder"].update(input_shape=[5]), "a model of [5]",
    ),
    "builder that is none": (
        lambda state: state["card"].update(builder={"__class__": "os.system"}), "no argument",
    ),
    "model that is none": (lambda s: s["card"].update(model="os:system"), "Unknown model"),
    "preprocessor of another kind": (
        lambda state: state.update(preprocessor={"kind": "os", "command": "touch canary"}),
        "damaged",
    ),
    "pictures without end": (
        lambda state: state.update(
            preprocessor={"kind": "image", "name": "x", "shape": [10**5, 10**5, 3]}
        ),
        "an example would have",
    ),
    "sequences without end": (
        lambda state: state.update(
            preprocessor={
                "kind": "text", "name": "x", "vocabulary": ["a"], "sequence_length": 10**9,
            }
        ),
        "a sequence would have",
    ),
    "columns that do not fit": (
        lambda state: state["preprocessor"].update(mean=[0.0] * 9, scale=[1.0] * 9),
        "has input_shape [9], and a model of [4]",
    ),
    "no classes": (lambda state: state["spec"].update(classes=[]), ""),
}  # fmt: skip


@pytest.mark.parametrize("case", STATES)
def test_what_a_run_is_made_from(zoo, run, case):
    content, said = STATES[case]
    path = run / "preprocessor.json"
    if callable(content):
        changed(path, content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    message = zoo.refused("evaluate", "run")
    assert said in message, message


@pytest.mark.slow
def test_json_of_thirty_megabytes_and_of_more(zoo, run):
    path = run / "preprocessor.json"
    path.write_text("[" + "{}," * (11 * MEGABYTE) + "{}]")  # 33 MiB
    assert "holds more than" in zoo.refused("evaluate", "run")
    path.write_text("[" + "{}," * (10 * MEGABYTE) + "{}]")
    assert "holds a list" in zoo.refused("evaluate", "run", allowed=LARGE_JSON)
    (run / "metrics.json").write_text(path.read_text())
    assert "metrics.json" in zoo.refused("report", "run", allowed=LARGE_JSON)


CONFIGS = {
    "call": (f"model: {YAML_CALL}", "could not determine a constructor"),
    "aliases": (alias_bomb(), "alias"),
    "nested": (nested(), "nested"),
    "a day that is none": ("model: 2020-99-99", "month"),
    "a number of a million digits": ("model: " + "9" * 10**6, "digits"),
    "two megabytes": ("- a\n" * (MEGABYTE // 2), "more than"),
    "a list": ("- mlp", "mapping"),
    "half of it": ("model: mlp", "'version' is missing"),
}


@pytest.mark.parametrize("case", CONFIGS)
@pytest.mark.parametrize("command", ["evaluate", "resume"])
def test_configuration_of_a_run(zoo, run, case, command):
    content, said = CONFIGS[case]
    (run / "config.yaml").write_text(content)
    words = {"evaluate": ("evaluate", "run"), "resume": ("train", "--resume", "run")}[command]
    assert said in zoo.refused(*words)


@pytest.mark.parametrize("case", sorted(set(CONFIGS) - {"half of it"}))
def test_runs_are_listed_without_it(zoo, run, trained, case):
    shutil.copytree(trained("classes"), run.parent / "runs" / "good")
    shutil.copytree(run, run.parent / "runs" / "bad")
    (run.parent / "runs" / "bad" / "config.yaml").write_text(CONFIGS[case][0])
    code, out, err = zoo("runs", "list")
    assert (code, out.count("mlp"), err.count("\n")) == (0, 1, 1)
    assert err.startswith("Skipped: ")
    assert "config.yaml" in zoo.refused("runs", "compare", "runs/good", "runs/bad")
    assert "config.yaml" in zoo.refused("report", "runs/bad")


@pytest.mark.parametrize("case", sorted(set(CONFIGS) - {"half of it"}))
def test_configuration_files(zoo, case):
    (zoo.folder / "c.yaml").write_text(CONFIGS[case][0])
    assert "c.yaml" in zoo.refused("train", "--config", "c.yaml")


def test_configuration_files_from_elsewhere(zoo):
    (zoo.folder / "c.pkl").write_bytes(PICKLE)
    assert "c.pkl" in zoo.refused("train", "--config", "c.pkl")
    assert "Download" in zoo.refused("train", "--config", "https://example.org/c.yaml")
    os.mkfifo(zoo.folder / "pipe.yaml")
    assert "not a regular file" in zoo.refused("train", "--config", "pipe.yaml")
    (zoo.folder / "c.yaml").write_text("model: mlp\ndata: s3://bucket/t.csv\n")
    assert "Download" in zoo.refused("train", "--config", "c.yaml")


def test_the_tag_would_be_obeyed(tmp_path, monkeypatch):
    import yaml

    monkeypatch.chdir(tmp_path)
    yaml.unsafe_load(YAML_CALL).close()
    assert (tmp_path / "canary").exists()


def test_a_plugin_that_a_run_brings_along(zoo, run):
    (run / "mine.py").write_text("open('canary', 'w')")
    text = (run / "config.yaml").read_text()
    for name in ("run/mine.py", "./run/../run/mine.py", str(run / "mine.py")):
        (run / "config.yaml").write_text(text.replace("plugin: []", f"plugin: [{name}]"))
        for command in (("evaluate", "run"), ("export", "run"), ("train", "--resume", "run")):
            assert "code to be run unseen" in zoo.refused(*command)
        assert "code" in zoo.refused("predict", "run", "x.csv")


def test_links_out_of_a_run(zoo, run):
    elsewhere = zoo.outside / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine.safetensors").write_text("mine")
    shutil.rmtree(run / "checkpoints")
    (run / "checkpoints").symlink_to(elsewhere)
    assert "is a link" in zoo.refused("train", "--resume", "run")
    (run / "checkpoints").unlink()
    (run / ".lock").unlink(missing_ok=True)
    (run / ".lock").symlink_to(zoo.outside / "outside.txt")
    assert "is a link" in zoo.refused("train", "--resume", "run")
    assert (zoo.outside / "outside.txt").read_text() == "mine"


LOGS = {
    "log.csv": ('epoch,loss\n1,"' + "9" * 200_000, "damaged"),
    "metrics.json": (nested(), "nested"),
    "metrics.json of anything": ('{"tables": {"confusion": {"matrix": 3}}}', "to draw"),
}


@pytest.mark.parametrize("case", LOGS)
def test_reports(zoo, run, case):
    content, said = LOGS[case]
    (run / case.partition(" ")[0]).write_text(content)
    assert said in zoo.refused("report", "run")


def signed(run, state, tensors=b"", file=None):
    """Write a checkpoint whose checksum is right."""
    digest = hashlib.sha256(tensors + json.dumps(state).encode()).hexdigest()
    for old in (run / "checkpoints").iterdir():
        old.unlink()
    (run / "checkpoints" / "step-000000009-x.safetensors").write_bytes(tensors)
    content = {"sha256": digest, "file": file or "step-000000009-x.safetensors", "state": state}
    (run / "checkpoints" / "step-000000009.json").write_text(json.dumps(content))


def spoiled(**changes):
    position = {"epoch": 1, "batch": 0, "step": 4, "seconds": 1.0, "stopped": False}
    state = {"position": position, "log": [], "callbacks": [], "record": {"options": {}}}
    return {**state, "stopping": None, **changes}


STATES_OF_TRAINING = {
    "pickle": (spoiled(), PICKLE, "only damaged ones"),
    "header without end": (spoiled(), safetensors({}, length=2**62), "only damaged ones"),
    "array that is not there": (spoiled(), safetensors(HUGE), "only damaged ones"),
    "no state": ({}, safetensors({}), "'position' is missing"),
    "a negative position": (
        spoiled(position={**spoiled()["position"], "step": -1}), safetensors({}), "no run can be",
    ),
    "a position of more": (
        spoiled(position={**spoiled()["position"], "x": 1}), safetensors({}), "unexpected",
    ),
    "a log of numbers": (spoiled(log=[1, 2]), safetensors({}), "holds a int"),
    "early stopping of nothing": (spoiled(stopping={}), safetensors({}), "'waited'"),
    "another record": (spoiled(), safetensors({}), "trained otherwise"),
}  # fmt: skip


@pytest.mark.parametrize("case", STATES_OF_TRAINING)
def test_checkpoints(zoo, run, case):
    state, tensors, said = STATES_OF_TRAINING[case]
    signed(run, state, tensors)
    assert said in zoo.refused("train", "--resume", "run", after=("Device: ", "Data: "))


def test_arrays_of_another_model_in_a_checkpoint(zoo, run):
    (path,) = sorted((run / "checkpoints").glob("step-*.json"))[-1:]
    signed(run, json.loads(path.read_text())["state"], safetensors({}))
    assert "holds 0 arrays" in zoo.refused("train", "--resume", "run", after=("Device: ",))


def test_checkpoints_that_lead_elsewhere_or_deep(zoo, run):
    after = ("Device: ",)
    signed(run, spoiled(), b"", file="../../../outside.txt")
    assert "only damaged" in zoo.refused("train", "--resume", "run", after=after)
    for content in (nested(), f'{{"state": {nested(300)}}}', "9" * 10**6, "[]", '{"file": 3}'):
        (run / "checkpoints" / "step-000000009.json").write_text(content)
        assert "only damaged" in zoo.refused("train", "--resume", "run", after=after)
    (run / "checkpoints" / "step-000000009.json").write_text("[" + "{}," * (11 * MEGABYTE) + "{}]")
    assert "only damaged" in zoo.refused("train", "--resume", "run", after=after)


def test_files_that_are_neither_run_nor_artifact(zoo):
    for name in ("m.pkl", "m.joblib", "m.pt", "m.pth", "m.bin", "m.h5"):
        (zoo.folder / name).write_bytes(PICKLE)
        assert "run code" in zoo.refused("evaluate", name)
        assert "run code" in zoo.refused("train", "--resume", name)
    tar(zoo.folder / "m.tar")
    assert "unpacks none" in zoo.refused("predict", "m.tar", "x.csv")
    for address in ("hf://a/b", "https://a/b.keras", "gs://a/b", "s3://a/b"):
        assert "Download" in zoo.refused("evaluate", address)
        assert "Download" in zoo.refused("train", "--resume", address)
        assert "Download" in zoo.refused("report", address)
