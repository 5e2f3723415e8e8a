"""Pictures, the page of a run, and the commands `zoo runs` and `zoo report`."""

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from curves import CALIBRATION, EVIL, confusion, log
from PIL import Image

from zoo import reports
from zoo.cli.report import command as report_command
from zoo.cli.runs import command as runs_command
from zoo.errors import InputError
from zoo.reports.summary import differences, summarize
from zoo.runs import Run

CONFIG = {
    "version": "0.1.0",
    "model": "mlp",
    "task": "classification",
    "command": ["zoo", "train", "mlp", "--data", EVIL],
    "options": {"learning_rate": 0.001, "augment": None, "units": [64, 64]},
    "data": {"name": EVIL, "sizes": {"train": 1257}, "notes": ["3 rows <b>dropped</b>"]},
    "environment": {"keras": "3.15.1", "platform": "Linux"},
    "fingerprint": "9f86d081",
}
METRICS = {
    "task": "classification",
    "split": "test",
    "examples": 12345,
    "scores": {"log_loss": 0.1, "accuracy": 0.975, "roc_auc": None},
    "tables": {
        "per_class": [{"class": EVIL, "precision": 0.5, "support": 36}],
        "confusion": confusion(3),
        "calibration": CALIBRATION,
        "roc": [],
    },
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return finished("runs/a")


def finished(path, **changes):
    run = Run.create(path, "mlp", "digits")
    run.write_config(CONFIG | changes)
    run.rewrite_log(log())
    run.write_metrics(METRICS)
    return run


def test_draw_run_draws_what_there_is(run):
    names = [path.name for path in reports.draw_run(run)]
    assert names == ["curves.png", "confusion.png", "calibration.png"]


class Reader(HTMLParser):
    """Collects tags, attributes and text as a browser would see them."""

    def __init__(self):
        super().__init__()
        self.tags, self.links, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [v for k, v in attrs if k in ("src", "href", "action", "data", "srcset")]

    def handle_data(self, data):
        self.text += data


def test_the_page_tells_all_and_asks_for_nothing(run):
    path = reports.write(run)
    assert path == run.report_path
    reader = Reader()
    page = path.read_text()
    reader.feed(page)
    assert not {"script", "link", "iframe", "object"} & set(reader.tags)
    assert reader.tags.count("b") == 1  # the score; a note's <b> is text
    assert len(reader.links) == reader.tags.count("img") == 3
    assert all(link.startswith("data:image/png;base64,") for link in reader.links)
    assert not re.search(r"https?://|url\(|@import", page)
    for words in (
        f"mlp on {EVIL}", "accuracy 0.9750 on the test split (12,345 examples)",
        "zoo train --config runs/a/config.yaml", "zoo train mlp --data '<script>",
        "3 rows <b>dropped</b>", "9f86d081", "learning_rate", "0.001", "64, 64",
        "precision", "roc auc", "Looks like a good fit", "3.15.1",
    ):  # fmt: skip
        assert words in reader.text, words
    assert "options." not in reader.text
    assert "Left open" not in reader.text


def test_the_page_judges_the_epoch_that_early_stopping_kept(run):
    run.rewrite_log(log(40, rise=0.03))
    assert "validation loss rose" in reports.write(run).read_text()
    run.write_config(CONFIG | {"options": {"early_stopping": 5}})
    assert "which was kept" in reports.write(run).read_text()


def test_the_page_tells_what_was_asked_for_from_what_it_became(run):
    options = {"device": "auto", "task": "classification"}
    run.write_config(CONFIG | {"options": options, "device": "cpu"})
    page = reports.write(run).read_text()
    assert '<th scope="row">device (asked for)</th><td>auto</td>' in page
    assert '<th scope="row">device</th><td>cpu</td>' in page
    assert page.count('<th scope="row">task') == 1


def test_the_page_of_an_unfinished_run(run):
    bare = Run.create("runs/b c", "mlp", "digits")
    bare.write_config({"model": "mlp"})
    reader = Reader()
    reader.feed(reports.write(bare).read_text())
    assert "Not evaluated yet. Try: zoo evaluate 'runs/b c'" in reader.text
    assert "img" not in reader.tags


def test_the_page_shows_other_tables_and_pictures(run):
    written = [{"source": "guten Tag", "expected": "good day", "written": "good week"}]
    tables = {"per_target": [{"target": "y"}] * 40, "samples": written}
    run.write_metrics({"scores": {"loss": 1.0}, "tables": tables})
    run.plots.mkdir()
    reports.save(reports.draw("curves", log()), run.plots / "my_picture.png")
    reader = Reader()
    reader.feed(reports.write(run).read_text())
    assert "Per target" in reader.text
    assert "40 rows" in reader.text
    assert "good week" in reader.text
    assert "my picture" in reader.text


def test_summaries(run):
    line = summarize(run)
    assert line["run"] == str(run)
    assert (line["score"], line["value"], line["split"]) == ("accuracy", 0.975, "test")
    assert line["validation"] == "val_accuracy"
    assert (line["epochs"], line["seconds"], line["data"]) == (12, 6.0, EVIL)
    bare = Run.create("runs/b", "mlp", "digits")
    bare.write_config({"data": "iris"})
    line = summarize(bare)
    assert (line["epochs"], line["data"]) == (0, "iris")
    assert line["model"] is line["score"] is line["validation"] is line["seconds"] is None


def test_differences_leave_out_what_is_the_same_or_says_nothing(run):
    other = finished(
        "runs/b", options={"learning_rate": 0.1, "augment": [], "units": [64, 64]}, command="zoo"
    )
    assert differences([run, other]) == {"options.learning_rate": [0.001, 0.1]}


def invoke(command, *arguments):
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_runs_list(run):
    Run.create("runs/b", "mlp", "digits").write_config({"model": "linear"})
    Run.create("runs/broken", "mlp", "digits").config_path.write_text("a: [")
    Path("runs/junk").mkdir()
    result = invoke(runs_command, "list")
    header, first, second = result.stdout.splitlines()
    assert header.split()[:3] == ["run", "model", "data"]
    assert "accuracy 0.9750 (test)" in first
    assert second.split()[:4] == ["b", "linear", "-", "-"]
    assert "Skipped: 'runs/broken/config.yaml'" in result.stderr
    lines = json.loads(invoke(runs_command, "list", "runs", "--json").stdout)
    assert [line["value"] for line in lines] == [0.975, None]


def test_metrics_of_the_wrong_shape_are_damage(run):
    finished("runs/b").metrics_path.write_text('{"scores": 3}')
    message = re.escape("'runs/b/metrics.json' is damaged. Expected 'scores'")
    for command, *arguments in (
        (report_command, "runs/b"),
        (runs_command, "compare", "runs/a", "runs/b"),
    ):
        with pytest.raises(InputError, match=message):
            invoke(command, *arguments)
    result = invoke(runs_command, "list")
    assert len(result.stdout.splitlines()) == 2
    assert re.search(f"Skipped: {message}", result.stderr)


def test_runs_list_of_an_empty_folder(run):
    Path("none").mkdir()
    result = invoke(runs_command, "list", "none")
    assert (result.stdout, result.exit_code) == ("", 0)
    assert "zoo train" in result.stderr
    with pytest.raises(InputError, match="Cannot list 'nowhere'"):
        invoke(runs_command, "list", "nowhere")


def test_runs_compare(run):
    finished("runs/b", fingerprint="0" * 64, options={"learning_rate": 0.1})
    result = invoke(runs_command, "compare", "runs/a", "runs/b")
    *table, path = result.stdout.splitlines()
    assert path == os.path.join("runs", "compare.png")
    with Image.open(path) as image:
        image.verify()
    assert table[0].split() == ["a", "b"]
    lines = {line.split()[0]: line.split()[1:] for line in table[1:]}
    assert lines["options.learning_rate"] == ["0.001", "0.1"]
    assert lines["fingerprint"] == ["9f86d081", "0" * 31 + "…"]
    assert lines["accuracy"] == ["0.9750", "0.9750"]
    assert "model" not in lines
    result = invoke(runs_command, "compare", "runs/a", "runs/b", "--out", "x/y.png", "--json")
    answer = json.loads(result.stdout)
    assert answer["picture"] == os.path.join("x", "y.png")
    assert Path("x/y.png").is_file()
    assert answer["scores"]["roc_auc"] == [None, None]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runs/a"], "Received 1 run to compare"),
        (["runs/a", "runs/../runs/a"], "Received 1 run to compare"),
        (["runs/a", "runs/c"], "'runs/c' is not a run: nothing is there"),
        (["runs/a", "runs/b", "--out", "x.jpg"], "Expected a file ending in .png"),
        (["runs/a", "runs/b", "--out", "file/x.png"], "Cannot write 'file/x.png'"),
    ],
)
def test_runs_compare_refuses(run, arguments, message):
    finished("runs/b")
    Path("file").write_text("")
    with pytest.raises(InputError, match=re.escape(message)):
        invoke(runs_command, "compare", *arguments)


def test_report_prints_the_page(run):
    result = invoke(report_command, "runs/a")
    assert result.stdout.strip() == str(run.report_path)
    assert run.report_path.is_file()
    answer = json.loads(invoke(report_command, "runs/a", "--json").stdout)
    assert len(answer["pictures"]) == 3
    with pytest.raises(InputError, match="is not a run"):
        invoke(report_command, "nowhere")
