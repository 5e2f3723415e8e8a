"""What random cases broke once, each as small as it can be."""

import json
import shutil

import fuzz
import numpy as np
import pytest

from zoo.errors import InputError
from zoo.runs import Run
from zoo.training import state


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(*arguments):
    code, _, err = fuzz.run(*arguments)
    assert code == 2, err
    return err


def test_arrays_of_no_numbers(folder):
    np.savez(folder / "t.npz", x=np.zeros((3, 0)))
    assert "array x is empty" in said("data", "show", "t.npz")


def test_strings_that_are_no_text(folder):
    np.savez(folder / "t.npz", x=np.zeros((9, 2)), y=np.array([b"\x80"] * 9))
    assert "not UTF-8 text" in said("data", "show", "t.npz")
    np.savez(folder / "t.npz", x=np.zeros((9, 2)), y=np.array(["\ud800"] * 9))
    assert "not UTF-8 text" in said("data", "show", "t.npz")
    np.savez(folder / "t.npz", x=np.zeros((9, 2)), y=np.array(["é".encode(), b"e"] * 9)[:9])
    assert fuzz.run("data", "show", "t.npz")[0] == 0


def test_rows_without_keys(folder):
    (folder / "t.jsonl").write_text("{}\n{}\n")
    assert "rows without keys" in said("data", "show", "t.jsonl")


def test_some_rows_without_keys(folder):
    rows = [{}, {}, *({"z": i, "label": "ab"[i % 2]} for i in range(20)), {"a": 1, "label": "a"}]
    (folder / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    code, out, err = fuzz.run("data", "show", "t.jsonl", "--json")
    assert code == 0, err
    assert [column["name"] for column in json.loads(out)["columns"]] == ["z", "label", "a"]


@pytest.mark.parametrize("target", [(), ("--target", "tags")])
def test_rows_of_lists_are_compared(folder, target):
    rows = [{"x": i // 2, "tags": ["a", "b"][: 1 + i // 2 % 2]} for i in range(40)]
    (folder / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    code, out, err = fuzz.run("data", "show", "t.jsonl", *target, "--json")
    assert code == 0, err
    assert json.loads(out)["duplicate_rows"] == 20


def test_half_characters(folder):
    (folder / "t.jsonl").write_text('{"x": "\\ud800", "label": "a"}\n' * 20)
    assert "surrogate" in said("data", "show", "t.jsonl")


def test_numbers_whose_squares_are_infinite(folder):
    rows = "".join(f"{(-1) ** i * (i + 1)}e300,{i}\n" for i in range(30))
    (folder / "t.csv").write_text("x,y\n" + rows)
    code, out, err = fuzz.run("data", "show", "t.csv", "--target", "x", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["balance"]["train"]["x"]["deviation"] is None


def test_a_model_that_is_a_list(folder):
    (folder / "c.yaml").write_text("model: []\ndata: iris\n")
    assert "'model' is a list" in said("train", "--config", "c.yaml")


def test_inputs_of_another_name(folder, trained):
    run = Run(shutil.copytree(trained("classes"), folder / "run"))
    content = json.loads(run.preprocessor_path.read_text())
    del content["spec"]["inputs"][0]
    run.preprocessor_path.write_text(json.dumps(content))
    assert "names other inputs than it prepares" in said("evaluate", "run")


def test_a_target_that_is_none(folder, trained):
    run = Run(shutil.copytree(trained("classes"), folder / "run"))
    good = json.loads(run.preprocessor_path.read_text())
    for changed in ({"targets": []}, {"task": "regression"}):
        content = {**good, "spec": {**good["spec"], **changed}}
        run.preprocessor_path.write_text(json.dumps(content))
        assert "has no target to learn" in said("evaluate", "run", "--data", "iris")


def test_two_classes_of_one_name(folder, trained):
    run = Run(shutil.copytree(trained("classes"), folder / "run"))
    good = json.loads(run.preprocessor_path.read_text())
    double = {
        "classes": "000",
        "targets": ["species"] * 2,
        "inputs": good["spec"]["inputs"][:1] * 4,
    }
    for name, value in double.items():
        content = {**good, "spec": {**good["spec"], name: value}}
        run.preprocessor_path.write_text(json.dumps(content))
        assert "of one name" in said("evaluate", "run", "--data", "iris")


def test_more_classes_than_the_model_has(folder, trained):
    run = Run(shutil.copytree(trained("classes"), folder / "run"))
    content = json.loads(run.preprocessor_path.read_text())
    content["spec"]["classes"].append("another")
    run.preprocessor_path.write_text(json.dumps(content))
    for command in ("evaluate", "export"):
        assert "has classes 4, and a model of 3" in said(command, "run")


def test_a_log_of_words(folder, trained):
    run = Run(shutil.copytree(trained("classes"), folder / "runs" / "a"))
    run.log_path.write_text("epoch,step,seconds,loss\n1,4,soon,0.5\n")
    assert "numbers in every line" in said("report", "runs/a")
    code, out, err = fuzz.run("runs", "list")
    assert (code, out) == (0, "")
    assert err.startswith("Skipped: ")


GOOD = {
    "position": {"epoch": 1, "batch": 0, "step": 4, "seconds": 1.5, "stopped": True},
    "log": [{"epoch": 1, "step": 4, "seconds": 1.5, "learning_rate": None}],
    "callbacks": [{}],
    "stopping": {"best": None, "best_epoch": None, "waited": 0},
    "record": {"options": {}},
}


@pytest.mark.parametrize(
    "changed",
    [
        {"callbacks": [None]},
        {"stopping": {"waited": 0}},
        {"log": [{"epoch": 1, "step": 4, "seconds": 1.5}]},
        {"position": {**GOOD["position"], "step": 10**30}},
        {"position": {**GOOD["position"], "batch": -1}},
        {"record": {}},
    ],
)
def test_states_of_training(changed):
    state.check(GOOD, "it")
    with pytest.raises(InputError, match="is not a checkpoint"):
        state.check({**GOOD, **changed}, "it")


def test_a_state_without_early_stopping():
    without = {name: value for name, value in GOOD.items() if name != "stopping"}
    with pytest.raises(InputError, match="'stopping' is missing"):
        state.check(without, "it")


def test_names_that_no_file_can_hold(folder, trained):
    run = Run(shutil.copytree(trained("classes"), folder / "run"))
    run.metrics_path.write_text('{"scores": {"\\ud800": 1}}')
    assert "metrics.json" in said("report", "run")
    (folder / "\udcff.csv").write_text("x,label\n" + "1,a\n2,b\n" * 9)
    assert "not UTF-8" in said("data", "show", "\udcff.csv")


def test_names_that_command_a_terminal(folder):
    (folder / "t.csv").write_text("\x1b[2Jx,label\n" + "1,a\n2,\x1b[31mb\n" * 9)
    code, out, err = fuzz.run("data", "show", "t.csv")
    assert (code, err) == (0, "")
    assert "[2Jx" in out
    assert "\x1b" not in out
    assert "\x1b" not in said("data", "show", "t.csv", "--target", "\x1b[2Jy")
