"""Texts written a token at a time: caches change nothing but the time, and draws are as told."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.generation import engines, sampling
from zoo.layers import caching
from zoo.preprocessing.text import CorpusPreprocessor
from zoo.preprocessing.tokenizers import BOUNDARY, PADDING, UNKNOWN, Bytes

WIDTH = 32
HOW = {"temperature": 0.0, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0, "seed": 1}
CAUSAL = ["gpt-nano", "llama-nano"]


def build(name, width=WIDTH, layers=2, **options):
    options = {"heads": 4, "width": 16, "layers": layers, **options}
    model = zoo.create(name, vocabulary_size=Bytes.size, sequence_length=width, **options)
    random = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(random.normal(scale=0.3, size=weight.shape))
    return model


def preprocessor(width=WIDTH):
    return CorpusPreprocessor("text", Bytes().to_json(), width)


def how(**changes):
    kinds = {"top_k": tf.int32, "seed": tf.int32}
    return {
        name: tf.constant(value, kinds.get(name, tf.float32))
        for name, value in {**HOW, **changes}.items()
    }


def written(model, prompts, tokens, width=WIDTH, stop=(), **changes):
    stream = sampling.Stream(model, preprocessor(width))
    *_, last = stream(prompts, tokens, stop, how(**changes))
    return last


@pytest.fixture(params=CAUSAL)
def model(request):
    return build(request.param)


@pytest.fixture(scope="module")
def small():
    """Build what XLA compiles in a second or two."""
    return build("gpt-nano", layers=1)


def test_a_cache_changes_no_logits(model):
    ids = tf.ragged.constant([[5, 6, 7], [8], [9, 10, 11, 12, 13, 14]], dtype=tf.int32)
    ours, theirs = engines.Cached(model, WIDTH), engines.Windowed(model, WIDTH)
    assert isinstance(engines.create(model, WIDTH), engines.Cached)
    (found, state), (expected, window) = (e.begin(ids, tf.constant(20)) for e in (ours, theirs))
    random = np.random.default_rng(0)
    for _ in range(26):  # until the longest text fills the model
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        token = tf.constant(random.integers(3, 50, size=3), tf.int32)
        (found, state), (expected, window) = ours.step(token, state), theirs.step(token, window)


def test_a_text_that_outgrows_the_model_goes_on_from_its_last_half(model):
    engine = engines.Cached(model, WIDTH)
    ids = np.random.default_rng(0).integers(3, 50, size=(2, WIDTH)).astype("int32")
    ragged = tf.RaggedTensor.from_tensor(ids, lengths=[WIDTH, 5])
    _, state = engine.begin(ragged, tf.constant(100))
    token = tf.constant([7, 9], tf.int32)
    found, _ = engine.step(token, engine.renew(state))
    half = tf.ragged.constant([[*ids[0, WIDTH // 2 :], 7], [*ids[1, :5], 9]], dtype=tf.int32)
    expected, _ = engine.begin(half, tf.constant(1))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_state_with_room_is_not_read_again(model):
    engine = engines.Cached(model, WIDTH)
    _, state = engine.begin(tf.ragged.constant([[5, 6]], dtype=tf.int32), tf.constant(16))
    assert state[0].shape[1] == WIDTH
    kept = tf.nest.flatten(engine.renew(state))
    for before, after in zip(tf.nest.flatten(state), kept, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("prompts", [["The "], ["a", "", "bcdefgh"]])
def test_texts_are_those_of_the_window(small, prompts, monkeypatch):
    cached = written(small, prompts, 16, temperature=0.9, top_k=40, seed=3)
    monkeypatch.setattr(engines, "create", engines.Windowed)
    assert written(small, prompts, 16, temperature=0.9, top_k=40, seed=3) == cached


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gpt-nano", {"heads": 1}),
        pytest.param("llama-nano", {"key_heads": 1}, marks=pytest.mark.slow),
    ],
)
def test_one_head_of_keys_is_enough(name, options, monkeypatch):
    model = build(name, layers=1, **options)
    cached = written(model, ["The "], 8)
    monkeypatch.setattr(engines, "create", engines.Windowed)
    assert written(model, ["The "], 8) == cached


def test_long_texts_are_written_in_a_small_model():
    (text,) = written(build("gpt-nano", 8, layers=1), ["abc"], 50, width=8, temperature=1.0)
    ids = Bytes().ids(tf.constant([text])).flat_values
    assert 0 < len(ids) <= 150


def test_the_exported_function_writes_what_the_stream_does(small):
    prompts = ["ab", "c"]
    writer = sampling.Writer(small, preprocessor())
    inputs = {"prompt": tf.constant(prompts), "tokens": tf.constant(21), **how(temperature=0.7)}
    texts = tf.function(lambda: writer.texts(**inputs), autograph=False)()["text"].numpy()
    assert [text.decode() for text in texts] == written(small, prompts, 21, temperature=0.7)


def draw(logits, chance, had=(), **changes):
    logits = tf.constant([logits] * len(chance), tf.float32)
    had = np.isin(np.arange(logits.shape[1]), had)[None].repeat(len(chance), 0)
    return sampling._sample(logits, tf.constant(had), how(**changes), tf.constant(chance)).numpy()


def test_draws_are_as_likely_as_the_model_says():
    logits = np.log([0.9, 0.9, 0.1, 0.2, 0.3, 0.4])  # padding and the unknown token are not drawn
    chance = np.linspace(0, 1, 10_001)[:-1].astype("float32")
    tokens = draw(logits, chance, temperature=1.0)
    shares = np.bincount(tokens, minlength=6) / len(tokens)
    np.testing.assert_allclose(shares, [0, 0, 0.1, 0.2, 0.3, 0.4], atol=1e-3)
    cooler = draw(logits, chance, temperature=0.5)
    squares = np.array([0.01, 0.04, 0.09, 0.16])
    np.testing.assert_allclose(
        np.bincount(cooler, minlength=6)[2:] / len(tokens), squares / squares.sum(), atol=1e-3
    )
    assert set(draw(logits, chance, temperature=1.0, top_k=2)) == {4, 5}
    assert set(draw(logits, chance, temperature=1.0, top_p=0.5)) == {4, 5}
    assert set(draw(logits, chance, temperature=0.0)) == {5}
    last = np.float32(1) - np.finfo(np.float32).epsneg
    assert draw([0.0] * 5 + [-1e9], [last, 0.0], temperature=1.0).tolist() == [4, BOUNDARY]


def test_what_a_text_has_had_is_less_likely():
    logits = [0.0, 0.0, -1.0, 2.0, 1.5, -0.5]
    assert draw(logits, [0.5], had=[3], repetition_penalty=1.2).tolist() == [3]
    assert draw(logits, [0.5], had=[3], repetition_penalty=1.5).tolist() == [4]
    negative = [0.0, 0.0, -9.0, -9.0, -1.0, -1.2]
    assert draw(negative, [0.5], had=[4], repetition_penalty=1.5).tolist() == [5]
    assert {PADDING, UNKNOWN} == {0, 1}


def test_tokens_of_prompts_and_texts_are_remembered(small):
    writer = sampling.Writer(small, preprocessor())
    *_, had = carried = writer.begin(tf.constant(["ab", "b"]), tf.constant(16))
    first = {ord(c) + 3 for c in "ab"} | {BOUNDARY}
    assert {*np.flatnonzero(had[0])} == first
    ids, (*_, had) = writer.write(tf.constant(0), carried, how(temperature=1.0))
    assert {*np.flatnonzero(had[0])} >= first | ({*ids.numpy()[0]} - {PADDING})
    assert not np.all(had)


def test_attention_is_watched_where_it_is_asked_for(model):
    ids = tf.constant([[5, 6, 7, 8]])
    with caching.Reading(tf.range(4)[None], room=4) as reading:
        model(ids)
    assert caching.current() is None
    assert [w.shape.as_list() for w in reading.weights] == [[1, 4, 4, 4]] * 2
    np.testing.assert_allclose(np.sum(reading.weights, axis=-1), 1, rtol=1e-5)
    assert not np.triu(reading.weights, 1).any()


def likelihood(model, prompt, text):
    ids = Bytes().ids(tf.constant([prompt + text])).numpy()[0]
    ids = np.array([[BOUNDARY, *ids]])
    logs = tf.nn.log_softmax(model(ids[:, :-1])).numpy()[0]
    each = logs[np.arange(len(ids[0]) - 1), ids[0, 1:]]
    return each[len(prompt.encode()) :].sum()


@pytest.mark.slow
def test_beams_find_likelier_texts_than_greed(small):
    stream = sampling.Stream(small, preprocessor())
    prompts = ["ab", "c", "zoo"]
    best = stream.best(prompts, 3, (), 8)
    *_, greedy = stream(prompts, 3, (), how())
    for prompt, ours, theirs in zip(prompts, best, greedy, strict=True):
        if len(ours.encode()) == len(theirs.encode()) == 3:
            gain = likelihood(small, prompt, ours) - likelihood(small, prompt, theirs)
            assert gain > -1e-4
    assert stream.best(prompts, 3, (), 1) == greedy
