"""`--on-bad-example` from the command line to the log, the page and the export."""

import csv
import json

import pytest
import yaml
from badrows import TINY, spoil
from safetensors.numpy import load_file

from zoo import datasets, progress


@pytest.fixture
def spoilt(tmp_path, monkeypatch):
    """Write a table with three bad rows; work in its folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "PATIENCE", 1e9)
    rows = [b"%d,%d,%s\n" % (i % 11, i % 5, b"xy"[i % 2 :][:1]) for i in range(60)]
    content, without = spoil(rows, [(9, b"1,2\n"), (30, b"inf,1,x\n"), (60, b"1,2,\xe9")])
    (tmp_path / "t.csv").write_bytes(content)
    (tmp_path / "clean.csv").write_bytes(without)
    return tmp_path


def test_a_run_from_the_first_line_to_the_export(zoo, spoilt):
    (spoilt / "c.yaml").write_text("on_bad_example: skip\ndata: t.csv\n")
    code, _, err = zoo("train", "mlp", "--config", "c.yaml", *TINY, "--steps", "3", "--run", "run")
    assert code == 2, err  # --epochs and --steps
    code, _, err = zoo("train", "mlp", "--config", "c.yaml", *TINY, "--run", "run")
    assert code == 0, err
    note = "3 of 63 rows are left out: t.csv line 11 has 2 fields (expected 3 as in the header)"
    assert f"Data: {note}" in err
    assert "skipped" not in err
    with open("run/log.csv") as log:
        rows = list(csv.DictReader(log))
    assert [row["skipped"] for row in rows] == ["3", "3"]
    record = yaml.safe_load((spoilt / "run/config.yaml").read_text())
    assert record["options"]["on_bad_example"] == "skip"
    assert record["data"]["skipped"] == 3
    assert sum(record["data"]["sizes"].values()) == 60
    assert note in (spoilt / "run/report.html").read_text()
    assert zoo("evaluate", "run")[0] == 0
    code, _, err = zoo("train", "--resume", "run", "--epochs", "3")
    assert code == 0, err
    with open("run/log.csv") as log:
        assert [row["skipped"] for row in csv.DictReader(log)] == ["3", "3", "3"]


def test_without_the_option_nothing_is_trained_or_written(zoo, spoilt):
    before = sorted(spoilt.iterdir())
    for options in ((), ("--on-bad-example", "fail")):
        code, out, err = zoo("train", "mlp", "--data", "t.csv", *TINY, *options)
        assert (code, out) == (2, "")
        assert err == (
            "Error: 't.csv' line 11 has 2 fields; expected 3 as in the header; try quoting fields "
            "that contain the separator, or leave such rows out with --on-bad-example skip\n"
        )
    assert sorted(spoilt.iterdir()) == before
    code, _, err = zoo("train", "mlp", "--data", "t.csv", "--on-bad-example", "skp")
    assert code == 2
    assert "Did you mean 'skip'" in err


@pytest.mark.slow
def test_skipping_changes_nothing_where_all_is_good(spoilt):
    import zoo

    options = {"data": "clean.csv", "epochs": 2, "set": {"units": 4}}
    runs = [
        zoo.train("mlp", run="fail", **options),
        zoo.train("mlp", run="skip", on_bad_example="skip", **options),
        zoo.train("mlp", run="bad", on_bad_example="skip", **{**options, "data": "t.csv"}),
    ]
    assert len({run.config["data"]["fingerprint"] for run in runs}) == 1
    weights = [[w for _, w in sorted(load_file(run.model_weights).items())] for run in runs]
    for others in zip(*weights, strict=True):
        assert len({values.tobytes() for values in others}) == 1
    assert "skipped" not in runs[0].log[0]
    assert [run.log[0]["skipped"] for run in runs[1:]] == [0, 3]
    assert "skipped" not in runs[0].config["data"]


def test_answers_line_up_with_what_was_read(zoo, spoilt, trained):
    content = datasets.load("iris").test.frame.head(6).to_csv(index=False).splitlines()
    content[3:3] = ["1,2"]
    (spoilt / "new.csv").write_text("\n".join(content))
    for arguments in (("evaluate", trained("classes"), "--data"), ("predict", trained("classes"))):
        code, out, err = zoo(*arguments, "new.csv")
        assert (code, out) == (2, "")
        assert "'new.csv' line 4 has 2 fields; expected 5 as in the header" in err
        assert "--on-bad-example" not in err


def test_looking_counts_and_names_them(zoo, spoilt):
    code, out, _ = zoo("data", "show", "t.csv")
    assert code == 0
    assert "3 of 63 rows are left out: t.csv line 11 has 2 fields" in out
    report = json.loads(zoo("data", "show", "t.csv", "--json")[1])
    assert report["skipped"] == 3
    assert report["fingerprint"] == datasets.load("clean.csv").fingerprint
    code, _, err = zoo("data", "show", "t.csv", "--on-bad-example", "fail")
    assert code == 2
    assert "line 11 has 2 fields" in err
