"""Labelled texts, pairs and running text: read, trained on, served and refused."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from zoo import api, datasets, registry
from zoo.datasets import corpora, fetch
from zoo.errors import InputError
from zoo.generation.decoding import beam_search

GOOD, BAD = ("fine", "lovely", "great"), ("awful", "poor", "dull")


def opinions(count=120):
    random = np.random.default_rng(0)
    rows = []
    for i in range(count):
        words = ["the", "film", "was", *random.choice(BAD if i % 2 else GOOD, 2), "indeed"]
        rows.append(
            (" ".join([*words, *["really"] * random.integers(6)]), ("for", "against")[i % 2])
        )
    return pd.DataFrame(rows, columns=["review", "opinion"])


@pytest.fixture(scope="module")
def classified(tmp_path_factory):
    folder = tmp_path_factory.mktemp("opinions")
    opinions().to_csv(folder / "opinions.csv", index=False)
    return folder, api.train(
        "gru", data=folder / "opinions.csv", target="opinion", epochs=15, learning_rate=0.02,
        set={"units": (16,)}, run=folder / "run",
    )  # fmt: skip


def test_a_column_of_prose_is_the_input(classified):
    data = datasets.load(classified[0] / "opinions.csv", target="opinion")
    assert (data.spec.kind, data.spec.task) == ("text", "classification")
    assert data.spec.inputs == (datasets.Column("review", "text"),)
    assert data.notes == ["the text in column 'review' is the input; --kind table reads a table"]
    with pytest.raises(InputError, match="no column left to learn from"):
        datasets.load(classified[0] / "opinions.csv", target="opinion", kind="table")


@pytest.mark.slow
def test_texts_are_classified(classified):
    folder, run = classified
    assert api.evaluate(run)["scores"]["accuracy"] == 1
    assert api.predict(run, {"review": ["a great film", "so dull"]})["label"].tolist() == [
        "for", "against",
    ]  # fmt: skip
    (folder / "new.txt").write_text("the film was lovely\nawful\n\n")
    told: list[str] = []
    answers = api.predict(run, folder / "new.txt", say=told.append)
    assert (answers["label"].tolist(), told) == (["for", "against"], [])
    (folder / "strange.txt").write_text("the film was lovely\n\nxyzzy plugh\n")
    answers = api.predict(run, folder / "strange.txt", say=told.append)
    assert len(answers["label"]) == 3
    assert told == ["Data: 2 of 3 texts have no token that came in training"]
    result = api.export(run, "savedmodel", folder / "exported")
    assert result["largest_difference"] <= 1e-6
    loaded = tf.saved_model.load(str(folder / "exported")).signatures["serving_default"]
    answers = loaded(review=tf.constant(["a great film", ""]))
    assert answers["label"][0].numpy() == b"for"


def test_padding_changes_no_answer(classified):
    predictor = api.load(classified[1])
    alone = predictor({"review": ["a great film"]})["probabilities"]
    beside = predictor({"review": ["a great film", "really " * 40]})["probabilities"][:1]
    np.testing.assert_allclose(alone, beside, atol=1e-6)


def test_folders_of_texts(tmp_path):
    frame = opinions(30)
    for split in ("train", "test"):
        for i, (review, opinion) in enumerate(frame.itertuples(index=False)):
            place = tmp_path / "films" / split / opinion
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{i}.txt").write_text(f"{split} {review}")
    data = datasets.load(tmp_path / "films")
    assert data.spec.classes == ("against", "for")
    assert (len(data.train), len(data.validation), len(data.test)) == (27, 3, 30)
    assert all(text.startswith("test ") for text in data.test.batch(range(30))["text"])
    assert np.bincount(data.test.targets()).tolist() == [15, 15]
    documents = datasets.load(tmp_path / "films" / "train" / "for")
    assert (documents.spec.task, len(documents.train)) == ("language-modelling", 10)


def lines(folder, name, texts, pack=False):
    content = ("\n".join(texts) + "\n").encode()
    path = folder / (name + ".gz" * pack)
    path.write_bytes(gzip.compress(content) if pack else content)


SAID = {"en": ["one dog", "two cats", "a man"], "de": ["ein Hund", "zwei Katzen", "ein Mann"]}


@pytest.mark.parametrize("pack", [False, True])
def test_files_side_by_side(tmp_path, pack):
    for split, count in (("train", 4), ("val", 1), ("test_2016", 1)):
        for language, texts in SAID.items():
            lines(tmp_path, f"{split}.{language}", texts * count, pack)
    data = datasets.load(tmp_path, target="de")
    assert data.spec.task == "sequence-to-sequence"
    assert (len(data.train), len(data.validation), len(data.test)) == (12, 3, 3)
    assert data.test.batch([1])["en"].tolist() == ["two cats"]
    assert data.test.targets().tolist() == SAID["de"]
    assert datasets.load(tmp_path, target="en").test.targets().tolist() == SAID["en"]
    assert datasets.read(tmp_path, data.spec).targets().tolist() == SAID["de"]
    with pytest.raises(InputError, match="--target with one of: de, en"):
        datasets.load(tmp_path)


def test_files_side_by_side_that_are_not(tmp_path):
    lines(tmp_path, "a.en", SAID["en"])
    lines(tmp_path, "a.de", SAID["de"][:2])
    with pytest.raises(InputError, match=r"a\.de' has 2 lines and 'a\.en' 3; expected as many"):
        datasets.load(tmp_path, target="de")
    lines(tmp_path, "a.de", ["ein Hund", " ", "ein Mann"])
    with pytest.raises(InputError, match=r"a\.de' line 2 is empty in a\.de only; .*skip"):
        datasets.load(tmp_path, target="de")
    lines(tmp_path, "a.de", [*SAID["de"] * 4, ""])
    lines(tmp_path, "a.en", [*SAID["en"] * 4, "one more"])
    data = datasets.load(tmp_path, target="de", on_bad_example="skip")
    assert len(data.train) + len(data.validation) + len(data.test) == 12
    assert "line 13 is empty in a.de only" in data.notes[0]


def test_columns_of_pairs(tmp_path):
    pd.DataFrame({"src": SAID["en"] * 9, "out": SAID["de"] * 9}).to_csv(
        tmp_path / "p.tsv", sep="\t", index=False
    )
    data = datasets.load(tmp_path / "p.tsv", task="sequence-to-sequence", target="out")
    assert data.spec.inputs == (datasets.Column("src", "text"),)
    with pytest.raises(InputError, match=r"Unknown target column 'fr'\. Expected one of: src, out"):
        datasets.load(tmp_path / "p.tsv", task="sequence-to-sequence", target="fr")
    with pytest.raises(InputError, match="has several columns of text: src, out; expected one"):
        datasets.load(tmp_path / "p.tsv", task="language-modelling")
    frame = pd.DataFrame({"src": ["a b", None, "c d"] * 9, "out": ["b a", "x y", "d c"] * 9})
    frame.to_csv(tmp_path / "gaps.csv", index=False)
    with pytest.raises(InputError, match=r"gaps\.csv' line 3 has nothing in 'src'; .*skip"):
        datasets.load(tmp_path / "gaps.csv", task="sequence-to-sequence", target="out")


@pytest.mark.parametrize("attention", ["luong", "bahdanau"])
def test_sequences_are_written_a_token_at_a_time_as_they_are_learned(attention):
    model = registry.create(
        "seq2seq-lstm", vocabulary_size=9, target_vocabulary_size=8, units=6, width=5,
        attention=attention,
    )  # fmt: skip
    source, target = np.array([[3, 4, 2, 0], [5, 6, 7, 2]]), np.array([[2, 3, 4], [2, 5, 6]])
    expected = model({"source": source, "target": target}, training=False).numpy()
    decoder = model.get_layer("decoder")
    fixed, state = decoder.begin(model.get_layer("encoder")(source, training=False), 9)
    for i in range(3):
        logits, state = decoder.step(target[:, i], fixed, state)
        np.testing.assert_allclose(logits, expected[:, i], atol=1e-6)
    longer = np.pad(source, [(0, 0), (0, 3)])
    padded = model({"source": longer, "target": target}, training=False).numpy()
    np.testing.assert_allclose(padded, expected, atol=1e-6)


def test_beams_find_what_greed_misses():
    following = np.full((6, 6), 1e-9)
    following[2, [3, 4]] = 0.6, 0.4  # the first is likelier, the second goes on better
    following[3, [2, 3, 5]] = 0.34, 0.33, 0.33
    following[4, 5] = following[5, 2] = 1.0
    logits = tf.constant(np.log(following), tf.float32)

    def search(beams):
        state, first = tf.zeros((2 * beams, 1)), tf.fill((2 * beams,), 2)
        step = lambda token, state: (tf.gather(logits, token), state)  # noqa: E731
        following, state = step(first, state)
        return beam_search(step, following, state, beams, tf.constant(5)).numpy()

    assert search(1)[0, :2].tolist() == [3, 0]
    assert search(4)[0, :3].tolist() == [4, 5, 0]
    np.testing.assert_array_equal(*search(4))


@pytest.fixture(scope="module")
def reversed_(tmp_path_factory):
    return api.train(
        "seq2seq-lstm", data="reverse", steps=60, set={"units": 16, "width": 16},
        run=tmp_path_factory.mktemp("reverse") / "run",
    )  # fmt: skip


@pytest.mark.slow
def test_what_is_written_is_measured(reversed_, tmp_path):
    result = api.evaluate(reversed_)
    assert {"bleu", "chrf", "exact"} < set(result["scores"])
    sample = result["tables"]["samples"][0]
    assert sample["expected"] == sample["source"][::-1]
    answers = api.predict(reversed_, {"source": ["a b c", ""]})
    assert answers["target"].shape == (2,)
    (tmp_path / "lines.txt").write_text("a b c\n\nc b a\n\n")
    assert len(api.predict(reversed_, tmp_path / "lines.txt")["target"]) == 3
    assert api.export(reversed_, "savedmodel", tmp_path / "out")["largest_difference"] == 0


def test_a_model_that_reads_no_text_is_refused(classified):
    with pytest.raises(InputError, match="Model 'mlp' reads numbers, and the data are text"):
        api.train("mlp", data=classified[0] / "opinions.csv", target="opinion")


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("mlp", {"data": "iris", "carry_state": True}, "Expected a recurrent language model"),
        ("gpt-nano", {"data": "python-docs", "carry_state": True}, "a recurrent language model"),
        (
            "lstm",
            {"data": "python-docs", "carry_state": True, "accumulate": 2},
            "--carry-state was given with several replicas or --accumulate",
        ),
        (
            "lstm",
            {"data": "python-docs", "carry_state": True, "batch_size": 5000},
            "with batches of 5000 windows",
        ),
        ("lstm", {"data": "iris", "tokenizer": "words"}, "--tokenizer received words"),
    ],
)
def test_what_texts_alone_have_is_refused_elsewhere(model, options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        api.train(model, run=tmp_path / "run", set={}, **options)


def test_a_text_shorter_than_a_window(tmp_path):
    (tmp_path / "a.txt").write_text("A short text. " * 10)
    with pytest.raises(
        InputError, match=r"100 tokens\. Expected more than the 128.*--sequence-length 50"
    ):
        api.train("lstm", data=tmp_path / "a.txt")


@pytest.mark.slow
def test_a_text_longer_than_memory_trains_alike(tmp_path, monkeypatch):
    from zoo.preprocessing import text

    (tmp_path / "a.txt").write_text("The quick brown fox jumps over the lazy dog. " * 80)
    options = {"data": tmp_path / "a.txt", "epochs": 2, "sequence_length": 16}
    options |= {"set": {"units": (8,)}, "batch_size": 8}
    kept = api.train("lstm", run=tmp_path / "kept", **options)
    monkeypatch.setattr(text, "LARGEST_KEPT", 10)
    read = api.train("lstm", run=tmp_path / "read", **options)
    for name in ("loss", "val_loss"):
        assert [row[name] for row in kept.log] == [row[name] for row in read.log]


@pytest.mark.slow
def test_carried_states_reach_the_next_window(tmp_path):
    """Each letter follows from the two before it, one of which a window of two has not."""
    random, numbers = np.random.default_rng(0), [0, 1]
    for i in range(6000):
        numbers.append(random.integers(8) if i % 20 == 0 else sum(numbers[-2:]) % 8)
    (tmp_path / "a.txt").write_text("".join("abcdefgh"[number] for number in numbers))
    options = {"data": tmp_path / "a.txt", "epochs": 6, "sequence_length": 2, "batch_size": 16}
    options |= {"learning_rate": 0.01, "set": {"units": (16,)}, "schedule": "constant"}
    losses = [
        api.train("lstm", run=tmp_path / str(carry), carry_state=carry, **options).log[-1]["loss"]
        for carry in (False, True)
    ]
    assert losses[1] < 0.8 * losses[0]


def remote(content, name):
    return fetch.Remote(f"https://nowhere/{name}", (hashlib.sha256(content).hexdigest(),))


def test_named_texts_from_a_mirror(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_MIRROR", str(tmp_path))
    words = json.dumps({"good": 1, "bad": 2, "film": 3}).encode()
    (tmp_path / "imdb").mkdir()
    (tmp_path / "imdb" / "words.json").write_bytes(words)
    x = np.empty(4, object)
    x[:] = [[1, 3], [2, 3], [3, 1], [3, 2]]
    path = tmp_path / "imdb" / "imdb.npz"
    np.savez(path, x_train=x, y_train=[1, 0, 1, 0], x_test=x[:2], y_test=[1, 0])
    content = path.read_bytes()
    monkeypatch.setattr(corpora, "IMDB", remote(content, "imdb.npz"))
    monkeypatch.setattr(corpora, "IMDB_WORDS", remote(words, "words.json"))
    data = datasets.load("imdb", validation_fraction=0.5)
    assert data.spec.classes == ("negative", "positive")
    assert data.test.batch([0, 1])["text"].tolist() == ["good film", "bad film"]
    assert data.test.targets().tolist() == [1, 0]


REAL = pytest.mark.skipif(
    not os.environ.get("ZOO_MIRROR"), reason="needs the files, in $ZOO_MIRROR"
)


@REAL
@pytest.mark.parametrize(
    ("name", "sizes", "first"),
    [
        ("tiny-shakespeare", (1, 1, 1), "First Citizen:"),
        ("multi30k", (29_000, 1014, 1000), "Two young, White males are outside near many bushes."),
    ],
)
def test_named_texts(name, sizes, first):
    data = datasets.load(name)
    assert (len(data.train), len(data.validation), len(data.test)) == sizes
    (text,) = data.train.batch([0]).values()
    assert str(text[0]).startswith(first)


def test_a_prompt_of_unknown_characters(zoo, trained):
    code, out, err = zoo(
        "generate", trained("text"), "--prompt", "The \N{SNOWMAN}", "--tokens", "3"
    )
    assert (code, out.startswith("The \N{SNOWMAN}")) == (0, True)
    assert "Note: 1 of the prompt's 5 tokens never came in the training text" in err


def test_texts_without_labels(tmp_path):
    frame = opinions(30)
    frame.loc[3:5, "opinion"] = None
    frame.to_csv(tmp_path / "some.csv", index=False)
    data = datasets.load(tmp_path / "some.csv", target="opinion")
    assert len(data.train) + len(data.validation) + len(data.test) == 27
    assert "3 of 30 rows are left out: their target is missing" in data.notes
    frame["opinion"] = None
    frame.to_csv(tmp_path / "none.csv", index=False)
    with pytest.raises(InputError, match="target 'opinion' is missing in all 30 rows"):
        datasets.load(tmp_path / "none.csv", target="opinion")


@pytest.mark.slow
def test_text_is_printed_as_it_is_written(trained):
    command = [Path(sys.executable).with_name("zoo"), "generate", str(trained("text"))]
    command += ["--prompt", "The ", "--tokens", "60", "--seed", "1"]
    parts = []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        while part := os.read(process.stdout.fileno(), 1 << 16):
            parts.append(part)
    assert process.returncode == 0
    whole = b"".join(parts).decode()
    assert parts[0].startswith(b"The ")
    assert whole == "The " + api.load(trained("text")).generate(["The "], 60, seed=1)[0] + "\n"
    assert len(parts) > 1
