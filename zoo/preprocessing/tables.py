"""Tables: named columns of numbers, categories and dates as standardized numbers and codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.datasets.base import Column, Spec
from zoo.preprocessing import dates

BLOCK = 65536
LARGEST_VOCABULARY = 1000


class TablePreprocessor:
    """Numbers standardized, missing ones marked; categories as codes; dates as numbers.

    A missing number becomes the training mean, and where the training split had missing values a
    further input says so. Category code 0 is a value never seen in training.

    Args:
        columns: `{"name", "kind", "format"}` of every input column, in order.
        mean, scale: statistics of every number (number columns first, then parts of dates).
        missing: the number columns that get a marker.
        vocabularies: the known values of every category column.
        embeddings: True keeps codes apart for models that embed them; False appends them to the
            numbers one-hot.
    """

    kind = "table"

    def __init__(
        self,
        columns: Sequence[Mapping[str, str]],
        mean: Sequence[float],
        scale: Sequence[float],
        missing: Sequence[str],
        vocabularies: Mapping[str, Sequence[str]],
        embeddings: bool,
    ):
        self.columns = tuple(Column(c["name"], c["kind"], (), c["format"]) for c in columns)
        self.numbers = [c.name for c in self.columns if c.kind == "number"]
        self.dates = [c for c in self.columns if c.kind == "date"]
        self.mean = np.asarray(mean, np.float64)
        self.scale = np.asarray(scale, np.float64)
        self.missing = list(missing)
        self.vocabularies = {name: list(values) for name, values in vocabularies.items()}
        self.embeddings = embeddings
        self.lookups = {
            name: keras.layers.StringLookup(
                vocabulary=values, num_oov_indices=1, mask_token=None, oov_token=_none_of(values)
            )
            for name, values in self.vocabularies.items()
        }
        for lookup in self.lookups.values():
            lookup.build((None,))

    @classmethod
    def fit(cls, spec: Spec, split: Any, *, embeddings: bool) -> TablePreprocessor:
        """Compute statistics and vocabularies, a column at a time."""
        statistics, missing, vocabularies = [], [], {}
        for column in spec.inputs:
            series = split.column(column.name)
            if column.kind == "number":
                values = series.to_numpy(dtype=np.float64, na_value=np.nan)
                statistics.append(mean_and_scale(values[:, None]))
                if np.isnan(values).any():
                    missing.append(column.name)
            elif column.kind == "category":
                vocabularies[column.name] = _vocabulary(series)
        for column in spec.inputs:
            if column.kind == "date":
                statistics.append(mean_and_scale(_date_values(split.column(column.name), column)))
        mean, scale = (np.concatenate(s) if s else np.zeros(0) for s in _unzip(statistics))
        columns = [{"name": c.name, "kind": c.kind, "format": c.format} for c in spec.inputs]
        return cls(columns, mean.tolist(), scale.tolist(), missing, vocabularies, embeddings)

    def to_json(self) -> dict[str, Any]:
        """Return the fitted state as plain lists, strings and numbers."""
        return {
            "kind": self.kind,
            "columns": [{"name": c.name, "kind": c.kind, "format": c.format} for c in self.columns],
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "missing": self.missing,
            "vocabularies": self.vocabularies,
            "embeddings": self.embeddings,
        }

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """How many codes each category column has, the unseen one included."""
        return tuple(len(values) + 1 for values in self.vocabularies.values())

    @property
    def width(self) -> int:
        """How many numbers a row becomes before categories are added."""
        return len(self.mean) + len(self.missing)

    def builder_arguments(self) -> dict[str, Any]:
        """Return what the data dictates to a builder."""
        if self.embeddings:
            return {"input_shape": (self.width,), "cardinalities": self.cardinalities}
        return {"input_shape": (self.width + sum(self.cardinalities),)}

    def signature(self) -> dict[str, tf.TensorSpec]:
        """Return the raw input of an exported model: one vector a named column."""
        return {
            c.name: tf.TensorSpec((None,), tf.float64 if c.kind == "number" else tf.string)
            for c in self.columns
        }

    def trackables(self) -> list[Any]:
        """Return the layers and tables an export has to keep."""
        return list(self.lookups.values())

    def encode(self, raw: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Return `numbers` float32 `(B, width)` and `categories` int32 `(B, category columns)`."""
        values = [tf.cast(raw[name], tf.float64)[:, None] for name in self.numbers]
        values += [dates.parse(raw[c.name], c.format) for c in self.dates]
        codes = [self._codes(name, raw[name]) for name in self.lookups]
        return self._assemble(values, codes, raw)

    def _assemble(self, values: list, codes: list, raw: Mapping[str, tf.Tensor]) -> dict:
        encoded = {}
        rows = tf.shape(next(iter(raw.values())))[0]
        markers = [tf.cast(tf.math.is_nan(raw[n]), tf.float32)[:, None] for n in self.missing]
        if values:
            # A graph would turn a division into this product, and differ in the last bit.
            standard = (tf.concat(values, axis=1) - self.mean) * (1.0 / self.scale)
            standard = tf.where(tf.math.is_nan(standard), tf.zeros_like(standard), standard)
            encoded["numbers"] = tf.concat([tf.cast(standard, tf.float32), *markers], axis=1)
        else:
            encoded["numbers"] = tf.zeros((rows, 0))
        if codes:
            encoded["categories"] = tf.stack(codes, axis=1)
        return encoded

    def _codes(self, name: str, strings: tf.Tensor) -> tf.Tensor:
        return tf.cast(self.lookups[name](strings), tf.int32)

    def tensors(self, encoded: dict[str, tf.Tensor]) -> Any:
        """Return what the model takes: the numbers, or numbers and codes where it embeds them."""
        if not self.lookups:
            return encoded["numbers"]
        if self.embeddings:
            return encoded
        hot = [
            tf.one_hot(encoded["categories"][:, i], size)
            for i, size in enumerate(self.cardinalities)
        ]
        return tf.concat([encoded["numbers"], *hot], axis=1)

    def encode_split(self, split: Any) -> dict[str, np.ndarray]:
        """Encode a whole split, block by block.

        Categories and dates go through the same graph as in serving, but only their distinct
        values do; the codes of the data frame then pick each row's.
        """
        numbers = np.zeros((len(split), self.width), np.float32)
        codes = np.zeros((len(split), len(self.lookups)), np.int32)
        for i, name in enumerate(self.lookups):
            distinct, position = _factorize(split.column(name))
            codes[:, i] = self._codes(name, tf.constant(distinct, tf.string)).numpy()[position]
        columns = {
            name: split.column(name).to_numpy(dtype=np.float64, na_value=np.nan)
            for name in self.numbers
        }
        parsed = [_date_values(split.column(c.name), c) for c in self.dates]
        for start in range(0, len(split), BLOCK):
            block = slice(start, start + BLOCK)
            raw = {name: tf.constant(values[block]) for name, values in columns.items()}
            values = [raw[name][:, None] for name in self.numbers]
            values += [tf.constant(array[block]) for array in parsed]
            if values:
                numbers[block] = self._assemble(values, [], raw)["numbers"].numpy()
        return {"numbers": numbers, "categories": codes} if self.lookups else {"numbers": numbers}


