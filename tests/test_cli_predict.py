"""`zoo evaluate`, `predict` and `generate`: a run or an artifact in, tables and pictures out."""

import io
import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from zoo import api, datasets


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def artifacts(trained, tmp_path_factory):
    """Export what is used here without the comparison, which has its own tests."""
    from zoo.exporters import FORMATS

    folder = tmp_path_factory.mktemp("artifacts")
    paths = {}
    for name, kind, suffix in (
        ("classes", "savedmodel", ""), ("classes", "keras", ".keras"), ("text", "savedmodel", ""),
        ("synthesis", "keras", ".keras"),
    ):  # fmt: skip
        path = folder / f"{name}{suffix}"
        FORMATS[kind][0](api.load(trained(name)), path)
        paths[name, kind] = path
    return paths


def test_evaluate_prints_tables(zoo, trained):
    run = trained("classes")
    code, out, err = zoo("evaluate", run)
    assert (code, err) == (0, "")
    assert out.startswith(f"{run}: classification on 30 examples of iris (test)\n")
    for word in ("accuracy", "balanced_accuracy", "roc_auc", "log_loss", "calibration_error"):
        assert re.search(rf"^{word} +\d\.\d{{4}}$", out, re.MULTILINE)
    assert "Rows are the actual class" in out
    code, out, err = zoo("evaluate", run, "--split", "validation")
    assert "15 examples of iris (validation)" in out


def test_evaluate_a_file_whole(zoo, trained, tmp_path):
    frame = datasets.load("iris").test.frame
    frame.head(41).to_csv("some.csv", index=False)
    code, out, _ = zoo("evaluate", trained("classes"), "--data", "some.csv", "--json")
    result = json.loads(out)
    assert (code, result["examples"], result["split"]) == (0, 41, None)
    assert result["data"] == "some.csv"


def test_evaluate_keeps_the_test_scores_only(zoo, trained, tmp_path):
    run = shutil.copytree(trained("classes"), tmp_path / "run")
    before = json.loads((run / "metrics.json").read_text())
    assert zoo("evaluate", run, "--split", "train")[0] == 0
    assert zoo("evaluate", run, "--data", "iris")[0] == 0
    assert json.loads((run / "metrics.json").read_text()) == before
    (run / "metrics.json").unlink()
    assert zoo("evaluate", run)[0] == 0
    assert json.loads((run / "metrics.json").read_text()) == before


@pytest.mark.parametrize(
    ("name", "columns", "rows"),
    [
        ("classes", ["class", "precision", "recall", "f1", "support"], 3),
        ("targets", ["target", "rmse", "mae", "r2"], 2),
        ("copies", ["mse", "score_p50", "score_p95", "score_p99"], 1),
    ],
)
def test_evaluate_csv(zoo, trained, name, columns, rows):
    assert zoo("evaluate", trained(name), "--csv", "out.csv")[0] == 0
    table = pd.read_csv("out.csv")
    assert list(table.columns) == columns
    assert len(table) == rows


def test_evaluate_artifacts(zoo, trained, artifacts):
    run = json.loads(zoo("evaluate", trained("classes"), "--data", "iris", "--json")[1])
    for kind in ("savedmodel", "keras"):
        path = artifacts["classes", kind]
        code, out, err = zoo("evaluate", path, "--data", "iris", "--json")
        assert json.loads(out)["scores"] == pytest.approx(run["scores"], rel=1e-5)
        code, out, err = zoo("evaluate", path)
        assert code == 2
        assert "Try --data" in err


def test_predict_names_its_columns(zoo, trained, files):
    iris = datasets.load("iris").test.frame.head(12)
    iris.drop(columns="species").to_csv("iris.csv", index=False)
    code, out, err = zoo("predict", trained("classes"), "iris.csv")
    assert (code, err) == (0, "")
    table = pd.read_csv(io.StringIO(out))
    classes = [f"probability_{c}" for c in ("setosa", "versicolor", "virginica")]
    assert list(table.columns) == ["label", "probability", *classes]
    assert len(table) == 12
    np.testing.assert_allclose(table[classes].sum(axis=1), 1, rtol=1e-5)
    assert (table[classes].idxmax(axis=1) == "probability_" + table["label"]).all()
    code, out, err = zoo("predict", trained("targets"), files["table"])
    assert list(pd.read_csv(io.StringIO(out)).columns) == ["Höhe (m)", "y/z"]
    code, out, err = zoo("predict", trained("labels"), files["labels"])
    table = pd.read_csv(io.StringIO(out))
    tags = [f"probability_{c}" for c in ("big", "new", "old")]
    assert list(table.columns) == ["labels", *tags]
    datasets.load("wine").test.frame.head(3).to_csv("wine.csv", index=False)
    code, out, err = zoo("predict", trained("copies"), "wine.csv")
    assert out.startswith("anomaly_score,reconstruction_0,reconstruction_1,")


