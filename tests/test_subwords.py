"""Subwords: learned, matched alike by three matchers, and wherever a tokenizer goes."""

import itertools
import random
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from zoo import api
from zoo.datasets.text import TextSplit, pieces
from zoo.errors import InputError
from zoo.exporters import parity
from zoo.generation import sampling
from zoo.preprocessing import subwords, tokenizers
from zoo.preprocessing.pairs import PairPreprocessor
from zoo.preprocessing.tokenizers import RESERVED, Subwords

FACES = "\N{GRINNING FACE}\N{THUMBS UP SIGN}\U0001f3fd\U0001f469\u200d\U0001f680"
TEXTS = [
    "The quick brown fox jumps over the lazy dog; the quicker foxes jumped.\n\n    def f(x):\n"
    "        return x  # 1,000 and 1,024\n" * 5,
    f"naïve cafés, Übergrößen, 日本語の文字 日本語の文, e\N{COMBINING ACUTE ACCENT}te {FACES}\n"
    * 5,
]
ALPHABETS = [
    "ab e", " \t\n\r\x0b\x0c\x1c\x85\xa0\u2003\u3000", "the quick \n", "0123456789.,; ",
    FACES + " \ufe0f", "e\u0301\u0308\u0327 ñé", "日本語の文字 ", "\x00 a\ufffd\ufeff",
    "".join(map(chr, [*range(0x20), 0x7F])), "A\u03b1\u0416\u05d0\u0e01\uac00\U0010ffff",
]  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizers.from_json(Subwords.fit(TEXTS, 380).to_json())


def by_hand(vocabulary, text):
    """Return the ids of bytes, in the words of the module's docstring."""
    numbers = {token.encode("latin-1"): i + RESERVED for i, token in enumerate(vocabulary)}
    blank, letter = rb"[\t-\r ]", rb"[A-Za-z\x80-\xff]"
    word = rb" ?(?:%b+|\d+|(?:(?!%b|\d|%b).)+)|%b+?(?= ?(?!%b).|\Z)" % (
        letter,
        letter,
        *[blank] * 3,
    )
    ids = []
    for rest in re.findall(word, text, re.DOTALL):
        while rest:
            longest = next(rest[:n] for n in range(32, 0, -1) if rest[:n] in numbers)
            ids.append(numbers[longest])
            rest = rest[len(longest) :]
    return ids


def fuzzed(count):
    """Return texts and bytes of all kinds."""
    source, texts = random.Random(0), []
    for number in range(count):
        length, kind = source.randrange(25), number % (len(ALPHABETS) + 3)
        if kind < len(ALPHABETS):
            texts.append("".join(source.choices(ALPHABETS[kind], k=length)).encode())
        elif kind == len(ALPHABETS):
            texts.append(source.randbytes(length))
        else:
            start = source.randrange(len(TEXTS[0]))
            texts.append(TEXTS[kind % 2].encode()[start : start + length])  # within a character
    return texts


@pytest.mark.slow
def test_three_matchers_agree(tokenizer):
    texts = [b"", b" ", b"  ", b"a" * 5000, b" \xc3" * 999, b"\xff\xfe", *fuzzed(10_000), b""]
    expected = [by_hand(tokenizer.vocabulary, text) for text in texts]
    assert tokenizer.ids(tf.constant(texts)).to_list() == expected
    assert [ids.tolist() for ids in tokenizers.encode(tokenizer, texts)] == expected
    assert tokenizer.ids(tf.constant([], tf.string)).to_list() == []
    used = {number for ids in expected for number in ids}
    assert len(used) > 0.8 * tokenizer.size  # else the test says little


def test_long_texts_are_cut_in_blocks_alike(tokenizer, monkeypatch):
    monkeypatch.setattr(subwords, "BLOCK", 7)
    monkeypatch.setattr(subwords, "KEPT", 50)
    texts = [*TEXTS, b"a  b \n  c" * 20, "long" * 50]
    expected = tokenizer.ids(tf.constant(texts)).to_list()
    encode = tokenizer.encoder()
    for _ in range(2):  # the second time some words are known
        tokens, splits = encode(texts)
        assert [ids.tolist() for ids in np.split(tokens, splits[1:-1])] == expected


