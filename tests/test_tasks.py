"""Each task trained small: scores against scikit-learn, outputs against their definition."""

import math

import numpy as np
import pytest
from sklearn import metrics as m

from zoo import api, tasks
from zoo.datasets.base import ArraySplit, Column, Spec
from zoo.errors import InputError


def measured(trained, name):
    """Return a run's predictor, its test split, what it answers and how it is scored."""
    run = trained(name)
    predictor = api.load(run)
    split = api.split_of(run, predictor, None, "test")
    return predictor, split, predictor.predict(split), api.evaluate(run)


@pytest.mark.parametrize("name", ["classes", "binary", "table", "cross", "pictures"])
def test_classification(trained, name):
    predictor, split, outputs, result = measured(trained, name)
    actual, probabilities = split.targets(), outputs["probabilities"].astype(float)
    classes = np.array(predictor.spec.classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    predicted = probabilities.argmax(axis=1)
    assert (outputs["label"] == classes[predicted]).all()
    np.testing.assert_allclose(outputs["probability"], probabilities.max(axis=1))
    scores = result["scores"]
    every = np.arange(len(classes))
    shares = probabilities / probabilities.sum(axis=1, keepdims=True)
    area = shares[:, 1] if len(classes) == 2 else shares
    assert scores["accuracy"] == m.accuracy_score(actual, predicted)
    assert scores["balanced_accuracy"] == pytest.approx(
        m.balanced_accuracy_score(actual, predicted)
    )
    assert scores["f1"] == pytest.approx(m.f1_score(actual, predicted, average="macro"))
    assert scores["roc_auc"] == pytest.approx(m.roc_auc_score(actual, area, multi_class="ovr"))
    assert scores["log_loss"] == pytest.approx(m.log_loss(actual, shares, labels=every), rel=1e-5)
    confidence, correct = shares.max(axis=1), predicted == actual
    bins = np.minimum((confidence * 15).astype(int), 14)
    error = sum(abs(correct[bins == b].sum() - confidence[bins == b].sum()) for b in range(15))
    assert scores["calibration_error"] == pytest.approx(error / len(actual), rel=1e-5)
    tables = result["tables"]
    matrix = m.confusion_matrix(actual, predicted, labels=every)
    assert tables["confusion"] == {"classes": list(classes), "matrix": matrix.tolist()}
    report = m.classification_report(
        actual, predicted, labels=every, output_dict=True, zero_division=0
    )
    for code, row in enumerate(tables["per_class"]):
        assert row["class"] == classes[code]
        assert row["f1"] == pytest.approx(report[str(code)]["f1-score"])
        assert row["support"] == report[str(code)]["support"]
        assert isinstance(row["support"], int)


def test_two_classes_share_one_logit(trained):
    predictor, _, _, result = measured(trained, "binary")
    assert predictor.model.output_shape == (None, 1)
    rates = result["tables"]["roc"]
    assert (rates[0]["false_positive_rate"], rates[-1]["true_positive_rate"]) == (0, 1)


def test_multi_label(trained):
    predictor, split, outputs, result = measured(trained, "labels")
    actual, probabilities = split.targets().astype(int), outputs["probabilities"].astype(float)
    predicted = (probabilities > 0.5).astype(int)
    for text, row in zip(outputs["labels"], predicted, strict=True):
        chosen = [c for c, on in zip(predictor.spec.classes, row, strict=True) if on]
        assert text == ",".join(chosen)
    scores = result["scores"]
    assert scores["accuracy"] == pytest.approx(1 - m.hamming_loss(actual, predicted))
    assert scores["exact_match"] == m.accuracy_score(actual, predicted)
    average = {"zero_division": 0, "y_true": actual, "y_pred": predicted}
    assert scores["f1"] == pytest.approx(m.f1_score(average="macro", **average))
    assert scores["f1_micro"] == pytest.approx(m.f1_score(average="micro", **average))
    losses = [
        m.log_loss(a, p, labels=[0, 1]) for a, p in zip(actual.T, probabilities.T, strict=True)
    ]
    assert scores["log_loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert scores["roc_auc"] == pytest.approx(m.roc_auc_score(actual, probabilities))


@pytest.mark.parametrize("name", ["numbers", "targets"])
def test_regression(trained, name):
    predictor, split, outputs, result = measured(trained, name)
    names = predictor.spec.targets
    assert tuple(outputs) == names
    actual = split.targets()
    predicted = np.stack([outputs[n] for n in names], axis=1).astype(float)
    assert result["scores"]["r2"] == pytest.approx(m.r2_score(actual, predicted))
    assert result["scores"]["mae"] == pytest.approx(m.mean_absolute_error(actual, predicted))
    rows = result["tables"]["per_target"]
    roots = [
        math.sqrt(m.mean_squared_error(a, p)) for a, p in zip(actual.T, predicted.T, strict=True)
    ]
    assert [row["rmse"] for row in rows] == pytest.approx(roots)
    assert result["scores"]["rmse"] == pytest.approx(np.mean(roots))
    residuals = result["tables"]["residuals"]
    assert set(residuals) == set(names)
    assert residuals[names[0]]["actual"] == actual[:, 0].tolist()


def test_regression_answers_in_the_units_of_the_target(trained):
    predictor, split, outputs, _ = measured(trained, "numbers")
    raw = split.batch(np.arange(len(split)))
    inputs = predictor.preprocessor.tensors(predictor.preprocessor.encode(raw))
    standard = np.asarray(predictor.model(inputs))[:, 0]
    task = predictor.task
    expected = standard * task.scale[0] + task.mean[0]
    np.testing.assert_allclose(outputs["progression"], expected, rtol=1e-5)
    assert task.mean[0] > 100


def test_reconstruction(trained):
    predictor, split, outputs, result = measured(trained, "copies")
    raw = split.batch(np.arange(len(split)))
    seen = np.asarray(predictor.preprocessor.tensors(predictor.preprocessor.encode(raw)))
    error = ((outputs["reconstruction"] - seen) ** 2).mean(axis=1)
    np.testing.assert_allclose(outputs["anomaly_score"], error, rtol=1e-4)
    assert result["scores"]["mse"] == pytest.approx(error.mean(), rel=1e-4)
    assert result["scores"]["score_p95"] == pytest.approx(np.percentile(error, 95), rel=1e-4)
    far = {name: values * 100 for name, values in raw.items()}
    assert predictor(far)["anomaly_score"].min() > error.max()


def test_language_modelling(trained):
    predictor, split, outputs, result = measured(trained, "text")
    assert len(outputs["tokens"]) == len(split)
    lengths = [len(document) for document in split.documents]
    assert outputs["tokens"].tolist() == lengths
    assert result["scores"]["tokens"] == sum(lengths)
    nats = -outputs["log_probability"].sum() / sum(lengths)
    assert result["scores"]["loss"] == pytest.approx(nats, rel=1e-5)
    assert result["scores"]["perplexity"] == pytest.approx(math.exp(nats), rel=1e-4)
    assert result["scores"]["bits_per_character"] == pytest.approx(nats / math.log(2), rel=1e-5)
    text = str(split.documents[0])[:9]
    codes = [2, *predictor.preprocessor.tokenizer.ids([text])[0].numpy()]
    logits = np.asarray(predictor.model(np.array([codes[:-1]])))[0].astype(float)
    shares = np.log(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
    by_hand = sum(shares[i, codes[i + 1]] for i in range(len(text)))
    (answer,) = predictor({"text": [text]})["log_probability"]
    assert answer == pytest.approx(by_hand, rel=1e-4)


def test_greedy_text_is_the_likeliest_by_hand(trained):
    predictor = api.load(trained("text"))
    prompt, tokenizer = "The quick brown fox", predictor.preprocessor.tokenizer
    codes = [2, *tokenizer.ids([prompt])[0].numpy()]
    for _ in range(8):
        logits = np.asarray(predictor.model(np.array([codes], np.int32)))[0, -1]
        codes.append(2 + int(logits[2:].argmax()))
    expected = "".join(tokenizer.vocabulary[code - 3] for code in codes[1 + len(prompt) :])
    assert predictor.generate([prompt], 8, temperature=0.0) == [expected]
    several = predictor.generate([prompt, "T", "The"], 8, temperature=0.0)
    assert several[0] == expected  # of unequal lengths in one batch
    assert several[1:] == [predictor.generate([p], 8, temperature=0.0)[0] for p in ("T", "The")]


def test_a_text_ends_before_a_stop_string(trained):
    predictor = api.load(trained("text"))
    (whole,) = predictor.generate([""], 40, seed=3)
    stop = whole[20:22]
    assert predictor.generate([""], 40, seed=3, stop=[stop]) == [whole[: whole.index(stop)]]
    shown = [texts[0] for texts in predictor.stream([""], 40, seed=3, stop=[stop])]
    assert all(whole.startswith(text) for text in shown)
    assert shown[-1] == whole[: whole.index(stop)]


def test_few_of_the_likeliest_tokens_are_drawn(trained):
    predictor = api.load(trained("text"))
    greedy = predictor.generate(["The "], 20, temperature=0.0)
    assert predictor.generate(["The "], 20, temperature=2.0, top_k=1) == greedy
    assert predictor.generate(["The "], 20, temperature=2.0, top_p=1e-6) == greedy
    assert predictor.generate(["The "], 20, temperature=2.0) != greedy


def test_text_is_a_function_of_the_seed(trained):
    predictor = api.load(trained("text"))
    first = predictor.generate(["The "] * 2, tokens=30, seed=1)
    assert first == predictor.generate(["The "] * 2, tokens=30, seed=1)
    assert first != predictor.generate(["The "] * 2, tokens=30, seed=2)
    assert first[0] != first[1]
    assert 0 < max(len(text) for text in first) <= 30  # a text may end before
    assert predictor.generate(["\N{SNOWMAN}"], tokens=3)[0]


def test_image_synthesis(trained):
    predictor = api.load(trained("synthesis"))
    made = predictor.make(6, seed=4)
    assert made["image"].shape == (6, 8, 8, 1)
    assert made["image"].dtype == np.uint8
    np.testing.assert_array_equal(predictor.make(6, seed=4)["image"], made["image"])
    assert (predictor.make(6, seed=5)["image"] != made["image"]).any()
    assert all(png.startswith(b"\x89PNG") for png in made["png"])
    scores = api.evaluate(trained("synthesis"))["scores"]
    assert scores["frechet_pixels"] > scores["frechet_pixels_real"] > 0


TABLE = Spec("table", (Column("x", "number"),), ("y",), "classification", ("a", "b", "c"))


def test_scores_that_one_row_or_class_leaves_undefined():
    task = tasks.TASKS["classification"](TABLE)
    probabilities = np.array([[0.2, 0.5, 0.3], [0.1, 0.8, 0.1]], np.float32)
    split = ArraySplit({}, np.arange(2), np.array([1, 1], np.int32))
    result = task.evaluate(lambda split: {"probabilities": probabilities}, split)
    assert result["scores"]["roc_auc"] is None
    assert result["scores"]["accuracy"] == 1
    spec = Spec("table", (Column("x", "number"),), ("y",), "regression")
    task = tasks.TASKS["regression"](spec, [0.0], [1.0])
    split = ArraySplit({}, np.arange(1), np.array([[3.0]]))
    result = task.evaluate(lambda split: {"y": np.array([2.0])}, split)
    assert result["scores"] == {"rmse": 1.0, "mae": 1.0, "r2": None}


def test_class_weights_balance():
    task = tasks.TASKS["classification"](TABLE)
    codes = np.array([0] * 6 + [1] * 3 + [2])
    weights = task.class_weights(codes)
    assert [weights[codes == c].sum() for c in range(3)] == pytest.approx([10 / 3] * 3)
    assert weights.sum() == pytest.approx(10)


def test_a_task_survives_its_json():
    spec = Spec("table", (Column("x", "number"),), ("y", "z"), "regression")
    task = tasks.TASKS["regression"](spec, [1.5, -2.0], [3.0, 0.25])
    again = tasks.from_json(task.to_json(), spec)
    assert again.to_json() == task.to_json()


def test_choosing_a_task():
    can = ("classification", "regression")
    assert tasks.choose("mlp", can, TABLE, None) == "classification"
    assert tasks.choose("auto", ("reconstruction",), TABLE, None) == "reconstruction"
    with pytest.raises(
        InputError, match="'mlp' does classification, regression; expected one that"
    ):
        tasks.choose("mlp", can, TABLE, "reconstruction")
    with pytest.raises(InputError, match="what the data allows: classification, reconstruction"):
        tasks.choose("gpt", ("language-modelling",), TABLE, None)
