"""Encoders and decoders of attention: padding, the future, a token at a time, and files."""

import keras
import numpy as np
import pytest
import stepping

import zoo
from zoo.layers.attention import SelfAttention
from zoo.models.llama import llama
from zoo.models.transformer import transformer
from zoo.training import schedules

RANDOM = np.random.default_rng(0)
SOURCE = np.array([[3, 4, 5, 2, 0, 0], [6, 7, 8, 9, 10, 2]], "int32")
TARGET = np.array([[2, 3, 4, 5], [2, 7, 8, 9]], "int32")


def value(tensor):
    return keras.ops.convert_to_numpy(tensor)


def build(**options):
    keras.utils.set_random_seed(0)
    model = zoo.create(
        "transformer-small", vocabulary_size=30, target_vocabulary_size=20, layers=2, heads=2,
        width=8, hidden=16, **options,
    )  # fmt: skip
    for weight in model.trainable_weights:
        weight.assign(RANDOM.normal(scale=0.4, size=weight.shape))
    return model


@pytest.fixture(params=[True, False], ids=["before", "after"])
def model(request):
    return build(norm_first=request.param)


def answer(model, source=SOURCE, target=TARGET):
    return value(model({"source": source, "target": target}))


def test_padding_of_the_source_changes_nothing(model):
    padded = np.pad(SOURCE, ((0, 0), (0, 9)))
    np.testing.assert_allclose(answer(model, padded), answer(model), rtol=1e-4, atol=1e-5)
    changed = SOURCE.copy()
    changed[0, 1] = 9
    assert not np.allclose(answer(model, changed)[0], answer(model)[0])
    np.testing.assert_array_equal(answer(model, changed)[1], answer(model)[1])


def test_the_decoder_sees_no_future(model):
    changed = TARGET.copy()
    changed[:, 2] = 11
    before, after = answer(model), answer(model, target=changed)
    np.testing.assert_allclose(before[:, :2], after[:, :2], rtol=1e-5, atol=1e-6)
    assert not np.allclose(before[:, 2], after[:, 2])


def test_a_token_at_a_time_gives_the_same(model):
    stepping.check(model, SOURCE, TARGET)


def test_it_is_read_from_a_file(model, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(answer(again), answer(model))


def test_what_is_normalized_first_is_normalized_once_more_in_the_end():
    last = 2 * 16  # of the encoder and of the decoder: a scale and an offset for each of 8 numbers
    assert build(norm_first=True).count_params() == build(norm_first=False).count_params() + last


def test_rotary_positions_are_relative():
    attention = SelfAttention(2, causal=True, rotary=10_000.0)
    x = RANDOM.normal(size=(1, 6, 8)).astype("float32")
    attention.build(x.shape)
    turned = [value(attention.project(x, np.arange(6)[None] + start)[0]) for start in (0, 40)]
    assert not np.allclose(*turned)
    scores = []
    for start in (0, 40):
        q, k, _ = (value(part) for part in attention.project(x, np.arange(6)[None] + start))
        scores.append(q @ k.transpose(0, 1, 3, 2))
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-4, atol=1e-5)


def test_shared_keys_are_those_of_repeated_ones():
    shared, full = SelfAttention(4, 2, causal=True), SelfAttention(4, causal=True)
    x = RANDOM.normal(size=(2, 5, 16)).astype("float32")
    for layer in (shared, full):
        layer.build(x.shape)
    kernel, bias = (value(w) for w in shared.qkv.weights)
    q, k, v = np.split(np.concatenate([kernel, bias[None]]), [16, 24], axis=1)
    k, v = (np.repeat(p.reshape(17, 2, 4), 2, axis=1).reshape(17, 16) for p in (k, v))
    both = np.concatenate([q, k, v], axis=1)
    full.qkv.set_weights([both[:16], both[16]])
    full.output_layer.set_weights(shared.output_layer.get_weights())
    np.testing.assert_allclose(value(full(x)), value(shared(x)), rtol=1e-4, atol=1e-5)


def test_what_cannot_be_built():
    with pytest.raises(ValueError, match="heads=3, width=256"):
        transformer(9, 9, heads=3)
    with pytest.raises(ValueError, match="heads=4, key_heads=3, width=128"):
        llama(9, key_heads=3)
    with pytest.raises(ValueError, match="heads=3, width=8"):
        SelfAttention(3).build((None, None, 8))


def test_the_learning_rate_rises_and_falls_with_the_inverse_square_root():
    schedule = schedules.create("inverse_sqrt", 0.1, 100, 0.1)
    rates = [float(schedule(step)) for step in (0, 4, 9, 39, 89)]
    np.testing.assert_allclose(rates, [0.01, 0.05, 0.1, 0.05, 0.1 / 3], rtol=1e-5)
    again = schedules.WarmUp.from_config(schedule.get_config())
    assert float(again(39)) == rates[3]
