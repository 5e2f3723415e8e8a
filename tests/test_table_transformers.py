"""Transformers of columns, patches and whole series: what they see, and what they must not."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import zoo
from zoo.datasets.base import Column, Spec, TableSplit
from zoo.preprocessing.tables import TablePreprocessor

RANDOM = np.random.default_rng(0)
PAST = RANDOM.normal(size=(4, 20, 3)).astype("float32")
CARDINALITIES = (5, 3, 7)
TABLE = {
    "numbers": RANDOM.normal(size=(6, 4)).astype("float32"),
    "categories": RANDOM.integers(CARDINALITIES, size=(6, 3)).astype("int32"),
}
SMALL = {"blocks": 2, "heads": 2, "width": 8}
SERIES = {
    "patchtst": {**SMALL, "hidden": 12, "patch": 4, "stride": 3},
    "itransformer": {**SMALL, "hidden": 12},
}


def value(tensor):
    return keras.ops.convert_to_numpy(tensor)


def random_weights(model):
    """Draw all weights wide enough that every part of a model shows in its answer."""
    for weight in model.trainable_weights:
        weight.assign(RANDOM.normal(scale=0.4, size=weight.shape))
    return model


def table_model(**options):
    return random_weights(zoo.create("ft-transformer", **{**SMALL, "classes": 3, **options}))


def series_model(name, columns=3, **options):
    arguments = {**SERIES[name], "input_shape": (20, columns), "horizon": 5, **options}
    return random_weights(zoo.create(name, **arguments))


def test_each_number_and_category_is_a_token_behind_one_of_none():
    model = table_model(input_shape=(4,), cardinalities=CARDINALITIES)
    biases = model.get_layer("column_biases")
    tokens = keras.Model(model.inputs, biases.output)(TABLE)
    expected = np.zeros((6, 8, 8)) + value(biases.positions)
    scales = value(model.get_layer("number_vectors").kernel)
    expected[:, 1:5] += TABLE["numbers"][:, :, None] * scales
    rows = value(model.get_layer("category_vectors").embeddings)
    expected[:, 5:] += rows[TABLE["categories"] + np.array([0, 5, 8])]
    np.testing.assert_allclose(value(tokens), expected, rtol=1e-5, atol=1e-5)


def test_a_missing_number_is_told_by_a_token_of_its_own():
    frame = pd.DataFrame({"a": [1.0, None, 3.0], "b": [4.0, 5.0, 9.0], "c": ["x", None, "y"]})
    columns = (Column("a", "number"), Column("b", "number"), Column("c", "category"))
    split = TableSplit(frame.astype({"c": "category"}), np.arange(3), columns)
    table = TablePreprocessor.fit(Spec("table", columns), split, embeddings=True)
    model = table_model(**table.builder_arguments())
    tokens = model.get_layer("column_biases").output
    assert tokens.shape[1] == 1 + 2 + 1 + 1  # [CLS], two numbers, whether `a` is missing, `c`
    raw = {
        "a": tf.constant([2.0, np.nan], tf.float64),  # the mean, and nothing
        "b": tf.constant([5.0, 5.0], tf.float64),
        "c": tf.constant(["x", "x"]),
    }
    there, missing = value(model(table.tensors(table.encode(raw))))
    assert not np.allclose(there, missing)


@pytest.mark.parametrize("column", range(7))
def test_every_column_of_a_table_is_seen(column):
    model = table_model(input_shape=(4,), cardinalities=CARDINALITIES)
    changed = {name: part.copy() for name, part in TABLE.items()}
    if column < 4:
        changed["numbers"][:, column] += 1.0
    else:
        size = CARDINALITIES[column - 4]
        changed["categories"][:, column - 4] = (TABLE["categories"][:, column - 4] + 1) % size
    moved = np.abs(value(model(changed)) - value(model(TABLE))).max(axis=1)
    assert (moved > 1e-4).all()


def test_the_first_block_alone_has_no_normalization_before_attention():
    model = table_model(input_shape=(4,), blocks=3)
    kinds = [type(model.get_layer(f"attention_{i}").norm).__name__ for i in range(3)]
    assert kinds == ["Identity", "LayerNormalization", "LayerNormalization"]


def test_the_papers_size_follows_from_the_widths():
    width, hidden = 192, 256
    attention = (width + 1) * 3 * width + (width + 1) * width
    network = (width + 1) * 2 * hidden + (hidden + 1) * width
    columns = 8 * width + (8 + 1) * width
    expected = columns + 3 * (attention + network) + 6 * 2 * width + (width + 1)
    model = zoo.create("ft-transformer", input_shape=(8,), classes=1)
    assert model.count_params() == expected


@pytest.mark.parametrize("name", SERIES)
def test_a_shifted_and_scaled_past_shifts_and_scales_the_forecast(name):
    model = series_model(name)
    expected = 100.0 + 7.0 * value(model(PAST))
    np.testing.assert_allclose(value(model(100.0 + 7.0 * PAST)), expected, rtol=1e-3, atol=1e-2)


def test_patchtst_forecasts_each_target_from_its_own_past():
    model = series_model("patchtst", targets=2)
    answer, changed = value(model(PAST)), PAST.copy()
    changed[:, 7, 1] += 1.0  # another target
    changed[:, :, 2] += RANDOM.normal(size=(4, 20))  # a covariate
    found = value(model(changed))
    np.testing.assert_allclose(found[:, :, 0], answer[:, :, 0], rtol=1e-5, atol=1e-5)
    assert (np.abs(found[:, :, 1] - answer[:, :, 1]).max(axis=1) > 1e-3).all()


def test_patchtst_knows_no_series_from_another():
    model = series_model("patchtst")
    order = [2, 0, 1]
    expected = value(model(PAST))[:, :, order]
    np.testing.assert_allclose(value(model(PAST[:, :, order])), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("history", "size", "stride"), [(20, 4, 3), (12, 12, 5), (336, 16, 8)])
def test_patches_end_in_the_last_value(history, size, stride):
    from zoo.models.patchtst import Patches

    x = RANDOM.normal(size=(2, 3, history)).astype("float32")
    padded = np.pad(x, ((0, 0), (0, 0), (0, stride)), mode="edge").reshape(6, -1)
    starts = range(0, padded.shape[1] - size + 1, stride)
    expected = np.stack([padded[:, i : i + size] for i in starts], axis=1)
    layer = Patches(size, stride)
    np.testing.assert_array_equal(value(layer(x)), expected)
    assert layer.compute_output_shape(x.shape)[1:] == expected.shape[1:]


@pytest.mark.parametrize("size", [0, 21])
def test_a_patch_longer_than_the_past_is_refused(size):
    with pytest.raises(ValueError, match=f"1 to 20 steps.*patch={size}"):
        series_model("patchtst", patch=size)


def test_itransformer_forecasts_in_any_order_of_the_series():
    model = series_model("itransformer")
    answer = value(model(PAST))
    order = [2, 0, 1]
    found = value(model(PAST[:, :, order]))
    np.testing.assert_allclose(found, answer[:, :, order], rtol=1e-4, atol=1e-4)
    changed = PAST.copy()
    changed[:, 7, 1] += 1.0  # one is seen by the others
    moved = np.abs(value(model(changed)) - answer).max(axis=1)
    assert (moved > 1e-4).all()


def test_itransformer_sees_covariates_and_what_is_known_ahead():
    model = series_model("itransformer", targets=1, known=1)
    future = RANDOM.normal(size=(4, 5, 1)).astype("float32")
    answer = value(model({"past": PAST, "future": future}))
    assert answer.shape == (4, 5, 1)
    for column in range(3):
        changed = PAST.copy()
        changed[:, 7, column] += 1.0
        assert not np.allclose(value(model({"past": changed, "future": future})), answer)
    assert not np.allclose(value(model({"past": PAST, "future": future + 1})), answer)


@pytest.mark.parametrize("name", SERIES)
def test_shapes_of_answers(name):
    assert series_model(name, targets=2)(PAST).shape == (4, 5, 2)
    assert series_model(name, targets=2, quantiles=3)(PAST).shape == (4, 5, 2, 3)
    with pytest.raises(ValueError, match="input_shape"):
        series_model(name, targets=4)


@pytest.mark.parametrize("name", ["ft-transformer", *SERIES])
def test_heads_divide_the_width(name):
    data = {"horizon": 5, "input_shape": (20, 3)} if name in SERIES else {"input_shape": (4,)}
    more = {} if name in SERIES else {"classes": 2}
    with pytest.raises(ValueError, match=r"divide the width\..*heads=3, width=8"):
        zoo.create(name, **data, **more, heads=3, width=8)
