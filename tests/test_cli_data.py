"""`zoo data list` and `zoo data show`, and the audit they print."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from zoo import cli, datasets
from zoo.datasets.audit import audit


@pytest.fixture
def zoo(capsys):
    def zoo(*arguments):
        with pytest.raises(SystemExit) as caught:
            cli.main(list(map(str, arguments)))
        out, err = capsys.readouterr()
        return caught.value.code, out, err

    return zoo


@pytest.fixture
def messy(tmp_path):
    random = np.random.RandomState(0)
    x = np.round(random.randn(60), 3)
    frame = pd.DataFrame({"x": x, "again": x, "color": random.choice(["red", "blue"], 60)})
    frame["empty"], frame["same"] = np.nan, 1
    frame["label"] = random.choice(["yes", "no"], 60)
    frame.loc[5, "x"] = np.nan
    frame.loc[5, "again"] = np.nan
    train, test = frame[:50], pd.concat([frame[50:], frame[:3]])
    train.to_csv(tmp_path / "train.csv", index=False)
    test.to_csv(tmp_path / "test.csv", index=False)
    return tmp_path


def test_list(zoo):
    code, out, _ = zoo("data", "list")
    assert code == 0
    assert out.splitlines()[0].split() == ["data", "set", "kind", "examples", "tasks", "summary"]
    assert "digits" in out
    _, out, _ = zoo("data", "list", "--json")
    assert [row["name"] for row in json.loads(out)] == datasets.names()


def test_list_needs_nothing_heavy():
    code = (
        "import sys; from zoo.cli import main\n"
        "try: main(['data', 'list'])\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'numpy', 'pandas', 'keras', 'tensorflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_show_finds_what_is_wrong(zoo, messy):
    code, out, _ = zoo("data", "show", messy)
    assert code == 0
    assert "3 test rows repeat the inputs of a train row: leakage" in out
    assert "columns that say the same: x, again" in out
    assert "column 'same' is ignored: it is always 1" in out
    assert "fingerprint" in out


def test_rows_of_a_table_without_a_target_are_whole(zoo, tmp_path):
    rows = "".join(f"{'abc'[i % 3]},what was said {i} times over {i}\n" for i in range(60))
    (tmp_path / "said.csv").write_text("kind,text\n" + rows)
    code, out, err = zoo("data", "show", tmp_path / "said.csv")
    assert code == 0, err
    assert "no target chosen" in out
    assert "leakage" not in out


def test_audit_in_numbers(zoo, messy):
    _, out, _ = zoo("data", "show", messy, "--json")
    report = json.loads(out)
    columns = {column["name"]: column for column in report["columns"]}
    assert report["splits"] == {"train": 45, "validation": 5, "test": 13}
    assert columns["x"]["missing"] == 1
    assert columns["x"]["kind"] == "number"
    assert columns["color"]["distinct"] == 2
    assert columns["label"]["role"] == "target"
    assert columns["empty"]["role"] == "ignored"
    assert report["constant_columns"] == ["empty", "same"]
    assert report["duplicate_columns"] == [["x", "again"]]
    assert report["duplicate_rows"] == 3
    assert sum(report["shared_rows"].values()) == 3
    assert sum(report["balance"]["train"].values()) == 45
    assert report["fingerprint"] == datasets.load(messy).fingerprint


@pytest.mark.parametrize("name", ["digits", "iris", "diabetes", "python-docs", "spirals"])
def test_show_every_kind(zoo, name):
    code, out, _ = zoo("data", "show", name)
    assert code == 0
    assert out.splitlines()[0] == name
    assert "no rows are shared between splits" in out


def test_audit_of_pictures_text_and_several_targets(tmp_path):
    (array,) = audit(datasets.load("digits"))["arrays"]
    assert array["shape"] == [8, 8, 1]
    assert (array["minimum"], array["maximum"]) == (0, 255)
    text = audit(datasets.load("python-docs"))["text"]
    assert text["characters"] == sum(text["split_characters"].values())
    random = np.random.RandomState(0)
    np.savez(tmp_path / "m.npz", x=random.randn(30, 2), y=random.randint(0, 2, (30, 3)))
    report = audit(datasets.load(tmp_path / "m.npz"))
    assert report["task"] == "multi-label"
    assert set(report["balance"]["test"]) == {"y0", "y1", "y2"}


def test_both_kinds_of_pictures_are_shown(zoo, tmp_path):
    random = np.random.default_rng(0)
    for name, count, shape in (("trainA", 7, (8, 8, 3)), ("trainB", 5, (10, 9, 3))):
        (tmp_path / "two" / name).mkdir(parents=True)
        for i in range(count):
            picture = Image.fromarray(random.integers(0, 255, shape, dtype="uint8"))
            picture.save(tmp_path / "two" / name / f"{i}.png")
    code, out, _ = zoo("data", "show", tmp_path / "two", "--image-size", 8)
    assert code == 0
    assert "task         unpaired-image-to-image\n" in out
    assert "Pictures of A\n  files        7, 0 of them gray\n  sizes        all 8 x 8" in out
    assert "Pictures of B\n  files        5, 0 of them gray\n  sizes        all 10 x 9" in out
    code, out, _ = zoo("data", "show", "digits:3", "--data-b", "digits:8")
    assert code == 0
    assert "\nArray 3\n" in out
    assert "\nArray 8\n" in out
    assert "repeats another" not in out  # but the fewer of the two are repeated


def test_pairs_that_are_made_are_shown_as_such(zoo):
    code, out, _ = zoo("data", "show", "digits", "--pairs", "edges")
    assert code == 0
    assert "task         image-to-image\n" in out


def test_show_takes_the_data_options(zoo, messy):
    options = ["--target", "color", "--drop", "again", "--test-fraction", "0.3"]
    code, out, _ = zoo("data", "show", messy / "train.csv", *options, "--json")
    report = json.loads(out)
    assert code == 0
    assert report["targets"] == ["color"]
    assert report["splits"]["test"] == 15


def test_show_looks_before_a_target_is_chosen(zoo, messy):
    table = messy / "table.csv"
    pd.read_csv(messy / "train.csv").rename(columns={"label": "answer"}).to_csv(table, index=False)
    code, out, _ = zoo("data", "show", table)
    assert code == 0
    assert "no target chosen: name one with --target" in out
    assert "answer" in out
    report = json.loads(zoo("data", "show", table, "--json")[1])
    assert (report["task"], report["targets"]) == (None, [])
    code, _, err = zoo("data", "show", table, "--task", "classification")
    assert code == 2
    assert "expected a target" in err


def test_show_counts_infinite_values(zoo, tmp_path):
    frame = pd.DataFrame({"x": np.arange(40.0), "row": np.arange(40.0), "y": [0, 1] * 20})
    frame.loc[3:5, "row"] = np.inf
    frame.to_csv(tmp_path / "t.csv", index=False)
    code, out, _ = zoo("data", "show", tmp_path / "t.csv")
    assert code == 0
    assert "3 of 40 rows are left out: t.csv line 5 has an infinite value in column 'row'" in out
    code, _, err = zoo("data", "show", tmp_path / "t.csv", "--on-bad-example", "fail")
    assert code == 2
    assert "column 'row' has 3 infinite values" in err
    code, out, _ = zoo("data", "show", tmp_path / "t.csv", "--drop", "row")
    assert code == 0
    assert "0 to 39, mean 20.76, 3 infinite" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digitz"], "Did you mean 'digits'"),
        (["nowhere.csv"], "does not exist"),
        (["iris", "--task", "regresion"], "Did you mean 'regression'"),
        (["iris", "--kind", "image"], "cannot be read as 'image'"),
        (["iris", "--target", "specie"], "Did you mean 'species'"),
        (["iris", "--test-fraction", "2"], "--test-fraction received 2"),
        (["iris", "--split-seed", "x"], "--split-seed received 'x'. Expected a whole number"),
    ],
)
def test_mistakes_are_one_line(zoo, arguments, message):
    code, out, err = zoo("data", "show", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_plugins_add_data_sets(zoo, tmp_path, monkeypatch):
    from zoo.datasets import catalog

    catalog.names()
    monkeypatch.setattr(catalog, "_rows", dict(catalog._rows))
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "import zoo.datasets as d\n"
        "d.register(d.Row('mine', 'text', ('language-modelling',), 'my own',"
        " lambda: d.Raw('text', documents=list('abcdefgh'))))\n"
    )
    _, out, _ = zoo("data", "list", "--plugin", plugin)
    assert "my own" in out
    code, out, _ = zoo("data", "show", "mine", "--plugin", plugin)
    assert code == 0
    assert "8, 1 to 1 characters each" in out


def test_show_draws_augmented_examples(zoo, tmp_path):
    path = tmp_path / "grid.png"
    code, out, err = zoo("data", "show", "digits", "--augment", "flip,mixup", "--out", path)
    assert code == 0, err
    assert out.splitlines() == [str(path)]
    first = path.read_bytes()
    assert first.startswith(b"\x89PNG")
    zoo("data", "show", "digits", "--augment", "flip,mixup", "--out", path)
    assert path.read_bytes() == first
    zoo("data", "show", "digits", "--augment", "erase:1", "--out", path)
    assert path.read_bytes() != first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("iris", "--augment", "noise"), "data of kind 'table'. Expected pictures"),
        (("digits", "--augment", ""), "Expected changes such as flip,shift:0.1."),
        (("digits", "--augment", "flp"), "'flp'"),
        (("digits", "--out", "a.png"), "'a.png' without --augment. Expected both."),
        (("digits", "--augment", "flip", "--out", "a.jpg"), "Expected a file ending in .png."),
        (("digits", "--task", "reconstruction", "--augment", "mixup"), "for reconstruction."),
    ],
)
def test_what_cannot_be_drawn_is_refused(zoo, arguments, message):
    code, _, err = zoo("data", "show", *arguments)
    assert code == 2
    assert message in err
