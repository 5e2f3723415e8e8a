"""Pictures, the page of a run, and the commands `zoo runs` and `zoo report`."""

import ast
import io
import itertools
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zoo import reports
from zoo.cli.report import command as report_command
from zoo.cli.runs import command as runs_command
from zoo.errors import InputError
from zoo.reports.boundary import grid
from zoo.reports.curves import metric_names
from zoo.reports.diagnosis import best_epoch, diagnose
from zoo.reports.style import png
from zoo.reports.summary import MAIN_SCORES, differences, summarize
from zoo.runs import Run

EVIL = '<script>alert("$x^$")</script> & 猫'


def log(epochs=12, start=2.0, floor=0.1, rise=0.0, fall=3.0):
    rows = []
    for i in range(epochs):
        loss = (start - floor) * np.exp(-i / fall) + floor
        rows.append(
            {
                "epoch": i + 1, "step": 40 * (i + 1), "seconds": 0.5 * (i + 1),
                "learning_rate": 1e-3, "loss": loss, "accuracy": 1 - loss / 4,
                "val_loss": loss + rise * i, "val_accuracy": 0.95 - loss / 4,
            }
        )  # fmt: skip
    return rows


def confusion(classes):
    matrix = np.random.default_rng(0).integers(0, 20, (classes, classes))
    return {"classes": [f"c{i}" for i in range(classes - 1)] + [EVIL], "matrix": matrix.tolist()}


def residuals(targets=("price",)):
    actual = np.linspace(0, 9, 40)
    return {t: {"actual": actual.tolist(), "predicted": (actual + 1).tolist()} for t in targets}


CALIBRATION = [{"confidence": c, "accuracy": c - 0.1, "count": 9} for c in (0.5, 0.7, 0.9)]
ROC = [{"false_positive_rate": x, "true_positive_rate": x**0.3} for x in (0.0, 0.1, 0.5, 1.0)]
POINTS = np.random.default_rng(1).normal(size=(30, 2))


def boundary(classes):
    x, y, inputs = grid(POINTS, 40)
    logits = inputs @ np.random.default_rng(2).normal(size=(2, classes))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    codes = np.arange(len(POINTS)) % classes
    return (
        x,
        y,
        shares.reshape(40, 40, classes),
        POINTS,
        codes,
        [EVIL, *map(str, range(1, classes))],
    )


DRAWN = {
    "curves": ("curves", log()),
    "curves of one epoch": ("curves", log(1)),
    "curves of nothing": ("curves", []),
    "curves over decades": ("curves", [{"epoch": i, "loss": 10.0**-i} for i in range(9)]),
    "curves of a GAN": ("curves", [{"generator_loss": 1.0, "discriminator_loss": 2.0}]),
    "comparison": ("comparison", {"a": log(), EVIL: log(5), "unfinished": []}),
    "comparison of many": ("comparison", {str(i): log(3) for i in range(12)}),
    "confusion of 2": ("confusion", confusion(2)),
    "confusion of 20": ("confusion", confusion(20)),
    "confusion of 70": ("confusion", confusion(70)),
    "calibration": ("calibration", CALIBRATION),
    "roc": ("roc", ROC),
    "residuals": ("residuals", residuals()),
    "residuals of several": ("residuals", residuals(["height", EVIL])),
    "residuals of a constant": ("residuals", {"y": {"actual": [1, 1], "predicted": [1, None]}}),
    "anomaly scores": ("anomaly_scores", [0.1, 0.2, None, 5.0]),
    "anomaly scores of nothing": ("anomaly_scores", [None]),
    "gray samples": ("samples", np.random.default_rng(3).random((10, 8, 8))),
    "color samples": ("samples", np.full((3, 8, 12, 3), 200, np.uint8), ["a", 2, EVIL]),
    "boundary of 2": ("boundary", *boundary(2)),
    "boundary of 4": ("boundary", *boundary(4)),
    "activations": ("activations", POINTS[:, 0], {"relu": POINTS[:, 0], EVIL: POINTS[:, 1]}),
}


@pytest.mark.parametrize("case", DRAWN)
def test_every_picture_decodes_and_shows_something(case, tmp_path):
    name, *data = DRAWN[case]
    path = reports.save(reports.draw(name, *data), tmp_path / "plots" / "picture.png")
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
    assert min(pixels.shape) > 90
    assert len(np.unique(pixels)) > 5
    assert path.stat().st_size < 300_000
    assert os.listdir(path.parent) == ["picture.png"]


def test_every_picture_of_the_table_is_tried():
    assert {name for name, *_ in DRAWN.values()} == set(reports.PICTURES)


def test_an_unknown_picture_is_named():
    with pytest.raises(InputError, match="Did you mean 'confusion'"):
        reports.draw("confusoin", {})


def test_pictures_leave_the_callers_style_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    png(reports.draw("curves", log()))
    assert dict(matplotlib.rcParams) == before


def test_the_same_data_gives_the_same_bytes():
    first, second = (png(reports.draw("confusion", confusion(5))) for _ in range(2))
    assert first == second


def test_samples_are_drawn_as_they_are():
    pictures = np.zeros((1, 4, 4, 3), np.uint8)
    pictures[..., 0] = 255
    with Image.open(io.BytesIO(png(reports.draw("samples", pictures)))) as image:
        counts = image.convert("RGB").getcolors(1 << 24)
    assert (255, 0, 0) in [color for count, color in counts if count > 100]
    with pytest.raises(ValueError, match=r"Received: shape=\(4, 4, 7, 2\)"):
        reports.draw("samples", np.zeros((4, 4, 7, 2)))


