"""BERT's tokens: what becomes of a text, and that transformers cuts it alike."""

import json
import os
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from zoo.errors import InputError
from zoo.preprocessing import tokenizers, wordpiece
from zoo.preprocessing.wordpiece import WordPiece

VOCABULARY = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "##a", "cafe", "a", "a##", "b",
    "!", "-", "'", "東", "京", "want", "##want", "##ed", "wa", "\u03c3",
]  # fmt: skip
PEER = """
import json, sys, transformers
tokenizer = transformers.BertTokenizer.from_pretrained(sys.argv[1])
texts = json.load(open(sys.argv[1] + "/texts.json"))
json.dump([tokenizer(t)["input_ids"] for t in texts], open(sys.argv[1] + "/ids.json", "w"))
"""


@pytest.fixture(scope="module")
def tokenizer():
    return WordPiece(VOCABULARY)


def tokens(tokenizer, text):
    """Return the tokens of one text in words, without the first and the last."""
    ids = tokenizer.ids(tf.constant([text]))[0].numpy()
    assert (ids[0], ids[-1]) == (2, 3)
    return [VOCABULARY[i] for i in ids[1:-1]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unaffable", ["un", "##aff", "##able"]),
        ("UNwanted!", ["un", "##want", "##ed", "!"]),
        ("Café a-b", ["cafe", "a", "-", "b"]),
        ("cafe\u0301", ["cafe"]),  # the accent as a character of its own
        ("a\tb\u00a0a\u200bb", ["a", "b", "[UNK]"]),
        ("a\u0000\ufffd b\ue000", ["a", "b"]),
        ("東京a", ["東", "京", "a"]),
        ("unx un", ["[UNK]", "un"]),  # one piece missing, all unknown
        ("wax", ["[UNK]"]),
        ("a" * 100, ["a", *["##a"] * 99]),
        ("a" * 101, ["[UNK]"]),
        ("\u03a3", ["\u03c3"]),
        ("'a'", ["'", "a", "'"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_tokens(tokenizer, text, expected):
    assert tokens(tokenizer, text) == expected


def test_texts_do_not_mix(tokenizer):
    found = tokenizer.ids(tf.constant(["un", "", "unaffable unx", "b"]))
    assert found.to_list() == [[2, 4, 3], [2, 3], [2, 4, 5, 6, 1, 3], [2, 11, 3]]
    assert tokenizer.ids(tf.constant([], tf.string)).to_list() == []


def test_bytes_that_are_no_text_are_left_out(tokenizer):
    assert tokens(tokenizer, b"a\xff b") == ["a", "b"]


def test_strings_join_what_was_cut(tokenizer):
    ids = tf.constant([[2, 4, 5, 6, 12, 3, 0], [2, 11, 3, 0, 0, 0, 0]])
    assert tokenizer.strings(ids).numpy().tolist() == [b"unaffable !", b"b"]


def test_it_is_rebuilt_from_json(tokenizer):
    again = tokenizers.from_json(json.loads(json.dumps(tokenizer.to_json())))
    text = tf.constant(["unaffable cafe"])
    assert again.ids(text).to_list() == tokenizer.ids(text).to_list()


def write(folder, vocabulary, **said):
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    return folder


def test_a_directory_is_read(tmp_path):
    assert wordpiece.read(tmp_path) is None
    assert wordpiece.read(write(tmp_path, VOCABULARY)).vocabulary == VOCABULARY


@pytest.mark.parametrize(
    ("vocabulary", "said", "reason"),
    [
        (VOCABULARY, {"do_lower_case": False}, "it keeps capital letters"),
        (VOCABULARY[1:], {}, "does not begin with"),
        (VOCABULARY[:3], {}, "or lacks"),
        ([*VOCABULARY, "un"], {}, "a token twice"),
    ],
)
def test_another_vocabulary_is_refused(tmp_path, vocabulary, said, reason):
    with pytest.raises(InputError, match=f"Cannot use the tokens of .*{reason}"):
        wordpiece.read(write(tmp_path, vocabulary, **said))


def test_transformers_cuts_alike(tmp_path):
    python = os.environ.get("ZOO_TRANSFORMERS_PYTHON")
    if not python:
        pytest.skip("ZOO_TRANSFORMERS_PYTHON names no interpreter with transformers")
    # Letters of some scripts, and marks; newer signs are classed otherwise by older tables.
    letters = [chr(p) for p in [*range(32, 0x250), *range(0x370, 0x530), *range(0xAC00, 0xAD00)]]
    singles = [a + b for b in letters for a in ("", "##")]
    parts = ["un", "want", "ed", "able", " ", "-", "'", "\u00c9", "東", "!", "aff", "a", "B", "\t"]
    random = np.random.default_rng(0)
    texts = ["".join(random.choice([*parts, *letters], 20)) for _ in range(300)]
    texts += ["".join(random.choice(parts, 20)) for _ in range(200)]
    vocabulary = [*dict.fromkeys([*VOCABULARY, *(s for s in singles if not s.endswith(" "))])]
    write(tmp_path, vocabulary, do_lower_case=True)
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    subprocess.run([python, "-c", PEER, tmp_path], check=True, capture_output=True)
    expected = json.loads((tmp_path / "ids.json").read_text())
    assert WordPiece(vocabulary).ids(tf.constant(texts)).to_list() == expected
