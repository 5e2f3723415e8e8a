"""Pictures, the page of a run, and the commands `zoo runs` and `zoo report`."""

import ast
import io
import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from curves import CALIBRATION, EVIL, confusion, log
from PIL import Image

from zoo import reports
from zoo.errors import InputError
from zoo.reports.boundary import grid
from zoo.reports.curves import metric_names
from zoo.reports.diagnosis import best_epoch, diagnose
from zoo.reports.style import png
from zoo.reports.summary import MAIN_SCORES


def masks(classes):
    random = np.random.default_rng(4)
    pictures = random.integers(256, size=(3, 8, 12, 3)).astype("uint8")
    codes = random.integers(classes + 1, size=(2, 3, 8, 12))
    return pictures, *np.where(codes == classes, 255, codes), [EVIL, *map(str, range(1, classes))]


def residuals(targets=("price",)):
    actual = np.linspace(0, 9, 40)
    return {t: {"actual": actual.tolist(), "predicted": (actual + 1).tolist()} for t in targets}


ROC = [{"false_positive_rate": x, "true_positive_rate": x**0.3} for x in (0.0, 0.1, 0.5, 1.0)]
CURVES = [{"class": EVIL, "precision": [1, 0.5], "recall": [0.2, 0.8]},
          {"class": "b", "precision": [], "recall": []}]  # fmt: skip
DETECTED = [
    {"picture": np.full((40, width, channels), 90, "uint8"), "truth": np.array([[2, 3, 20, 30, 0]]),
     "found": np.array([[3, 3, 22, 28, 0, 0.9], [1, 1, 5, 5, 1, 0.2]])}
    for width, channels in ((60, 3), (30, 1), (60, 3))
]  # fmt: skip
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


EXAMPLES = np.random.default_rng(3).random((2, 3, 8, 12, 3))
CODES = np.array([0, 1, 255])[np.random.default_rng(3).integers(3, size=(2, 3, 8, 12))]
BOXES = np.array([[[[0.1, 0.2, 0.9, 1.0, 1], [-1] * 5]] * 3] * 2)
WINDOW = {
    "target": EVIL, "group": "", "from": "2024-01-01 05:00", "history": [1.0, 2.0, 1.5],
    "truth": [2.0, 3.0], "forecast": [1.5, 2.5], "seasonal": [1.0, 2.0],
}  # fmt: skip
BAND = {"band": [0.1, 0.9]}
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
    "augmented": ("augmented", EXAMPLES, [["cat", "cat", "cat 60%, dog 40%"], [EVIL] * 3]),
    "augmented masks": ("augmented", EXAMPLES[..., :1], (), CODES),
    "augmented boxes": ("augmented", EXAMPLES, (), None, BOXES),
    "answer": ("answer", EXAMPLES[0, 0] * 255, ["a", EVIL, "c"], np.array([0.2, 0.7, 0.1])),
    "answer and where it comes from": (
        "answer",
        EXAMPLES[0, 0, ..., :1] * 255,
        ["a", "b"],
        np.array([0.4, 0.6]),
        np.eye(3),
    ),
    "masks alone": ("masks", CODES[0, ..., None] % 2 * 255, None, CODES[0] % 3, ["a", EVIL, "c"]),
    "precision and recall": ("precision_recall", CURVES),
    "boxes": ("detections", DETECTED, (EVIL, "b")),
    "boxes on one picture": ("detections", DETECTED[:1], (EVIL, "b")),
    "residuals": ("residuals", residuals()),
    "residuals of several": ("residuals", residuals(["height", EVIL])),
    "residuals of a constant": ("residuals", {"y": {"actual": [1, 1], "predicted": [1, None]}}),
    "anomaly scores": ("anomaly_scores", [0.1, 0.2, None, 5.0]),
    "anomaly scores of nothing": ("anomaly_scores", [None]),
    "forecasts": ("forecasts", [WINDOW, {**WINDOW, "group": EVIL}, WINDOW]),
    "forecasts with intervals": ("forecasts", [WINDOW | {"low": [0, 1], "high": [3, 4], **BAND}]),
    "errors by step": ("error_by_step", {"model": [0.1, 0.2, 0.2], "naive": [0.1, 0.3, 0.5]}),
    "error of one step": ("error_by_step", {"model": [0.1], "seasonal-naive": [0.2]}),
    "gray samples": ("samples", np.random.default_rng(3).random((10, 8, 8))),
    "color samples": ("samples", np.full((3, 8, 12, 3), 200, np.uint8), ["a", 2, EVIL]),
    "mistaken series": ("mistaken_series", EXAMPLES[0, ..., 0], ["a as b", "b as a", EVIL]),
    "masks": ("masks", *masks(2)),
    "masks of many classes": ("masks", *masks(60)),
    "boundary of 2": ("boundary", *boundary(2)),
    "boundary of 4": ("boundary", *boundary(4)),
    "attention": ("attention", ["a", EVIL, "$x$"], np.tile(np.tri(3) / 3, (2, 2, 1, 1))),
    "attention of many": ("attention", ["a"] * 60, np.random.default_rng(0).random((1, 2, 60, 60))),
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