def test_the_boundary_separates_the_colors():
    x = y = np.linspace(-1, 1, 50)
    left = np.repeat((x[None] < 0).astype(float), 50, axis=0)
    figure = reports.draw("boundary", x, y, 1 - left, POINTS[:0], np.zeros(0), ["a", "b"])
    with Image.open(io.BytesIO(png(figure))) as image:
        row = np.asarray(image.convert("RGB"))[image.height // 2].astype(int)
    blue = np.flatnonzero(row[:, 2] - row[:, 0] > 40)
    orange = np.flatnonzero(row[:, 0] - row[:, 2] > 40)
    assert len(blue) > 100
    assert len(orange) > 100
    assert blue.max() <= orange.min() + 10


def test_the_grid_runs_line_by_line():
    x, y, points = grid(np.array([[0.0, 10.0], [1.0, 30.0]]), 5)
    assert points.reshape(5, 5, 2)[3, 1].tolist() == [x[1], y[3]]
    assert x[0] < 0 < 1 < x[-1]
    assert y[0] < 10 < 30 < y[-1]
    _, y, _ = grid(np.zeros((3, 2)))
    assert y[0] < 0 < y[-1]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (log(40), "a good fit"),
        (log(40, rise=0.03), "overfitting: the validation loss rose from"),
        ([r | {"val_loss": r["loss"] + 0.9} for r in log(40)], "overfitting: at the end"),
        (log(4), "underfitting: both losses were still falling"),
        ([r | {"accuracy": 0.6} for r in log(20, 0.69, 0.62)], "underfitting: the training loss"),
        (log(2), "Too few epochs"),
        ([{"epoch": 1, "loss": 1.0}] * 5, "No validation loss"),
        ([], "No validation loss"),
        ([{"loss": float("nan"), "val_loss": float("nan")}] * 5, "Too few epochs"),
    ],
)
def test_diagnosis(rows, words):
    sentence = diagnose(rows)
    assert words in sentence
    assert sentence.count("\n") == 0


@pytest.mark.parametrize("accuracy", [{}, {"accuracy": 1.0}], ids=["regression", "classification"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_wide_gap_is_no_good_fit(accuracy, early_stopping):
    rows = [
        accuracy | {"loss": 2.3 * 0.8**i + 0.000766, "val_loss": 2.3 * 0.8**i + 0.0466}
        for i in range(60)
    ]
    sentence = diagnose(rows, early_stopping)
    assert "overfitting" in sentence
    assert "validation loss is 0.0466" in sentence
    assert ("try early stopping" in sentence) is not early_stopping
    assert ("at epoch 60, which was kept," in sentence) is early_stopping
    tiny = [row | {"val_loss": row["loss"] * 4} for row in log(60, floor=1e-6)]
    assert "a good fit" in diagnose([r | accuracy for r in tiny], early_stopping)


def test_with_early_stopping_the_epoch_kept_is_judged():
    rows = log(40, rise=0.03)
    best = best_epoch(rows)
    sentence = diagnose(rows, early_stopping=True)
    assert f"a good fit: at epoch {best + 1}, which was kept" in sentence
    assert f"validation loss {rows[best]['val_loss']:.3g}, its best" in sentence
    assert "more epochs" in diagnose(log(4), early_stopping=True)
    useless = [{"loss": 0.7 * 0.7**i, "val_loss": 0.68 + 0.01 * i} for i in range(20)]
    assert "only went from 0.68 to 0.68 while" in diagnose(useless, early_stopping=True)


@pytest.mark.parametrize(("low", "high"), [(1e5, 5e5), (1234567, 1234568), (-9e4, 3), (0, 1e-7)])
def test_numbers_beside_the_residuals_do_not_overlap(low, high):
    actual = np.linspace(low, high, 50)
    predicted = actual + np.sin(np.arange(50)) * (high - low) / 5
    table = {"price": {"actual": actual.tolist(), "predicted": predicted.tolist()}}
    figure = reports.draw("residuals", table)
    png(figure)
    for axes in figure.axes:
        start, end = axes.get_xlim()
        shown = [tick.label1 for tick in axes.xaxis.get_major_ticks()
                 if start <= tick.get_loc() <= end]  # fmt: skip
        boxes = [label.get_window_extent() for label in shown]
        assert len(boxes) > 1
        assert len({label.get_text() for label in shown}) == len(shown)
        assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))


def test_best_epoch_and_metric_names():
    rows = log(10, rise=0.2)
    losses = [row["val_loss"] for row in rows]
    assert best_epoch(rows) == losses.index(min(losses))
    assert best_epoch([]) is None
    assert metric_names([{"epoch": 1, "val_mae": 1.0, "loss": 2.0, "x": None}]) == ["loss", "mae"]


def test_main_scores_are_those_of_the_tasks():
    """Read from the source: `zoo runs list` must not import TensorFlow to know them."""
    found = {}
    for path in Path(reports.__file__).parents[1].glob("tasks/*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                values = {
                    s.targets[0].id: s.value.value
                    for s in node.body
                    if isinstance(s, ast.Assign) and isinstance(s.value, ast.Constant)
                    and isinstance(s.targets[0], ast.Name)
                }  # fmt: skip
                if "score" in values:
                    found[values["name"]] = values["score"]
    assert found == MAIN_SCORES


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
    run.write_metrics({"scores": {"loss": 1.0}, "tables": {"per_target": [{"target": "y"}] * 40}})
    run.plots.mkdir()
    reports.save(reports.draw("curves", log()), run.plots / "my_picture.png")
    reader = Reader()
    reader.feed(reports.write(run).read_text())
    assert "Per target" in reader.text
    assert "40 rows" in reader.text
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
