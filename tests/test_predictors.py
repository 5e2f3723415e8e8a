"""Predictors: raw batches of any kind, in any number, with odd values, from any source."""

import numpy as np
import pandas as pd
import pytest

from zoo import api
from zoo.errors import InputError


def test_a_run_is_loaded_with_its_model(trained):
    predictor = api.load(trained("classes"))
    assert predictor.model.count_params() == 67
    assert predictor.card["model"] == "mlp"
    assert predictor.card["data"]["name"] == "iris"
    assert predictor.spec.classes == ("setosa", "versicolor", "virginica")
    assert predictor.task.name == "classification"


def test_raw_and_encoded_input_agree(trained):
    run = trained("table")
    predictor = api.load(run)
    raw = api.split_of(run, predictor, None, "test").batch(np.arange(10))
    encoded = predictor.preprocessor.encode(raw)
    answers = predictor.tensors(predictor.preprocessor.tensors(encoded))
    np.testing.assert_allclose(
        answers["probabilities"], predictor(raw)["probabilities"], rtol=1e-5, atol=1e-6
    )


def test_batches_of_any_size_agree(trained):
    run = trained("pictures")
    predictor = api.load(run)
    split = api.split_of(run, predictor, None, "validation")
    whole = predictor.predict(split)["probabilities"]
    assert len(whole) == len(split)
    small = predictor.predict(split, batch_size=7)["probabilities"]
    np.testing.assert_allclose(small, whole, atol=1e-6)
    assert predictor(split.batch([3]))["probabilities"][0] == pytest.approx(whole[3], abs=1e-6)


def test_missing_numbers_unseen_categories_and_no_dates(trained):
    predictor = api.load(trained("table"))
    raw = {
        "mean radius": [0.1, np.nan], "Größe (cm)": [np.nan, 170.0], "a/b": [1.0, np.nan],
        "a b": [0.0, 0.0], "count": [1.0, 2.0], "1st": ["never seen", ""], "class": ["x", "q"],
        "seen on": ["", "2031-12-31"], "Höhe (m)": [0.0, 1.0], "y/z": [0.0, np.nan],
    }  # fmt: skip
    answers = predictor({name: np.array(values) for name, values in raw.items()})
    assert np.isfinite(answers["probabilities"]).all()
    assert answers["label"].shape == (2,)
    again = predictor({**raw, "seen on": ["", "no date"], "unknown": [1, 2]})
    assert np.isfinite(again["probabilities"]).all()


def test_input_that_cannot_be_read(trained):
    predictor = api.load(trained("classes"))
    raw = {column.name: [1.0, 2.0] for column in predictor.spec.inputs}
    with pytest.raises(InputError, match="Expected also: sepal_length"):
        predictor({name: values for name, values in raw.items() if name != "sepal_length"})
    with pytest.raises(InputError, match="Received values of <U1 in 'sepal_length'"):
        predictor({**raw, "sepal_length": ["a", "b"]})
    with pytest.raises(InputError, match=r"an array of shape \(\) in 'sepal_length'"):
        predictor({**raw, "sepal_length": 1.0})
    with pytest.raises(InputError, match="different lengths: sepal_length 1, sepal_width 2"):
        predictor({**raw, "sepal_length": [1.0]})


def test_pictures_as_arrays_and_as_bytes(trained):
    import tensorflow as tf

    run = trained("pictures")
    predictor = api.load(run)
    arrays = api.split_of(run, predictor, None, "test").batch(np.arange(4))["image"]
    png = np.array([tf.io.encode_png(picture).numpy() for picture in arrays], dtype=object)
    by_array, by_bytes = predictor({"image": arrays}), predictor({"image": png})
    np.testing.assert_array_equal(by_array["probabilities"], by_bytes["probabilities"])
    color = tf.image.resize(np.repeat(arrays[0], 3, axis=-1), (20, 30)).numpy().astype(np.uint8)
    jpeg = tf.io.encode_jpeg(color).numpy()
    assert predictor({"image": [jpeg]})["label"].shape == (1,)  # resized, made gray
    with pytest.raises(InputError, match=r"cannot read its input: a picture that is neither"):
        predictor({"image": [b"nothing"]})


def test_documents_keep_their_rows(trained, tmp_path):
    lines = ["The quick brown fox", "q", "T" * 50, "The lazy dog"] * 2
    for i, line in enumerate(lines):
        (tmp_path / f"{i}.txt").write_text(line)
    outputs = api.predict(trained("text"), str(tmp_path))
    assert outputs["tokens"].tolist() == [len(line) for line in lines]
    assert outputs["characters"].tolist() == [len(line) for line in lines]
    alone = api.load(trained("text"))({"text": ["The lazy dog"]})["log_probability"]
    assert outputs["log_probability"][3] == pytest.approx(alone[0], rel=1e-5)


def test_a_long_document_is_answered_in_parts(trained, tmp_path):
    (tmp_path / "long.txt").write_text("The lazy dog. " * 3000)
    outputs = api.predict(trained("text"), str(tmp_path / "long.txt"))
    assert outputs["tokens"].tolist() == [42_000]


def test_what_a_model_does_not_do_is_refused(trained):
    predictor = api.load(trained("classes"))
    with pytest.raises(InputError, match="makes no pictures"):
        predictor.make(3)
    with pytest.raises(InputError, match="writes no text"):
        predictor.generate(["a"])
    with pytest.raises(InputError, match="zoo generate"):
        api.load(trained("synthesis"))({"image": np.zeros((1, 8, 8, 1), np.uint8)})


def test_the_order_of_a_file_is_kept(trained, files):
    run, frame = trained("targets"), pd.read_csv(files["table"])
    answers = api.predict(run, str(files["table"]))
    reverse = files["table"].with_name("reverse.csv")
    frame[::-1].to_csv(reverse, index=False)
    back = api.predict(run, str(reverse))
    for name in ("Höhe (m)", "y/z"):
        assert len(answers[name]) == len(frame)
        np.testing.assert_allclose(back[name][::-1], answers[name], rtol=1e-5)


def test_columns_in_another_order_and_more_of_them(trained, tmp_path):
    from zoo import datasets

    frame = datasets.load("iris").test.frame.head(9).drop(columns="species")
    frame.to_csv(tmp_path / "plain.csv", index=False)
    frame[frame.columns[::-1]].assign(id=range(9)).to_csv(tmp_path / "more.csv", index=False)
    plain = api.predict(trained("classes"), str(tmp_path / "plain.csv"))
    more = api.predict(trained("classes"), str(tmp_path / "more.csv"))
    np.testing.assert_array_equal(plain["probabilities"], more["probabilities"])


@pytest.mark.parametrize("content", ["{}", "[]", "3", '{"spec": 1}', "not JSON"])
def test_a_damaged_state_is_one_line(trained, tmp_path, content):
    import shutil

    from zoo import api
    from zoo.errors import InputError

    run = shutil.copytree(trained("classes"), tmp_path / "run")
    (run / "preprocessor.json").write_text(content)
    with pytest.raises(InputError, match="damaged"):
        api.load(run)
