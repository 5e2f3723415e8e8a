"""`zoo generate` of a Transformer: beams, conversations, and where it looked."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from zoo import api
from zoo.predictors import writing

SIZE = {"layers": 2, "heads": 2, "width": 16}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("said")
    (folder / "said.txt").write_text("who are you?\n\nI am the zoo.\n\n" * 40)
    return api.train(
        "gpt-nano", data=folder / "said.txt", steps=60, learning_rate=0.02, sequence_length=16,
        batch_size=16, jit="off", set=SIZE, run=folder / "run",
    )  # fmt: skip


@pytest.fixture
def say(monkeypatch):
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.mark.slow
def test_beams_write_the_likeliest_text(zoo, run):
    code, out, err = zoo("generate", run, "--prompt", "who are", "--tokens", 8, "--beams", 4)
    assert (code, err) == (0, "")
    assert out == "who are" + api.load(run).generate(["who are"], 8, beams=4)[0] + "\n"
    code, _, err = zoo("generate", run, "--beams", 4, "--top-k", 2)
    assert code == 2
    assert "--top-k was given with --beams, which draws nothing" in err


@pytest.mark.slow
def test_a_conversation_stays_in_the_context(zoo, run, say):
    say("who are you?\nand who?\n")
    command = ("generate", run, "--chat", "--temperature", 0, "--tokens", 20, "--stop", "\n")
    code, out, err = zoo(*command)
    assert code == 0
    assert "Note: the model sees the last 16 of the prompt's 23 tokens\n" in err
    assert err.count("the model sees") == 1
    first, second = out.splitlines()
    context = "who are you?\n"
    predictor = api.load(run)
    assert predictor.generate([context], 20, temperature=0.0, stop=["\n"]) == [first]
    context += first + "\n" + "and who?\n"
    assert predictor.generate([context], 20, temperature=0.0, stop=["\n"]) == [second]
    say("who are you?\n")
    code, out, _ = zoo(*command, "--json")
    assert json.loads(out) == {"prompt": "who are you?", "texts": [first]}


@pytest.mark.slow
def test_what_has_no_part_in_a_conversation_or_ends_nothing(zoo, run):
    for more, said in (
        (("--chat", "--count", 2), "--count was given with --chat. Expected none."),
        (("--chat", "--attention", "a.png"), "--attention was given with --chat."),
        (("--stop", ""), "--stop received ''. Expected a text of one character at least."),
    ):
        code, out, err = zoo("generate", run, *more)
        assert (code, out) == (2, "")
        assert said in err


@pytest.mark.slow
def test_where_it_looked_is_drawn(zoo, run, tmp_path):
    tokens, weights = writing.attention(api.load(run), "who are")
    assert tokens == ["<start>", *"who\N{OPEN BOX}are"]
    assert weights.shape == (2, 2, 8, 8)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
    path = tmp_path / "looked.png"
    command = ("generate", run, "--prompt", "who", "--tokens", 4, "--attention", path)
    code, _, err = zoo(*command)
    assert code == 0, err
    assert str(path) in err
    with Image.open(path) as image:
        assert min(image.size) > 300
    code, _, err = zoo(*command[:-1], tmp_path / "looked.txt")
    assert code == 2
    assert "Expected a file ending in .png" in err


@pytest.mark.slow
def test_prompts_longer_than_the_context_and_empty_ones(zoo, run, trained):
    code, out, err = zoo("generate", run, "--prompt", "who are you? " * 3, "--tokens", 4)
    assert code == 0
    assert err == "Note: the model sees the last 16 of the prompt's 39 tokens\n"
    assert out.startswith("who are you? " * 3)
    code, out, err = zoo("generate", run, "--tokens", 4)
    assert (code, err) == (0, "")
    assert 1 <= len(out) <= 5


@pytest.mark.slow
def test_what_has_no_attention_or_no_beams(zoo, trained, run, tmp_path):
    code, _, err = zoo("generate", trained("text"), "--attention", tmp_path / "a.png")
    assert code == 2
    assert "looks back by attention. Try gpt-nano" in err
    api.export(run, "savedmodel", tmp_path / "out")
    code, out, err = zoo("generate", tmp_path / "out", "--beams", 3)
    assert (code, out) == (2, "")
    assert "--beams received 3 for an artifact" in err