def test_what_is_a_word():
    assert re.findall(subwords.WORD, "To be,  or\n\n  not\t2 b3! ") == [
        "To", " be", ",", " ", " or", "\n\n ", " not", "\t", "2", " b", "3", "!", " ",
    ]  # fmt: skip


def test_texts_come_back(tokenizer):
    texts = [text for text in fuzzed(3000) if text.decode(errors="replace").encode() == text]
    points = [*range(0xD800), *range(0xE000, 0x110000)]
    source = random.Random(1)
    texts += ["".join(map(chr, source.choices(points, k=20))).encode() for _ in range(500)]
    assert len(texts) > 2000
    ids = tokenizer.ids(tf.constant(texts)).to_tensor()
    assert tokenizer.strings(ids).numpy().tolist() == texts
    broken = tokenizer.strings(tokenizer.ids(tf.constant([b"a\xffb"])).to_tensor())
    assert broken.numpy()[0].decode() == "a\ufffdb"


def test_frequent_words_are_one_token(tokenizer):
    assert tokenizer.size == 380
    assert tokenizer.vocabulary[:256] == [*map(chr, range(256))]
    (ids,) = tokenizer.ids(tf.constant([" quick cafés"])).to_list()
    assert [tokenizer.vocabulary[number - RESERVED] for number in ids] == [
        " quick", " cafés".encode().decode("latin-1"),
    ]  # fmt: skip


def test_what_is_learned_depends_on_nothing_but_the_texts():
    once, again = (Subwords.fit(iter(TEXTS), 400).vocabulary for _ in range(2))
    assert once == again
    assert Subwords.fit(pieces(TEXTS, 100), 400).vocabulary[:256] == once[:256]
    assert len(Subwords.fit(["ab"], 8000).vocabulary) == 256  # a pair seen once is none


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a language model barely trained, of a text that is other at its end."""
    folder = tmp_path_factory.mktemp("subwords")
    text = "\n".join(TEXTS * 3)
    (folder / "a.txt").write_text(text + "zzyzx\n" * (len(text) // 15), encoding="utf-8")
    return api.train("lstm", **options(folder / "a.txt", folder / "run"))


def test_only_training_texts_are_learned_from(trained):
    vocabulary = api.load(trained).preprocessor.tokenizer.vocabulary
    assert " quick" in vocabulary
    assert not any("zz" in token for token in vocabulary)


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        ([*map(chr, range(256)), "ab", "ab"], "a token twice"),
        ([*map(chr, range(255)), "ab"], "lacks a single byte"),
        ([*map(chr, range(256)), ""], "a token that is none"),
        ([*map(chr, range(256)), 7], "a token that is none"),
        ([*map(chr, range(256)), "a\u0100"], "no short byte string"),
        ([*map(chr, range(256)), "a" * 33], "no short byte string"),
    ],
)
def test_vocabularies_that_are_none(vocabulary, message):
    with pytest.raises(ValueError, match=message):
        tokenizers.from_json({"name": "subwords", "vocabulary": vocabulary})


def test_a_vocabulary_without_room_for_subwords(refused, tmp_path):
    (tmp_path / "a.txt").write_text("some words " * 200)
    command = ("train", "lstm", "--data", "a.txt", "--tokenizer", "subwords", "--vocabulary-size")
    message = refused(*command, "259")
    assert "--vocabulary-size received 259 for subwords. Expected 260 or more" in message
    assert Subwords.fit(["ab ab"], 260).vocabulary[256:] == ["ab"]


def test_the_package_that_learns_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(InputError, match=r"'tokenizers'.*pip install 'keras-zoo\[text\]'"):
        Subwords.fit(TEXTS, 400)


def test_any_nodes_find_their_places():
    source = random.Random(0)
    tokens = {source.randbytes(source.randrange(2, 6)) for _ in range(3000)}
    tokens |= {bytes([255]) * n for n in range(2, 30)} | {bytes([0, byte]) for byte in range(256)}
    tokens = [*(bytes([byte]) for byte in range(256)), *sorted(tokens)]
    nodes, first = subwords._placed(tokens)
    assert len(set(nodes.values())) == len(nodes)
    assert all(nodes[p] == first[p[:-1]] + p[-1] for p in nodes if p)
    text = b"".join(tokens[::7])
    numbers = subwords.Matcher(tokens)(tf.constant([text])).to_list()[0]
    vocabulary = [token.decode("latin-1") for token in tokens]
    assert [number + RESERVED for number in numbers] == by_hand(vocabulary, text)


def options(data, run):
    return {
        "data": data, "run": run, "tokenizer": "subwords", "vocabulary_size": 300, "epochs": 1,
        "sequence_length": 16, "set": {"units": (8,)},
    }  # fmt: skip


ALONE = """
import sys
import tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
out = loaded.signatures["generate"](prompt=tf.constant(["The "]), tokens=tf.constant(30),
    temperature=tf.constant(1.0), top_k=tf.constant(0), top_p=tf.constant(1.0),
    repetition_penalty=tf.constant(1.0),
    seed=tf.constant(4))
