"""Forecasting from a table to forecasts: scores by hand, decoding, and the commands."""

import io
import json

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from small import write_series

import zoo
from zoo import datasets, preprocessing, tasks
from zoo.losses.quantiles import Pinball
from zoo.metrics.forecasting import Errors, Quantiles
from zoo.training import feeding

ASKED = {"time": "hour", "group": "site", "target": "load (MW)", "horizon": 4, "history": 12}


def test_errors_by_hand():
    errors = Errors(scale=np.array([2.0, 10.0]), naive=np.array([0.5, 0.0]))
    actual = np.array([[[1.0, 0.0], [2.0, 30.0]]])  # one window of two steps, two targets
    errors.add(actual, np.array([[[2.0, 0.0], [4.0, 10.0]]]))
    assert errors.scores() == {
        "mse": pytest.approx((0.25 + 1.0 + 0.0 + 4.0) / 4),
        "mae": pytest.approx((0.5 + 1.0 + 0.0 + 2.0) / 4),
        "mase": pytest.approx(1.5 / 0.5),  # of the target that has one
        "smape": pytest.approx((2 / 3 + 2 * 2 / 6 + 0.0 + 2 * 20 / 40) / 4),
    }
    first, second = errors.per_target()
    assert first == {
        "mae": 1.5,
        "rmse": pytest.approx(2.5**0.5),
        "mase": 3.0,
        "smape": pytest.approx(2 / 3),
    }
    assert second["mase"] is None
    assert errors.by_step() == [0.25, 1.5]


def test_quantiles_by_hand():
    found = Quantiles((0.1, 0.5, 0.9), scale=np.array([2.0]))
    actual = np.array([[[1.0], [5.0]]])
    found.add(actual, np.array([[[[0.0, 2.0, 4.0]], [[0.0, 2.0, 4.0]]]]))
    assert [row["below"] for row in found.rows()] == [0.0, 0.5, 0.5]
    losses = [(0.1 * 1 + 0.1 * 5) / 4, (0.5 * 1 + 0.5 * 3) / 4, (0.1 * 3 + 0.9 * 1) / 4]
    assert [row["loss"] for row in found.rows()] == pytest.approx(losses)
    scores = found.scores()
    assert scores == {"coverage": 0.5, "quantile_loss": pytest.approx(np.mean(losses))}
    loss = Pinball((0.1, 0.5, 0.9))(actual / 2.0, np.array([[[[0.0, 1.0, 2.0]]] * 2]) * 1.0)
    assert float(loss) == pytest.approx(np.mean(losses))


def test_pinball_is_least_at_the_quantile():
    sample = np.random.default_rng(0).exponential(size=(4001, 1, 1))
    values = np.linspace(0, 4, 401)
    for q in (0.1, 0.5, 0.9):
        losses = [float(Pinball((q,))(sample, np.full((4001, 1, 1, 1), v))) for v in values]
        assert values[np.argmin(losses)] == pytest.approx(np.quantile(sample, q), abs=0.02)


@pytest.fixture
def data(tmp_path):
    write_series(tmp_path / "s.csv")
    return datasets.load(tmp_path / "s.csv", known=("temp",), **ASKED)


def test_what_is_trained_on_is_what_is_served(data):
    """A window cut in graph from the encoded series is what `encode` makes of raw columns."""
    preprocessor = preprocessing.fit(data, "forecasting", embeddings=False)
    task = tasks.TASKS["forecasting"].fit(data.spec, data.train)
    feed = feeding.windowed(data, task, preprocessor)["train"]
    rows = np.array([0, 17, len(data.train) - 1])
    inputs, target = feed.batch(tf.constant(rows, tf.int32))
    raw = {name: tf.constant(v) for name, v in data.train.batch(rows).items()}
    served = preprocessor.tensors(preprocessor.encode(raw))
    assert list(inputs) == ["past", "future"]
    assert all(np.array_equal(inputs[name], served[name]) for name in inputs)
    decoded = task.decode(target, None)
    np.testing.assert_allclose(decoded["load (MW)"], data.train.future(rows)[..., 0], rtol=1e-6)
    again = preprocessing.from_json(json.loads(json.dumps(preprocessor.to_json())))
    assert np.array_equal(again.encode(raw)["past"], inputs["past"])


