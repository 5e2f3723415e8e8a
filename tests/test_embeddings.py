"""Vectors of texts: near those that say the same, and measured beside counted words."""

import numpy as np
import pytest
import tensorflow as tf

from zoo import api, datasets
from zoo.errors import InputError
from zoo.losses.contrast import InBatch
from zoo.tasks import sentence_embedding

NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
FOREIGN = ["un", "deux", "trois", "quatre", "cinq", "six_", "sept", "huit", "neuf", "dix"]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Write sentences of numbers, and the same in words that share nothing with theirs."""
    random = np.random.default_rng(0)
    rows = random.integers(10, size=(300, 4))
    lines = [
        "\t".join(" ".join(words[i] for i in row) for words in (NUMBERS, FOREIGN)) for row in rows
    ]
    path = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    path.write_text("\n".join(["text\tother", *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def run(pairs):
    return api.train(
        "bert-tiny", data=pairs, target="other", task="sentence-embedding", epochs=25,
        learning_rate=3e-3, set={"layers": 1, "width": 32}, dropout=0.0, run=pairs.parent / "run",
    )  # fmt: skip


@pytest.mark.slow
def test_texts_are_found_by_what_they_say(run):
    result = api.evaluate(run)
    assert result["scores"]["mrr"] > 0.5
    assert result["scores"]["similarity"] > result["scores"]["similarity_of_others"] + 0.3
    ours, counted = result["tables"]["baselines"]
    assert (ours["embedding"], counted["embedding"]) == ("model", "tf-idf")
    assert ours["mrr"] == result["scores"]["mrr"] > counted["mrr"] + 0.3
    assert {"source", "expected", "nearest"} == set(result["tables"]["samples"][0])


@pytest.mark.slow
def test_vectors_have_length_one_and_are_exported(run, tmp_path):
    texts = {"text": ["one two", "", "words it never saw"]}
    vectors = api.predict(run, texts)["embedding"]
    assert vectors.shape == (3, 32)
    np.testing.assert_allclose(np.linalg.norm(vectors[:1], axis=1), 1, rtol=1e-5)
    assert np.isfinite(vectors).all()
    alone = api.predict(run, {"text": ["one two"]})["embedding"]
    np.testing.assert_allclose(alone, vectors[:1], atol=1e-6)
    assert api.export(run, "savedmodel", tmp_path / "out")["largest_difference"] <= 1e-6
    loaded = tf.saved_model.load(str(tmp_path / "out")).signatures["serving_default"]
    np.testing.assert_allclose(
        loaded(text=tf.constant(["one two"]))["embedding"], vectors[:1], atol=1e-5
    )


@pytest.mark.parametrize("kind", ["txt", "tsv"])
@pytest.mark.slow
def test_the_nearest_texts_of_a_file_are_named(kind, run, zoo, tmp_path):
    (tmp_path / "asked.txt").write_text("one two three four\n")
    known = ["dix dix dix dix", "un deux trois quatre", "neuf sept un un"]
    if kind == "tsv":  # of pairs the second ones
        known = ["text\tother", *(f"one two three four\t{text}" for text in known)]
    (tmp_path / f"known.{kind}").write_text("\n".join(known) + "\n")
    command = ("predict", run, tmp_path / "asked.txt", "--nearest", tmp_path / f"known.{kind}")
    code, out, err = zoo(*command)
    assert code == 0, err
    header, line = out.splitlines()
    assert header == "text,nearest,similarity"
    assert line.startswith("one two three four,un deux trois quatre,0.")


@pytest.mark.slow
def test_texts_come_from_stdin_a_line_each(run, zoo, tmp_path, monkeypatch):
    path = tmp_path / "asked.txt"
    path.write_text("one two, three\nfour\n")
    expected = zoo("predict", run, path)[1]
    with open(path, encoding="utf-8") as file:
        monkeypatch.setattr("sys.stdin", file)
        code, out, err = zoo("predict", run, "-")
    assert (code, out) == (0, expected), err
    assert len(out.splitlines()) == 3


def test_nearest_is_for_vectors_alone(zoo, trained, tmp_path):
    (tmp_path / "known.txt").write_text("a\n")
    code, out, err = zoo("predict", trained("text"), tmp_path / "known.txt", "--nearest", "x.txt")
    assert (code, out) == (2, "")
    assert "--nearest was given for language-modelling. Expected a model for" in err


@pytest.mark.slow
def test_words_of_both_sides_are_known(run):
    vocabulary = api.load(run).preprocessor.tokenizer.vocabulary
    assert {"one", "un"} <= set(vocabulary)


def test_the_loss_is_cross_entropy_of_cosines():
    random = np.random.default_rng(1)
    vectors = random.normal(size=(4, 2, 5)).astype("float32")
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    scores = np.exp(20 * vectors[:, 0] @ vectors[:, 1].T)
    expected = -np.log(np.diag(scores) / scores.sum(axis=1))
    found = InBatch().call(None, tf.constant(vectors))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert InBatch.from_config(InBatch(5.0).get_config()).scale == 5.0


def test_retrieval_is_that_of_the_definition():
    scores = np.array([[3.0, 1, 2], [2, 2.5, 3], [3, 2, 1]])  # ranks 1, 2, 3
    found = sentence_embedding._retrieval(scores)
    assert found["mrr"] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert (found["recall_at_1"], found["recall_at_5"]) == (pytest.approx(1 / 3), 1.0)
    assert sentence_embedding._retrieval(np.zeros((5, 5)))["mrr"] == pytest.approx(1 / 3)
    assert sentence_embedding._tf_idf(["?"], ["!", "."]).tolist() == [[0.0, 0.0]]


def test_what_cannot_be_asked(pairs):
    asked = {"data": pairs, "task": "sentence-embedding", "target": "other", "epochs": 1}
    with pytest.raises(InputError, match="--loss received 'mse' for sentence-embedding"):
        api.train("bert-tiny", loss="mse", **asked)
    with pytest.raises(InputError, match="Model 'lstm' does"):
        api.train("lstm", **asked)
    assert datasets.load(pairs, task="sentence-embedding", target="other").spec.targets == (
        "other",
    )