score = loaded.signatures["serving_default"](text=tf.constant(["The fox \\N{ROCKET}", ""]))
assert not any(name.split(".")[0] in ("zoo", "tokenizers") for name in sys.modules)
print(repr(out["text"].numpy()[0]), score["tokens"].numpy().tolist())
"""


@pytest.mark.slow
def test_a_language_model_stands_alone(trained, tmp_path, monkeypatch):
    predictor = api.load(trained)
    monkeypatch.setattr(
        parity, "_in_fresh_process", lambda path, raw: parity.answer(api.load(path), raw)
    )
    api.export(trained, "savedmodel", tmp_path / "out")
    command = [sys.executable, "-I", "-c", ALONE, tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (text,) = predictor.generate(["The "], 30, temperature=1.0, seed=4)
    encoded = predictor.preprocessor.tokenizer.ids(tf.constant(["The fox \N{ROCKET}", ""]))
    assert done.stdout.strip() == f"{text.encode()!r} {encoded.row_lengths().numpy().tolist()}"


def test_what_is_shown_only_grows(tokenizer):
    text = "a \N{SNOWMAN}\N{CAT FACE} 한국 þ\n"  # most of it never seen
    ids = tokenizer.ids(tf.constant([text]))
    assert len(ids[0]) > len(text)
    parts = [tokenizer.strings(ids[:, :n].to_tensor()).numpy()[0] for n in range(len(ids[0]) + 1)]
    shown = [sampling.shortened(part.decode(), (), whole=False) for part in parts]
    assert shown[-1] == text
    assert all(later.startswith(sooner) for sooner, later in itertools.pairwise(shown))


@pytest.mark.slow
def test_classes_of_texts(tmp_path):
    rows = [
        (f"the film was {word} indeed {i}", word) for i, word in enumerate(["fine", "dull"] * 60)
    ]
    pd.DataFrame(rows, columns=["review", "opinion"]).to_csv(tmp_path / "a.csv", index=False)
    run = api.train(
        "gru", target="opinion", learning_rate=0.05,
        **{**options(tmp_path / "a.csv", tmp_path / "run"), "epochs": 6},
    )  # fmt: skip
    assert api.predict(run, {"review": ["a fine film"]})["label"].tolist() == ["fine"]


def test_pairs_have_a_vocabulary_each():
    texts = (["one dog", "two dogs", "dogs"] * 5, ["ein Hund", "zwei Hunde", "Hunde"] * 5)
    split = TextSplit(texts[0], np.arange(15), "en", np.array(texts[1], object))
    spec = type("Spec", (), {"inputs": [type("Column", (), {"name": "en"})]})
    made = PairPreprocessor.fit(
        spec, split, tokenizer="subwords", vocabulary_size=300, sequence_length=20
    )
    assert "dog" in made.source.vocabulary
    assert "Hund" in made.target.vocabulary
    kept, served = made.encode_split(split)["source"], made.encode({"en": tf.constant(texts[0])})
    assert served["source"].to_list() == kept.to_list()