def test_statistics_are_of_training_rows_alone(data):
    preprocessor = preprocessing.fit(data, "forecasting", embeddings=False)
    values = data.train.table.values[data.train.rows]
    np.testing.assert_allclose(preprocessor.mean, values.mean(axis=0))
    np.testing.assert_allclose(preprocessor.scale, values.std(axis=0))
    task = tasks.TASKS["forecasting"].fit(data.spec, data.train)
    by_site = [values[data.train.table.owners[data.train.rows] == i, 0] for i in (0, 1)]
    seasonal = np.concatenate([np.abs(site[24:] - site[:-24]) for site in by_site])
    assert task.naive == pytest.approx([seasonal.mean()])


def test_quantiles_are_put_in_order_and_named(data):
    task = tasks.TASKS["forecasting"].fit(data.spec, data.train)
    task.quantiles = (0.025, 0.5, 0.9)
    outputs = np.array([3.0, 1.0, 2.0]) * np.ones((2, 4, 1, 1))
    found = task.decode(tf.constant(outputs), None)
    assert list(found) == ["load (MW)", "load (MW)_q2.5", "load (MW)_q90"]
    low, middle, high = (found[f"load (MW){end}"].numpy() for end in ("_q2.5", "", "_q90"))
    assert (low < middle).all()
    assert (middle < high).all()


def test_baselines_are_what_they_are_called(data):
    task = tasks.TASKS["forecasting"].fit(data.spec, data.train)
    split = data.test
    actual = split.future(np.arange(len(split)))[..., 0]
    values, rows = split.table.values[:, 0], split.starts + 12
    seasonal = values[rows[:, None] - 24 + np.arange(4)]
    result = task.evaluate(lambda part: {"load (MW)": seasonal[: len(part)]}, split)
    model, naive, season = result["tables"]["baselines"]
    assert [model["forecast"], naive["forecast"], season["forecast"]] == [
        "model", "naive", "seasonal-naive",
    ]  # fmt: skip
    assert season["mae"] == model["mae"]  # it was given as the model's answer
    assert season["mae"] == pytest.approx(np.abs(seasonal - actual).mean() / task.scale[0])
    last = np.repeat(values[rows - 1][:, None], 4, axis=1)
    assert naive["mse"] == pytest.approx(((last - actual) ** 2).mean() / task.scale[0] ** 2)


def test_seasons_that_reach_too_far_back_fall_to_the_last_value(tmp_path):
    frame = write_series(tmp_path / "s.csv", sites=("one",), hours=60)
    data = datasets.load(
        tmp_path / "s.csv", time="hour", drop=("site",), horizon=4, history=12, season=50
    )
    first = data.train.seasonal([0])
    assert np.array_equal(first, data.train.last([0]))
    assert len(frame) == 60


def test_a_constant_series_has_no_mase(tmp_path):
    write_series(tmp_path / "s.csv", sites=("one",), **{"load (MW)": 5.0})
    run = zoo.train(
        "nlinear", data=str(tmp_path / "s.csv"), time="hour", target="load (MW)", horizon=4,
        history=12, epochs=1, run=str(tmp_path / "run"),
    )  # fmt: skip
    assert run.metrics["scores"]["mase"] is None
    assert run.metrics["scores"]["mse"] >= 0


@pytest.mark.slow
def test_the_commands_from_table_to_forecast(trained, files, zoo, tmp_path):
    run = trained("series")
    code, out, err = zoo("evaluate", run)
    assert code == 0, err
    for word in ("coverage", "quantile_loss", "mase", "seasonal-naive", "naive", "load (MW)"):
        assert word in out
    recent = pd.read_csv(files["series"])
    code, out, err = zoo("predict", run, files["series"])
    assert code == 0, err
    table = pd.read_csv(io.StringIO(out))
    names = ["hour", "site", "load (MW)", "load (MW)_q10", "load (MW)_q90"]
    assert list(table) == names
    assert table["site"].tolist() == ["north"] * 4 + ["south"] * 4
    assert table["hour"].tolist() == recent["hour"].groupby(recent["site"]).tail(4).tolist()
    assert (table[names[3]] <= table[names[2]]).all()
    assert (table[names[2]] <= table[names[4]]).all()
    code, _, err = zoo("export", run, "--out", tmp_path / "saved")
    assert code == 0, err
    code, of_artifact, _ = zoo("predict", tmp_path / "saved", files["series"])
    again = pd.read_csv(io.StringIO(of_artifact))
    np.testing.assert_allclose(again[names[2:]], table[names[2:]], rtol=1e-5)
    code, out, err = zoo("evaluate", tmp_path / "saved", "--data", files["series"], "--json")
    assert code == 0, err
    assert json.loads(out)["examples"] == 2 * (116 - 16 + 1)


