"""T5: relative positions, one embedding or two, a token at a time, and files."""

import keras
import numpy as np
import pytest
import stepping

import zoo
from zoo.layers.positions import RelativePositions
from zoo.models.t5 import t5

RANDOM = np.random.default_rng(0)
SOURCE = np.array([[3, 4, 5, 2, 0, 0], [6, 7, 8, 9, 10, 2]], "int32")
TARGET = np.array([[2, 3, 4, 5], [2, 7, 8, 9]], "int32")
SIZE = {"layers": 2, "heads": 2, "width": 8, "hidden": 16}


@pytest.fixture(params=[None, 20], ids=["shared", "apart"])
def model(request):
    model = zoo.create("t5-tiny", vocabulary_size=30, target_vocabulary_size=request.param, **SIZE)
    for weight in model.trainable_weights:
        weight.assign(RANDOM.normal(scale=0.4, size=weight.shape))
    return model


def answer(model, source=SOURCE, target=TARGET):
    return model({"source": source, "target": target}, training=False).numpy()


def test_padding_of_the_source_changes_nothing(model):
    padded = np.pad(SOURCE, ((0, 0), (0, 9)))
    np.testing.assert_allclose(answer(model, padded), answer(model), rtol=1e-4, atol=1e-5)


def test_the_decoder_sees_no_future(model):
    changed = TARGET.copy()
    changed[:, 2] = 11
    before, after = answer(model), answer(model, target=changed)
    np.testing.assert_allclose(before[:, :2], after[:, :2], rtol=1e-5, atol=1e-6)
    assert not np.allclose(before[:, 2], after[:, 2])


def test_order_matters_by_distance_alone(model):
    assert not np.allclose(answer(model, SOURCE[:, ::-1])[1], answer(model)[1])
    for weight in model.weights:
        if weight.path.endswith("relative/embeddings"):
            weight.assign(np.zeros(weight.shape))
    np.testing.assert_allclose(answer(model, SOURCE[:, ::-1]), answer(model), rtol=1e-4, atol=1e-5)


def test_a_token_at_a_time_gives_the_same(model):
    stepping.check(model, SOURCE, TARGET)


def test_it_is_read_from_a_file_with_as_many_embeddings(model, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(answer(again), answer(model))
    assert len(again.weights) == len(model.weights)
    kept = again.get_layer("encoder").embedding is again.get_layer("decoder").embedding
    assert kept == (model.output_shape[-1] == 30)


def test_a_vocabulary_of_its_own_costs_an_embedding():
    shared, apart = t5(30, **SIZE), t5(30, 20, **SIZE)
    assert apart.count_params() == shared.count_params() + 20 * 8


def test_distances_share_numbers_by_buckets():
    layer = RelativePositions(1, both=True)
    layer.build()
    layer.embeddings.assign(np.arange(32.0)[:, None])
    keys = np.array([0, 1, 7, 8, 11, 12, 16, 32, 64, 127, 128, 900], "int32")
    after = layer(np.zeros(1, "int32"), keys).numpy()[0, 0, 0]
    before = layer(np.zeros(1, "int32"), -keys).numpy()[0, 0, 0]
    assert before.tolist() == [0, 1, 7, 8, 8, 9, 10, 12, 14, 15, 15, 15]
    assert after.tolist() == [0, *(before[1:] + 16)]


def test_what_cannot_be_built():
    with pytest.raises(ValueError, match="heads=3, width=512"):
        t5(9, heads=3)


@pytest.mark.slow
def test_from_pairs_to_an_export(tmp_path):
    run = zoo.train("t5-tiny", data="reverse", steps=30, run=str(tmp_path / "run"))
    assert zoo.predict(run, {"source": ["a b c", ""]})["target"].shape == (2,)
    for kind, name in (("savedmodel", "saved"), ("keras", "model.keras")):
        assert zoo.export(run, kind, tmp_path / name)["largest_difference"] == 0
