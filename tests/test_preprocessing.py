"""Preprocessors: what is kept encoded equals what serving computes, bit for bit."""

import json
import random

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from zoo import preprocessing
from zoo.datasets.base import ArraySplit, Column, Dataset, Spec, TableSplit
from zoo.errors import InputError
from zoo.preprocessing import dates
from zoo.preprocessing.images import to_png
from zoo.preprocessing.tables import TablePreprocessor

FORMATS = (
    "%Y-%m-%d", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y.%m.%d",
    "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ",
)  # fmt: skip
WORDS = ["red", "green", "blue", "", "Ünï", "a,b", 'say "hi"', "\N{SNOWMAN}", "[UNK]", "[[UNK]]"]


def split_of(columns, kinds, rows=None, formats=()):
    frame = pd.DataFrame(columns)
    formats = dict(formats)
    inputs = tuple(Column(n, k, (), formats.get(n, "")) for n, k in kinds.items())
    rows = np.arange(len(frame)) if rows is None else rows
    return Spec("table", inputs, ()), TableSplit(frame, rows, inputs)


def serving(preprocessor):
    """Return a function of a split, and rows of it, that encodes them in the serving graph."""
    signature = preprocessor.signature()
    encode = tf.function(preprocessor.encode, input_signature=[signature])

    def served(split, rows=None):
        raw = split.batch(np.arange(len(split)) if rows is None else rows)
        tensors = {name: tf.constant(raw[name], signature[name].dtype) for name in signature}
        return {name: value.numpy() for name, value in encode(tensors).items()}

    return served


def equal(first, second):
    assert first.keys() == second.keys()
    for name in first:
        assert first[name].dtype == second[name].dtype
        np.testing.assert_array_equal(first[name], second[name])


def restored(preprocessor):
    return preprocessing.from_json(json.loads(json.dumps(preprocessor.to_json())))


def random_table(seed, rows=60):
    """Numbers of all sizes, categories and dates, each with missing values."""
    chance = np.random.default_rng(seed)
    scale = 10.0 ** chance.integers(-9, 9)
    numbers = chance.normal(scale * chance.integers(-1000, 1000), scale, (rows, 2))
    numbers[chance.random((rows, 2)) < 0.2] = np.nan
    words = chance.choice(np.array([*WORDS, None], object), rows)
    form = FORMATS[seed % len(FORMATS)]
    days = pd.to_datetime(chance.integers(-(10**9), 2 * 10**9, rows), unit="s").strftime(form)
    days = np.where(chance.random(rows) < 0.1, None, np.asarray(days, object))
    columns = {
        "a": numbers[:, 0], "word": pd.Categorical(words), "b": numbers[:, 1],
        "day": pd.Categorical(days),
    }  # fmt: skip
    kinds = {"a": "number", "word": "category", "b": "number", "day": "date"}
    return columns, kinds, {"day": form}


@pytest.mark.parametrize("seed", range(len(FORMATS)))
def test_kept_and_served_tables_are_equal(seed):
    columns, kinds, formats = random_table(seed)
    spec, train = split_of(columns, kinds, np.arange(0, 60, 2), formats)
    _, test = split_of(columns, kinds, np.arange(1, 60, 2), formats)  # has unseen categories
    fitted = TablePreprocessor.fit(spec, train, embeddings=bool(seed % 2))
    served, again = serving(fitted), restored(fitted)
    for split in (train, test):
        kept = fitted.encode_split(split)
        equal(kept, served(split))
        equal(kept, again.encode_split(split))
        equal({name: rows[:1] for name, rows in kept.items()}, served(split, [0]))


def test_numbers_are_standardized_and_missing_ones_marked():
    spec, split = split_of(
        {"a": [1.0, 3.0, np.nan, 2.0], "b": [5.0, 7.0, 9.0, 11.0]}, {"a": "number", "b": "number"}
    )
    fitted = TablePreprocessor.fit(spec, split, embeddings=False)
    numbers = fitted.encode_split(split)["numbers"]
    assert fitted.builder_arguments() == {"input_shape": (3,)}
    np.testing.assert_allclose(numbers[:, :2].mean(axis=0), 0, atol=1e-7)
    assert numbers[2, 0] == 0
    np.testing.assert_array_equal(numbers[:, 2], [0, 0, 1, 0])
    np.testing.assert_allclose(numbers[[0, 1, 3], 0].std(), 1, rtol=1e-6)


def test_large_offsets_keep_their_precision_and_constants_become_zero():
    seconds = 1.7e9 + np.arange(8) / 1000  # milliseconds in a time stamp, beyond float32
    spec, split = split_of(
        {"t": seconds, "same": np.full(8, 0.1), "nearly": 1e6 + np.arange(8) * 1e-9},
        {"t": "number", "same": "number", "nearly": "number"},
    )
    fitted = TablePreprocessor.fit(spec, split, embeddings=False)
    numbers = fitted.encode_split(split)["numbers"]
    expected = (seconds - seconds.mean()) / seconds.std()
    np.testing.assert_allclose(numbers[:, 0], expected, rtol=1e-5)
    np.testing.assert_allclose(numbers[:, 1:], 0, atol=1e-6)


def test_categories_one_hot_or_codes():
    spec, train = split_of({"c": pd.Categorical(["b", "a", None, "b"])}, {"c": "category"})
    _, test = split_of({"c": pd.Categorical(["new", "a", None])}, {"c": "category"})
    hot = TablePreprocessor.fit(spec, train, embeddings=False)
    assert hot.vocabularies == {"c": ["", "a", "b"]}
    assert hot.builder_arguments() == {"input_shape": (4,)}
    np.testing.assert_array_equal(
        hot.tensors(hot.encode_split(test)), [[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0]]
    )
    codes = TablePreprocessor.fit(spec, train, embeddings=True)
    assert codes.builder_arguments() == {"input_shape": (0,), "cardinalities": (4,)}
    np.testing.assert_array_equal(codes.encode_split(test)["categories"], [[0], [2], [1]])
    assert codes.tensors(codes.encode_split(test))["numbers"].shape == (3, 0)


