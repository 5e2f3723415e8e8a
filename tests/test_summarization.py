"""Short texts for long ones: what is measured, and what it is measured beside."""

import numpy as np
import pytest

from zoo import api, datasets, tasks
from zoo.errors import InputError
from zoo.tasks.summarization import Summarization

BODIES = [
    "The first sentence says it. The second says more.",
    "Nothing of this is shared. Not even that!",
]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "long.tsv"
    words = np.random.default_rng(0).choice(list("abcdefgh"), size=(40, 6))
    rows = [f"{' '.join(row)} . {row[0]}\t{row[0]} {row[1]}" for row in words]
    path.write_text("\n".join(["article\tsummary", *rows]) + "\n")
    return path


@pytest.fixture
def spec(table):
    return datasets.load(table, task="summarization", target="summary").spec


@pytest.mark.slow
def test_docstrings_are_of_the_standard_library():
    docstrings = datasets.load("docstrings")
    assert (docstrings.spec.kind, docstrings.spec.task) == ("text", "summarization")
    texts = docstrings.train.batch(range(len(docstrings.train)))["body"]
    summaries = docstrings.train.targets()
    assert len(texts) > 1000
    assert len(set(texts)) == len(texts)
    assert all(len(text) >= 40 for text in texts)
    assert all("\n" not in summary for summary in summaries)


def test_pairs_allow_both_tasks(spec):
    assert set(tasks.possible(spec)) == {
        "summarization", "sequence-to-sequence", "sentence-embedding", "language-modelling",
    }  # fmt: skip
    can = ("sequence-to-sequence", "summarization")
    assert tasks.choose("m", can, spec, None) == "summarization"
    assert tasks.choose("m", can, spec, "sequence-to-sequence") == can[0]
    with pytest.raises(InputError, match="Model 'lstm' does classification"):
        tasks.choose("lstm", ("classification",), spec, "summarization")


def test_summaries_longer_than_their_texts_are_said(tmp_path):
    (tmp_path / "long.csv").write_text("text,summary\n" + "a b c,a\n" * 9 + "a,a b c\n")
    data = datasets.load(tmp_path / "long.csv", task="summarization", target="summary")
    assert "1 of 10 summaries are longer than their texts" in data.notes


def test_pictures_cannot_be_summarized():
    with pytest.raises(InputError, match="cannot do summarization") as caught:
        datasets.load("digits", task="summarization")
    assert "sequence-to-sequence" not in str(caught.value)


def test_rouge_is_that_of_the_definition(spec):
    task = Summarization(spec)
    expected = ["the first sentence", "other words"]
    written = ["the first the sentence", "none at all"]
    measured = task.measured(BODIES, expected, written)
    # 3 of 4 words and 3 of 3; the pair "the first"; "the first ... sentence" in order
    first = {"rouge_1": 2 * 0.75 / 1.75, "rouge_2": 2 * (1 / 3 * 1 / 2) / (1 / 3 + 1 / 2)}
    for name, value in {**first, "rouge_l": 2 * 0.75 / 1.75}.items():
        assert measured["scores"][name] == pytest.approx(100 * value / 2)
    assert measured["scores"]["length_ratio"] == pytest.approx((4 / 3 + 3 / 2) / 2)
    ours, lead = measured["tables"]["baselines"]
    assert (ours["summary"], lead["summary"]) == ("model", "lead-sentence")
    assert ours["rouge_l"] == measured["scores"]["rouge_l"]
    assert lead["rouge_l"] == pytest.approx(100 * 2 * (3 / 5) / (1 + 3 / 5) / 2)


@pytest.mark.slow
def test_from_a_table_to_a_measured_summary(table, tmp_path, zoo):
    run = tmp_path / "run"
    code, _, err = zoo(
        "train", "transformer-tiny", "--data", table, "--task", "summarization", "--target",
        "summary", "--set", "layers=1", "--set", "width=16", "--set", "hidden=16", "--set",
        "heads=2", "--steps", 20, "--run", run,
    )  # fmt: skip
    assert code == 0, err
    assert "lead-sentence" in err
    code, out, err = zoo("evaluate", run)
    assert code == 0, err
    for word in ("rouge_1", "rouge_2", "rouge_l", "lead-sentence", "expected", "written"):
        assert word in out
    assert api.predict(run, {"article": ["a b c . a", ""]})["summary"].shape == (2,)
