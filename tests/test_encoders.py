"""BERT and ViT: what they look at, what they refuse, and that they learn."""

from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest

import zoo
from zoo.errors import InputError
from zoo.layers.attention import SelfAttention, Sublayer
from zoo.training import choices

BERT = {"vocabulary_size": 11, "sequence_length": 9, "layers": 2, "heads": 2, "width": 8}
VIT = {"input_shape": (8, 8, 1), "classes": 3, "layers": 2, "heads": 2, "width": 8}
IDS = np.array([[5, 3, 7, 9], [4, 8, 2, 6]], "int32")


def padded(ids, more):
    return np.pad(ids, [(0, 0), (0, more)])


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_padding_changes_nothing(pooling):
    model = zoo.create("bert-tiny", **BERT, pooling=pooling)
    hidden, pooled = model(IDS, training=False)
    longer, same = model(padded(IDS, 4), training=False)
    np.testing.assert_allclose(hidden, longer[:, :4], atol=1e-5)
    np.testing.assert_allclose(pooled, same, atol=1e-5)


def test_a_class_comes_from_the_last_layers_first_token():
    tokens = zoo.create("bert-tiny", **BERT, pooling="first")
    classes = zoo.create("bert-tiny", **BERT, pooling="first", classes=3)
    *own, kernel, bias = classes.get_weights()
    tokens.set_weights(own)
    _, pooled = tokens(padded(IDS, 2), training=False)
    found = classes(padded(IDS, 2), training=False)
    np.testing.assert_allclose(found, pooled @ kernel + bias, atol=1e-6)


@pytest.mark.parametrize("after", [False, True])
def test_the_first_that_look_see_what_they_see_among_all(after):
    x = np.random.default_rng(0).normal(size=(2, 5, 8)).astype("float32")
    real = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], bool)
    found = []
    for looking in (None, 2):
        keras.utils.set_random_seed(0)
        attention = SelfAttention(2, key_heads=1, stddev=1.0, looking=looking)
        layer = Sublayer(attention, keras.layers.LayerNormalization(), after=after)
        assert layer(x, real=real).shape == layer.compute_output_shape(x.shape)
        found.append(layer(x, real=real))
    np.testing.assert_allclose(found[1], found[0][:, :2], atol=1e-5)


@pytest.mark.parametrize("more", [{"causal": True}, {"rotary": 10_000.0}])
def test_attention_that_cannot_leave_tokens_out(more):
    with pytest.raises(ValueError, match="neither causal nor rotary"):
        SelfAttention(2, looking=1, **more)


def test_every_token_sees_those_before_and_after_it():
    model = zoo.create("bert-tiny", **BERT)
    hidden, _ = model(IDS, training=False)
    for place in range(4):
        other = IDS.copy()
        other[:, place] = 1
        moved = np.abs(model(other, training=False)[0] - hidden).max(axis=(0, 2))
        assert (moved > 1e-6).all()


def test_the_mean_is_of_tokens_that_are_real():
    model = zoo.create("bert-tiny", **BERT)
    hidden, pooled = model(padded(IDS, 2), training=False)
    np.testing.assert_allclose(pooled, hidden[:, :4].numpy().mean(axis=1), atol=1e-5)


def test_a_text_of_nothing_but_padding_has_an_answer():
    model = zoo.create("bert-tiny", **BERT, classes=2)
    assert np.isfinite(model(np.zeros((1, 3), "int32"), training=False)).all()


def test_a_text_that_is_too_long_is_refused():
    model = zoo.create("bert-tiny", **BERT)
    with pytest.raises(ValueError, match=r"Expected at most 9 tokens. Received: 10"):
        model(np.ones((1, 10), "int32"))


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match=r"one of mean, first. Received: pooling='last'"):
        zoo.create("bert-tiny", **BERT, pooling="last")


@pytest.mark.parametrize(
    ("shape", "patch", "fits"),
    [((8, 8, 1), 16, 2), ((28, 28, 1), 16, 7), ((32, 48, 3), 0, 8), ((7, 5, 1), 2, 1)],
)
def test_a_patch_that_does_not_fit_is_refused_with_one_that_does(shape, patch, fits):
    with pytest.raises(ValueError, match=f"as patch={fits} does. Received: patch={patch}"):
        zoo.create("vit-tiny-16", **{**VIT, "input_shape": shape, "patch": patch})
    model = zoo.create("vit-tiny-16", **{**VIT, "input_shape": shape, "patch": fits})
    assert model.output_shape == (None, 3)


def test_the_class_token_sees_every_patch():
    model = zoo.create("vit-tiny-16", **VIT, patch=4)
    picture = np.random.default_rng(0).random((1, 8, 8, 1), "float32")
    before = model(picture, training=False).numpy()
    for row in (0, 4):
        for column in (0, 4):
            other = picture.copy()
            other[:, row : row + 4, column : column + 4] = 0
            assert np.abs(model(other, training=False) - before).max() > 1e-6


@pytest.mark.parametrize(
    ("asked", "family", "kind", "lengths", "expected"),
    [
        ("auto", "transformer", "text", None, True),
        ("auto", "transformer", "image", None, True),
        ("auto", "transformer", "table", None, False),
        ("auto", "transformer", "text", np.ones(3), False),
        ("auto", "rnn", "text", None, False),
        ("on", "transformer", "text", np.ones(3), True),
        ("off", "transformer", "text", None, False),
    ],
)
def test_what_gains_nothing_is_not_compiled_unasked(asked, family, kind, lengths, expected):
    feed = SimpleNamespace(lengths=lengths)
    assert choices.choose_jit(asked, family, kind, feed, None) is expected


def test_tokens_are_asked_for_where_data_are_numbers():
    with pytest.raises(InputError, match="Model 'bert-tiny' reads tokens, and the data are no"):
        zoo.train("bert-tiny", data="iris")


def texts(folder):
    """Write short texts, of which those with a 'not' mean the other thing; return the path."""
    random = np.random.default_rng(0)
    rows = []
    for _ in range(1000):
        words = list(random.choice(["film", "very", "was", "the", "it"], random.integers(1, 9)))
        good, turned = random.integers(2, size=2)
        words.insert(int(random.integers(len(words) + 1)), "good" if good else "bad")
        if turned:
            words.insert(int(random.integers(len(words) + 1)), "not")
        rows.append((" ".join(words), "yes" if good != turned else "no"))
    path = folder / "texts.csv"
    pd.DataFrame(rows, columns=["text", "liked"]).to_csv(path, index=False)
    return str(path)


@pytest.mark.slow
def test_bert_learns_what_no_single_word_says(tmp_path):
    run = zoo.train(
        "bert-tiny", data=texts(tmp_path), kind="text", target="liked", epochs=30,
        set={"width": 32, "dropout": 0.0}, run=str(tmp_path / "run"), learning_rate=3e-3,
    )  # fmt: skip
    assert zoo.evaluate(run)["scores"]["accuracy"] > 0.95


@pytest.mark.slow
def test_vit_learns_digits(tmp_path):
    run = zoo.train(
        "vit-tiny-16", data="digits", epochs=15, run=str(tmp_path / "run"), learning_rate=2e-3,
        set={"patch": 2, "layers": 3, "width": 48},
    )  # fmt: skip
    assert zoo.evaluate(run)["scores"]["accuracy"] > 0.9