@pytest.mark.parametrize("words", [["", None, "a"], ["A", "[UNK]", "b"], ["[UNK]"], WORDS])
def test_odd_categories_each_have_a_code_of_their_own(words):
    spec, split = split_of({"c": pd.Categorical(words)}, {"c": "category"})
    fitted = TablePreprocessor.fit(spec, split, embeddings=True)
    codes = fitted.encode_split(split)["categories"].ravel()
    assert 0 not in codes
    assert len({*codes}) == len({word or "" for word in words})
    equal(fitted.encode_split(split), serving(fitted)(split))


def test_only_the_most_frequent_of_very_many_values_are_known():
    values = [f"v{i:04d}" for i in range(1500)] + ["v1400"] * 3
    spec, split = split_of({"c": pd.Categorical(values)}, {"c": "category"})
    fitted = TablePreprocessor.fit(spec, split, embeddings=True)
    assert len(fitted.vocabularies["c"]) == 1000
    assert "v1400" in fitted.vocabularies["c"]


@pytest.mark.parametrize("form", FORMATS)
def test_dates_are_what_pandas_says(form):
    chance = random.Random(form)
    stamps = pd.to_datetime([chance.randrange(-9 * 10**9, 9 * 10**9) for _ in range(50)], unit="s")
    stamps = stamps.append(pd.DatetimeIndex(["2000-02-29", "1900-03-01", "1970-01-01"]))
    strings = stamps.strftime(form)
    read = pd.to_datetime(strings, format=form).tz_localize(None)  # without what form leaves out
    found = dates.parse(tf.constant(np.asarray(strings, object)), form).numpy()
    names = dates.features(form)
    assert found.shape == (53, len(names))
    elapsed = (read - pd.Timestamp(0)) / pd.Timedelta(days=1)
    np.testing.assert_allclose(found[:, 0], elapsed, rtol=0, atol=1e-6)
    year = np.arctan2(found[:, names.index("month_sin")], found[:, names.index("month_cos")])
    np.testing.assert_array_equal(np.round(year / (2 * np.pi) * 12) % 12, read.month - 1)
    week = np.arctan2(found[:, names.index("weekday_sin")], found[:, names.index("weekday_cos")])
    weekday = (np.round(week / (2 * np.pi) * 7) + 3) % 7  # 1970-01-01 was a Thursday
    np.testing.assert_array_equal(weekday, read.day_of_week)


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        (
            "%Y-%m-%d",
            ["", "2023-02-29", "2024-13-01", "2024-00-10", "2024-01-32", "01-01-2024", "x"],
        ),
        ("%Y-%m-%d %H:%M", ["2024-01-01", "2024-01-01 24:00", "2024-01-01 12:60"]),
    ],
)
def test_what_is_no_date_is_missing(form, wrong):
    right = "2024-02-29 23:59" if "%H" in form else "2024-02-29"
    found = dates.parse(tf.constant([right, *wrong]), form).numpy()
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1:]).all()


def test_formats_with_names_of_months_are_refused():
    with pytest.raises(InputError, match=r"has %b. Expected numbers only"):
        dates.parse(tf.constant(["1 May 2024"]), "%d %b %Y")


def array_split(kind, array):
    column = Column("x", kind, array.shape[1:])
    return Spec(kind, (column,), ()), ArraySplit({"x": array}, np.arange(len(array)))


@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 3, 5)])
def test_vectors_are_standardized_along_the_last_axis(shape):
    array = np.random.default_rng(0).normal(1e3, 5, (40, *shape)).astype("float32")
    array[..., 0] = 0.1  # constant
    spec, split = array_split("vector", array)
    fitted = preprocessing.VectorPreprocessor.fit(spec, split)
    found = fitted.encode_split(split)
    assert found.dtype == np.float32
    assert fitted.builder_arguments() == {"input_shape": shape}
    flat = found.reshape(-1, 5)
    np.testing.assert_allclose(flat.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(flat.std(axis=0), [0, 1, 1, 1, 1], atol=1e-4)
    np.testing.assert_array_equal(found, tf.function(fitted.encode)({"x": tf.constant(array)}))
    np.testing.assert_array_equal(found, restored(fitted).encode_split(split))


def test_pictures_are_the_same_as_arrays_and_as_bytes():
    array = np.random.default_rng(0).integers(256, size=(5, 8, 6, 3)).astype("uint8")
    spec, split = array_split("image", array)
    fitted = restored(preprocessing.ImagePreprocessor.fit(spec, split))
    encoded = fitted.encode_split(split)
    np.testing.assert_array_equal(encoded, array)
    png = tf.constant(to_png(array))
    np.testing.assert_array_equal(tf.function(fitted.encode)({"x": png}), array)
    tensors = fitted.tensors(tf.constant(encoded)).numpy()
    assert (tensors.dtype, tensors.min() >= 0, tensors.max() <= 1) == (np.float32, True, True)
    larger = tf.constant(to_png(np.repeat(np.repeat(array, 2, axis=1), 2, axis=2)))
    assert fitted.encode({"x": larger}).shape == array.shape


def test_fit_takes_the_data_s_own_kind():
    spec, split = array_split("vector", np.eye(3, dtype="float32"))
    dataset = Dataset("d", spec, split, split, split, "")
    fitted = preprocessing.fit(dataset, "classification", embeddings=True)
    assert fitted.kind == "vector"
