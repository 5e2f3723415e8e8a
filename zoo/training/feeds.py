"""Where batches come from: any rows, in any order, inside the graph."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

LARGEST_BATCH = 1 << 22  # numbers that are measured together


class Resident:
    """Encoded examples that stay in memory; `most` of them are to be measured together.

    Args:
        encoded: a nest of arrays with the same number of rows.
        prepare: turns a batch of `encoded` and of `target` into what the training step takes,
            `(x, y)`, `(x, y, weight)` or `(x,)`.
        target: an array of as many rows, or None.
        weight: a float32 weight a row, or None.
    """

    def __init__(
        self,
        encoded: Any,
        prepare: Callable[[Any, Any], tuple[Any, ...]] = lambda x, y: (x, y),
        target: np.ndarray | None = None,
        weight: np.ndarray | None = None,
    ):
        arrays = keras.tree.flatten(encoded)
        self.size = len(arrays[0])
        numbers = sum(math.prod(array.shape[1:]) for array in arrays)  # an example
        self.most = max(1, LARGEST_BATCH // max(1, numbers))
        self.arrays = keras.tree.map_structure(
            lambda array: None if array is None else tf.constant(array), (encoded, target, weight)
        )
        self.prepare = prepare

    def __len__(self) -> int:
        return self.size

    def batch(self, indices: tf.Tensor) -> tuple[Any, ...]:
        """Return the examples at `indices`."""
        encoded, target, weight = keras.tree.map_structure(
            lambda array: None if array is None else tf.gather(array, indices), self.arrays
        )
        example = self.prepare(encoded, target)
        return example if weight is None else (*example, weight)
