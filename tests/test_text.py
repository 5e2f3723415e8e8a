"""Text to tokens and back, as it is kept and as it is served."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo import preprocessing
from zoo.datasets import text
from zoo.datasets.base import Column, Spec
from zoo.datasets.text import TextSplit
from zoo.preprocessing import tokenizers
from zoo.preprocessing.pairs import PairPreprocessor
from zoo.preprocessing.text import CorpusPreprocessor, TextPreprocessor
from zoo.preprocessing.tokenizers import BOUNDARY, PADDING, UNKNOWN

TEXTS = ["To be, or not to be", "naïve café", "emoji \N{GRINNING FACE}\N{SNOWMAN} end", "\ttab\n"]
SPEC = Spec("text", (Column("text", "text"),), (), "language-modelling")


def fitted(name, texts=TEXTS, largest=1000):
    tokenizer = tokenizers.TOKENIZERS[name].fit(iter(texts), largest)
    return tokenizers.from_json(tokenizer.to_json())


def corpus(sequence_length=8, texts=TEXTS, tokenizer="characters"):
    made = CorpusPreprocessor.fit(
        SPEC, TextSplit.of(texts), tokenizer=tokenizer, vocabulary_size=1000,
        sequence_length=sequence_length,
    )  # fmt: skip
    return preprocessing.from_json(made.to_json())


def back(tokenizer, *strings):
    ids = tokenizer.ids(tf.constant(strings)).to_tensor(PADDING)
    return [one.decode() for one in tokenizer.strings(ids).numpy()]


@pytest.mark.parametrize("name", ["characters", "bytes"])
def test_text_comes_back_as_it_was(name):
    tokenizer = fitted(name)
    assert back(tokenizer, *TEXTS, "") == [*TEXTS, ""]
    ids = tokenizer.ids(tf.constant(TEXTS)).flat_values.numpy()
    assert ids.min() > BOUNDARY
    assert ids.max() < tokenizer.size


def test_words_come_back_in_lower_case_with_their_marks():
    texts = ["Don't stop; it's 5 o'clock (really).", "„Gut“, sagt sie: ja!", "a well-known man"]
    expected = ["don't stop; it's 5 o'clock (really).", "„gut“, sagt sie: ja!", "a well-known man"]
    tokenizer = fitted("words", texts)
    assert "don't" in tokenizer.vocabulary
    assert "well-known" in tokenizer.vocabulary
    found = back(tokenizer, *texts)
    assert [found[0], found[2]] == [expected[0], expected[2]]
    assert found[1].replace(" ", "") == expected[1].replace(" ", "")


def test_what_was_never_seen_is_one_token():
    tokenizer = fitted("characters")
    assert tokenizer.ids(tf.constant(["bX\N{ROCKET}e"]))[0].numpy()[1:3].tolist() == [UNKNOWN] * 2
    assert back(tokenizer, "bX\N{ROCKET}e") == ["b\ufffd\ufffde"]
    assert UNKNOWN in tokenizer.ids(tf.constant([b"b\xff"]))[0].numpy()
    words = fitted("words")
    assert words.ids(tf.constant(["never seen"]))[0].numpy().tolist() == [UNKNOWN] * 2
    assert back(fitted("bytes"), "\N{ROCKET} never") == ["\N{ROCKET} never"]


def test_the_most_frequent_tokens_are_known():
    words = fitted("words", ["c b a", "c b", "c d"], largest=5)
    assert words.vocabulary == ["c", "b"]
    assert fitted("characters", ["cba", "cb", "cd"], largest=5).vocabulary == ["b", "c"]


@pytest.mark.parametrize("name", ["characters", "bytes", "words"])
@settings(max_examples=40, deadline=None)
@given(strings=st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_kept_and_served_tokens_are_equal(name, strings):
    strings = [one.encode("utf-8", "replace").decode() for one in strings]
    tokenizer = _FITTED.setdefault(name, fitted(name))
    served = tokenizer.ids(tf.constant(strings)).to_list()
    assert [ids.tolist() for ids in tokenizers.encode(tokenizer, strings)] == served


_FITTED = {}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"name": "characters", "vocabulary": ["a", "a"]}, "a token twice"),
        ({"name": "words", "vocabulary": ["a", ""]}, "a token that is none"),
        ({"name": "words", "vocabulary": [1]}, "a token that is none"),
    ],
)
def test_vocabularies_that_are_none(state, message):
    with pytest.raises(ValueError, match=message):
        tokenizers.from_json(state)


def test_running_text_is_one_sequence_of_windows():
    made = corpus(5, ["abcdefg", "", "hi"])
    split = TextSplit.of(["abcdefg", "", "hi"])
    kept = made.encode_split(split)
    a = 3  # the first letter
    expected = [2, *range(a, a + 7), 2, 2, a + 7, a + 8, 2]
    assert kept["tokens"].tolist() == [*expected, *[PADDING] * (16 - len(expected))]
    assert made.rows(kept) == 3
    windows = made.take(kept, tf.constant([0, 1, 2]))["ids"].numpy()
    assert windows.shape == (3, 6)
    assert windows[1:, 0].tolist() == windows[:-1, -1].tolist()  # each token is predicted once
    read, size = made.reader(split)
    assert size == 3
    streamed = np.stack([read(tf.constant(row))["ids"] for row in range(3)])
    np.testing.assert_array_equal(streamed, windows)


def test_served_windows_predict_every_token_once():
    made = corpus(5)
    strings = ["To be, or not to be", "T", "", "be or "]
    ids = made.encode({"text": tf.constant(strings)})["ids"]
    windows, owner = (x.numpy() for x in made.windows(ids))
    for row, one in enumerate(strings):
        own = windows[owner == row]
        assert own[0, 0] == BOUNDARY
        following = own[:, 1:].reshape(-1)
        assert following[following != PADDING].tolist() == ids[row].numpy()[1:].tolist(), one


def test_texts_for_a_class_are_cut_and_padded():
    made = TextPreprocessor.fit(
        SPEC, TextSplit.of(TEXTS), tokenizer="words", vocabulary_size=1000, sequence_length=4
    )
    tensors = made.tensors(made.encode({"text": tf.constant(["to be or not to be", "", "be"])}))
    assert tensors.shape == (3, 4)
    assert (tensors.numpy() > 0).sum(axis=1).tolist() == [4, 0, 1]
    assert made.tensors(made.encode({"text": tf.constant([""])})).shape == (1, 1)
    encoded = made.encode_split(TextSplit.of(TEXTS))
    assert made.lengths(encoded).tolist() == [4, 2, 4, 1]


def test_pairs_have_boundaries():
    split = TextSplit(["a b c", "b"], np.arange(2), "text", np.array(["x", "y x"], dtype=object))
    made = PairPreprocessor.fit(
        SPEC, split, tokenizer="words", vocabulary_size=100, sequence_length=2
    )
    encoded = preprocessing.from_json(made.to_json()).encode_split(split)
    assert encoded["source"].to_list() == [[4, 3, 2], [3, 2]]  # b is the most frequent one
    assert encoded["target"].to_list() == [[2, 3, 2], [2, 4, 3, 2]]
    assert made.lengths(encoded).tolist() == [[3, 3], [2, 4]]
    served = made.encode({"text": tf.constant(["a b c", "b"])})
    assert served["source"].to_list() == encoded["source"].to_list()


@pytest.mark.parametrize("size", [1, 7, 30, 1000])
def test_pieces_join_to_the_whole(tmp_path, size):
    whole = "\n\n".join(f"Paragraph {i} ünï \N{ROCKET}\nline two" for i in range(20))
    path = tmp_path / "a.txt"
    path.write_text(whole, encoding="utf-8")
    for document in (whole, text.read_text(path).documents[0]):
        parts = list(text.cut(document, size))
        assert "".join(map(str, parts)) == whole
        assert all(len(part) <= size + 4 for part in parts)