def mean_and_scale(values: np.ndarray, rounding: float = 1e-13) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each column of `(rows, columns)`, NaN left out.

    A deviation of no more than `rounding` times the mean counts as none, for which 1 is returned.
    """
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    with np.errstate(over="ignore", invalid="ignore"):  # 1e300 squared is infinite
        mean = np.where(known, values, 0.0).sum(axis=0) / count
        scale = np.sqrt(np.where(known, (values - mean) ** 2, 0.0).sum(axis=0) / count)
    return mean, np.where(scale > rounding * np.abs(mean), scale, 1.0)


def _unzip(pairs: list) -> tuple[list, list]:
    return [mean for mean, _ in pairs], [scale for _, scale in pairs]


def _factorize(series: Any) -> tuple[list[str], np.ndarray]:
    """Return the distinct values of a string series, "" for missing, and each row's position."""
    if hasattr(series, "cat"):
        distinct = [*series.cat.categories.astype(str), ""]
        return distinct, series.cat.codes.to_numpy()  # -1, the missing one, is the last
    position, distinct = series.astype(object).factorize()
    return [*(str(value) for value in distinct), ""], position


def _vocabulary(series: Any) -> list[str]:
    """Return a column's values, the most frequent first where there are very many."""
    distinct, position = _factorize(series)
    counts = np.bincount(position % len(distinct), minlength=len(distinct))
    kept = np.argsort(-counts, kind="stable")[:LARGEST_VOCABULARY]
    return sorted({distinct[i] for i in kept if counts[i]})  # "" may be there twice, once missing


def _none_of(values: Sequence[str]) -> str:
    """Return a name for unseen values that no value has."""
    name = "[UNK]"
    while name in values:
        name = f"[{name}]"
    return name


def _date_values(series: Any, column: Column) -> np.ndarray:
    """Return float64 `(rows, features)` of a date column, computed in a graph as in serving."""
    distinct, position = _factorize(series)
    parse = tf.function(dates.parse)
    return parse(tf.constant(distinct, tf.string), column.format).numpy()[position]
