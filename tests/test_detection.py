"""Detection from the command line: learned, measured, drawn, predicted, exported."""

import json
import shutil
import subprocess
import sys

import drawn
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image
from test_detection_metrics import reference

from zoo import api, datasets
from zoo.errors import InputError

OPTIONS = {
    "backbone_options": {"filters": 8, "stages": 4, "depth": 1}, "strides": (4, 8, 16),
    "width": 16, "depth": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("detection") / "voc"
    drawn.write_voc(folder, 120, lists={"train": 0.6, "val": 0.1, "test": 0.3})
    return folder


@pytest.fixture(scope="module")
def run(folder):
    import zoo

    path = str(folder.parent / "run")
    options = {"epochs": 20, "batch_size": 8, "learning_rate": 5e-3, "set": OPTIONS}
    return zoo.train("fcos", data=str(folder), run=path, **options)


@pytest.fixture(scope="module")
def exported(run):
    result = api.export(run)
    assert result["largest_difference"] <= result["tolerance"]
    return result["path"]


@pytest.mark.slow
def test_it_learns(run):
    scores = run.metrics["scores"]
    assert run.metrics["task"] == "detection"
    assert scores["map_50"] > 0.7
    assert 0 < scores["map"] < scores["map_50"]


@pytest.mark.slow
def test_scores_are_those_of_pycocotools(run):
    predictor = api.load(run)
    split = api.split_of(run, predictor, None, "test")
    truth, found = predictor.task.truth(split), predictor.task.found(predictor.predict(split))
    precision, recall = reference(truth, found, 2)
    result = api.evaluate(run)
    scores, rows = result["scores"], result["tables"]["per_class"]
    assert scores["map"] == pytest.approx(precision[:, 0].mean(), abs=1e-6)
    assert scores["map_50"] == pytest.approx(precision[:, 0, 0].mean(), abs=1e-6)
    assert scores["map_75"] == pytest.approx(precision[:, 0, 5].mean(), abs=1e-6)
    assert scores["mar_100"] == pytest.approx(recall[:, 0].mean(), abs=1e-6)
    assert scores["map_small"] == pytest.approx(precision[:, 1].mean(), abs=1e-6)
    assert scores["map_large"] is None
    for code, row in enumerate(rows):
        assert row["ap"] == pytest.approx(precision[code, 0].mean(), abs=1e-6)
        assert row["boxes"] == sum((boxes[:, 4] == code).sum() for boxes in truth)


def overlaps(first, second):
    start, end = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    shared = np.clip(end - start, 0, None).prod()
    return shared / ((first[2:] - first[:2]).prod() + (second[2:] - second[:2]).prod() - shared)


@pytest.mark.slow
def test_answers(run, folder):
    predictor = api.load(run)
    content = (folder / "JPEGImages" / "picture110.png").read_bytes()
    answer = predictor({"image": np.array([content], dtype=object)})
    count = answer["count"][0]
    assert 0 < count <= 100
    scores, labels, boxes = answer["scores"][0], answer["labels"][0], answer["boxes"][0]
    assert (np.diff(scores[:count]) <= 0).all()
    assert (scores[:count] > 0.05).all()
    assert set(labels[:count]) <= {"cat", "dog"}
    assert (boxes[:count] >= 0).all()
    assert (boxes[:count] <= [36, 48, 36, 48]).all()
    assert set(labels[count:]) <= {""}
    assert not boxes[count:].any()
    pairs = [(i, j) for i in range(count) for j in range(i) if labels[i] == labels[j]]
    assert all(overlaps(boxes[i], boxes[j]) <= 0.6 + 1e-5 for i, j in pairs)


def as_bytes(image, folder, suffix):
    path = folder / f"picture{suffix}"
    image.save(path)
    return path.read_bytes()


@pytest.mark.slow
def test_boxes_are_in_pixels_of_each_picture(run, folder, tmp_path):
    """A batch of mixed sizes and formats is answered each in its own pixels."""
    predictor = api.load(run)
    image = Image.open(folder / "JPEGImages" / "picture111.png")
    twice, tall = image.resize((96, 72), 0), image.resize((48, 144), 0)
    contents = [as_bytes(x, tmp_path, s) for x, s in ((twice, ".png"), (tall, ".png"))]
    contents += [as_bytes(image, tmp_path, ".png"), as_bytes(twice, tmp_path, ".jpg")]
    answer = predictor({"image": np.array(contents, dtype=object)})
    boxes, count = answer["boxes"], answer["count"][2]
    strong = answer["scores"][2] > 0.4
    assert strong.any()
    own = boxes[2][strong]
    assert boxes[2].max() <= 48
    for row, scale in ((0, [2, 2, 2, 2]), (1, [4, 1, 4, 1]), (3, [2, 2, 2, 2])):
        for box in own:
            assert max(overlaps(box * scale, other) for other in boxes[row]) > 0.7, (row, count)


@pytest.mark.slow
def test_tensors_answer_in_pixels_of_the_input(run):
    predictor = api.load(run)
    raw = datasets.load(run.record["data"]["reference"]).test.batch([0, 1, 2])
    encoded = predictor.preprocessor.encode({"image": tf.constant(raw["image"])})
    inputs = predictor.preprocessor.tensors(encoded).numpy()
    first, second = predictor.tensors(inputs), predictor(raw)
    np.testing.assert_allclose(first["boxes"], second["boxes"], atol=1e-4)


CHILD = """
import sys
import numpy as np, tensorflow as tf
served = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
content = tf.constant([open(path, "rb").read() for path in sys.argv[2:]])
answer = served(image=content)
np.savez(sys.stdout.buffer, **{k: v.numpy() for k, v in answer.items() if k != "labels"},
         labels=answer["labels"].numpy().astype("U"))
"""


@pytest.mark.slow
def test_the_export_needs_tensorflow_alone(run, exported, folder, tmp_path):
    paths = [folder / "JPEGImages" / f"picture{i:03d}.png" for i in (100, 101, 102)]
    command = [sys.executable, "-c", CHILD, exported, *map(str, paths)]
    child = subprocess.run(command, capture_output=True, check=True)
    (tmp_path / "answer.npz").write_bytes(child.stdout)
    content = np.array([path.read_bytes() for path in paths], dtype=object)
    expected = api.load(run)({"image": content})
    with np.load(tmp_path / "answer.npz") as answer:
        for name in ("boxes", "scores", "count"):
            np.testing.assert_allclose(answer[name], expected[name], atol=1e-5)
        assert (answer["labels"] == expected["labels"]).all()


@pytest.mark.slow
def test_a_keras_file(run, tmp_path):
    result = api.export(run, "keras", str(tmp_path / "model.keras"))
    assert result["largest_difference"] <= result["tolerance"]


@pytest.mark.slow
def test_evaluate_other_data(zoo, run, exported, folder, tmp_path):
    code, out, err = zoo("evaluate", exported, "--data", folder, "--json")
    assert code == 0, err
    assert json.loads(out)["scores"] == pytest.approx(api.evaluate(run)["scores"], abs=1e-6)
    other = shutil.copytree(folder, tmp_path / "other")
    path = other / "Annotations" / "picture100.xml"
    path.write_text(path.read_text().replace("cat", "bird").replace("dog", "bird"))
    code, _, err = zoo("evaluate", exported, "--data", other)
    assert (code, err.count("\n")) == (2, 1)
    assert "has the class 'bird'" in err


@pytest.mark.slow
def test_predict_gives_a_line_a_box(zoo, run, folder):
    picture = folder / "JPEGImages" / "picture110.png"
    code, out, err = zoo("predict", run, picture, "--json")
    assert code == 0, err
    rows = [json.loads(line) for line in out.splitlines()]
    answer = api.load(run)({"image": np.array([picture.read_bytes()], dtype=object)})
    assert len(rows) == answer["count"][0]
    assert list(rows[0]) == ["file", "label", "score", "top", "left", "bottom", "right"]
    assert rows[0]["label"] == answer["labels"][0, 0]
    assert rows[0]["right"] == pytest.approx(answer["boxes"][0, 0, 3], abs=1e-5)
    code, out, err = zoo("predict", run, folder)
    table = pd.read_csv(pd.io.common.StringIO(out))
    assert code == 0, err
    assert set(table["file"]) <= {str(path) for path in (folder / "JPEGImages").iterdir()}
    assert len(set(table["file"])) > 30


@pytest.mark.slow
def test_the_run_shows_what_it_found(run):
    assert {"detections.png", "precision_recall.png"} <= {p.name for p in run.plots.iterdir()}
    page = run.report_path.read_text()
    assert "Boxes found, and dashed those that are there" in page
    assert "map 50" in page
    curves = run.metrics["tables"]["precision_recall"]
    assert [curve["class"] for curve in curves] == ["cat", "dog"]
    assert all(curve["recall"] == sorted(curve["recall"]) for curve in curves)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "mse"}, "Received the loss 'mse' for detection"),
        ({"label_smoothing": 0.1}, "Received label smoothing for detection"),
        ({"task": "classification"}, "annotated for detection; expected data for classification"),
        ({"class_weight": "auto"}, "--class-weight received 'auto' for detection"),
        ({"set": {"strides": "8,24"}}, "cannot be built: Expected `strides`"),
    ],
)
def test_refusals(folder, tmp_path, options, message):
    import zoo

    with pytest.raises(InputError, match=message):
        zoo.train("fcos", data=str(folder), run=str(tmp_path / "run"), **options)
    assert not (tmp_path / "run").exists()


def test_a_classifier_refuses_boxes(folder):
    with pytest.raises(InputError, match=r"cnn-small.*does classification.*allows: detection"):
        api.plan("cnn-small", data=str(folder))