def test_predict_from_files_and_stdin_in_order(zoo, trained, artifacts, monkeypatch):
    frame = datasets.load("iris").test.frame.sample(10, random_state=0).drop(columns="species")
    frame.to_csv("a.csv", index=False)
    frame.to_json("a.jsonl", orient="records", lines=True)
    run = trained("classes")
    expected = zoo("predict", run, "a.csv")[1]
    assert zoo("predict", run, "a.jsonl")[1] == expected
    for name, options in (("a.csv", ()), ("a.jsonl", ("--stdin-kind", "jsonl"))):
        with open(name, encoding="utf-8") as file:
            monkeypatch.setattr("sys.stdin", file)
            assert zoo("predict", run, *options)[1] == expected
    code, out, _ = zoo("predict", run, "a.csv", "--out", "answers.csv")
    assert (code, out) == (0, "answers.csv\n")
    with open("answers.csv", encoding="utf-8") as file:
        assert file.read() == expected
    for kind in ("savedmodel", "keras"):
        answers = pd.read_csv(io.StringIO(zoo("predict", artifacts["classes", kind], "a.csv")[1]))
        pd.testing.assert_frame_equal(answers, pd.read_csv(io.StringIO(expected)), rtol=1e-5)


def test_predict_json_lines(zoo, trained, files):
    _, out, _ = zoo("predict", trained("targets"), files["table"], "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert len(rows) == 120
    assert list(rows[0]) == ["Höhe (m)", "y/z"]
    assert "Höhe (m)" in out


def test_predict_a_picture(zoo, trained):
    split = datasets.load("digits").test
    picture = split.batch([0])["image"][0]
    Image.fromarray(picture[..., 0]).save("digit.png")
    _, out, _ = zoo("predict", trained("pictures"), "digit.png", "--json")
    answer = json.loads(out)
    digits = (f"probability_{d}" for d in range(10))
    assert set(answer) == {"file", "label", "probability", *digits}
    expected = api.load(trained("pictures"))({"image": picture[None]})
    assert answer["label"] == expected["label"][0]
    assert answer["probability"] == pytest.approx(expected["probability"][0])


def test_generate_text(zoo, trained, artifacts):
    command = ("--prompt", "The quick ", "--tokens", "12")
    code, out, err = zoo("generate", trained("text"), *command)
    assert (code, err) == (0, "")
    assert out.startswith("The quick ")
    assert out.count("The quick ") == 1
    assert len(out) == len("The quick ") + 12 + 1
    assert zoo("generate", trained("text"), *command)[1] == out
    assert zoo("generate", artifacts["text", "savedmodel"], *command)[1] == out
    assert zoo("generate", trained("text"), *command, "--seed", "1")[1] != out
    code, out, err = zoo("generate", trained("text"), *command, "--count", "3", "--json")
    assert json.loads(out)["prompt"] == "The quick "
    texts = json.loads(out)["texts"]
    assert all(0 < len(text) <= 12 for text in texts)  # some end before
    assert len(set(texts)) == 3
    code, out, err = zoo(
        "generate", trained("text"), *command, "--temperature", "0", "--count", "2", "--json"
    )
    first, second = json.loads(out)["texts"]
    assert first == second


def test_generate_pictures(zoo, trained, artifacts):
    code, out, err = zoo("generate", trained("synthesis"), "--count", "9", "--out", "grid.png")
    assert (code, out) == (0, "grid.png\n")
    assert err == "9 pictures of 8 x 8 pixels\n"
    with Image.open("grid.png") as picture:
        assert min(picture.size) > 24
        assert picture.text["Description"].startswith(
            "Synthetic: made by keras-zoo with dcgan, run"
        )
        assert "trainedAlgorithmicMedia" in picture.text["XML:com.adobe.xmp"]
    code, out, err = zoo(
        "generate", artifacts["synthesis", "keras"], "--count", "9", "--out", "again.png"
    )
    with open("grid.png", "rb") as first, open("again.png", "rb") as second:
        assert first.read() == second.read()
    code, out, err = zoo("generate", artifacts["synthesis", "keras"], "--count", "2", "--json")
    assert json.loads(out) == {"path": "generated.png", "count": 2, "size": [8, 8]}
    code, out, err = zoo("generate", trained("synthesis"), "--count", "1")
    assert out == f"{trained('synthesis')}/plots/generated.png\n"


def test_tables_are_not_written_over(zoo, trained, tmp_path):
    data = tmp_path / "flowers.csv"
    data.write_text("sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n")
    code, _, err = zoo("predict", trained("classes"), data, "--out", data)
    assert code == 2
    assert "exists already" in err
    assert data.read_text().startswith("sepal_length")


def test_data_frames(trained):
    import pandas as pd

    from zoo import api

    frame = pd.DataFrame(
        {"petal_width": [0.2], "petal_length": [1.4], "sepal_width": [3.5], "sepal_length": [5.1]}
    )
    by_column = {name: frame[name].tolist() for name in frame}
    predictor = api.load(trained("classes"))
    assert api.predict(predictor, frame)["label"] == api.predict(predictor, by_column)["label"]


def test_a_reader_that_has_gone_is_no_mistake():
    import subprocess
    import sys

    main = f"{sys.executable} -c 'from zoo.cli import main; main([\"list\"])'"
    for end in ("true", "head -1 > /dev/null"):
        command = f"set -o pipefail; {main} | {end}"
        assert subprocess.run(["bash", "-c", command], capture_output=True).returncode == 0
    full = subprocess.run(["bash", "-c", f"{main} > /dev/full"], capture_output=True, text=True)
    assert full.returncode == 2
    assert full.stderr.startswith("Error: Cannot write")