def test_what_is_left_out_is_told(trained, files, zoo, tmp_path):
    frame = pd.read_csv(files["series"])
    frame.loc[60, "temp"] = np.nan
    frame.iloc[:-1].to_csv(tmp_path / "less.csv", index=False)
    code, out, err = zoo("predict", trained("series"), tmp_path / "less.csv")
    assert code == 0
    assert len(out.splitlines()) == 5
    assert "Data: series 'south' lacks temp of the 4 steps ahead, and is left out\n" in err
    code, _, err = zoo("evaluate", trained("series"), "--data", tmp_path / "less.csv")
    assert code == 0
    assert "windows are left out" in err


def test_forecasts_of_a_data_frame(trained, files):
    found = zoo.predict(trained("series"), pd.read_csv(files["series"]))
    assert found["hour"].shape == found["load (MW)_q90"].shape == (2, 4)
    assert found["site"].tolist() == ["north", "south"]


def test_the_signature_takes_steps_of_named_columns(trained):
    loaded = zoo.load(trained("series"))
    shapes = {name: spec.shape.as_list() for name, spec in loaded.preprocessor.signature().items()}
    assert shapes == {"load (MW)": [None, 12], "temp": [None, 16]}
    raw = {"load (MW)": np.full((2, 12), 100.0), "temp": np.zeros((2, 16))}
    assert loaded(raw)["load (MW)"].shape == (2, 4)


def test_pictures_and_page(trained):
    from zoo.runs import Run

    run = Run.open(trained("series"))
    assert {p.name for p in run.plots.glob("*.png")} >= {"forecasts.png", "error_by_step.png"}
    page = run.report_path.read_text()
    assert "Forecasts, what came, and the season before" in page
    assert "seasonal-naive" in page


def test_a_model_without_covariates_says_so(zoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_series(tmp_path / "s.csv")
    code, _, err = zoo(
        "train", "dlinear", "--data", "s.csv", "--time", "hour", "--group", "site", "--target",
        "load (MW)", "--horizon", "4", "--known", "temp", "--epochs", "1", "--run", "run",
    )  # fmt: skip
    assert code == 0, err
    assert "temp: not used, as the model sees nothing but each target's own past" in err
    assert zoo("evaluate", "run")[0] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--horizon", "4"), "--horizon received 4 without --time"),
        (("--time", "hour", "--horizon", "4", "--loss", "dice"), "Received the loss 'dice'"),
        (
            ("--time", "hour", "--horizon", "4", "--quantiles", "0.1,0.9"),
            "--quantiles received '0.1,0.9'. Expected rising numbers",
        ),
        (
            ("--time", "hour", "--horizon", "4", "--quantiles", "0.1,0.5", "--loss", "mae"),
            "--loss received 'mae' with --quantiles",
        ),
        (("--time", "hour", "--horizon", "4", "--augment", "flip"), "--augment received 'flip'"),
        (("--time", "hour", "--class-weight", "auto"), "--class-weight received 'auto'"),
        (
            ("--time", "hour", "--quantiles", "0.5", "--label-smoothing", "0.1"),
            "Received label smoothing 0.1",
        ),
    ],
)
def test_requests_that_make_no_sense(refused, tmp_path, words, message):
    write_series(tmp_path / "s.csv", sites=("one",))
    assert message in refused("train", "nlinear", "--data", "s.csv", "--drop", "site", *words)


def test_a_forecaster_of_a_table_and_quantiles_of_classes(refused, tmp_path):
    write_series(tmp_path / "s.csv")
    assert "does forecasting" in refused("train", "nlinear", "--data", "iris")
    assert "Expected forecasting" in refused(
        "train", "mlp", "--data", "iris", "--quantiles", "0.1,0.5,0.9"
    )


def test_series_can_be_looked_at(zoo, tmp_path):
    write_series(tmp_path / "s.csv")
    code, out, _ = zoo("data", "show", tmp_path / "s.csv", "--time", "hour", "--group", "site")
    assert code == 0
    for words in ("240 of 2 series by site", "hour, one each 1 hour", "24 ahead", "target"):
        assert words in out
