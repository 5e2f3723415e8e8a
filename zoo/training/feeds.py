"""Where batches come from: any rows, in any order.

A feed has `batch`, the examples at any rows; and, for compiled loops over many steps, `source`,
which gives what those take the steps of an epoch from, its `spec`, and `step`, which takes one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

Prepare = Callable[[Any, Any], tuple[Any, ...]]
Take = Callable[[Any, tf.Tensor], Any]
AHEAD = 2  # steps made ready while one is computed


def call(
    function: Callable[..., Any],
    feed: Any,
    order: tf.Tensor,
    steps: tuple[int, int],
    examples: int,
    *numbers: Any,
) -> Any:
    """Call a compiled function of a source and some numbers, which takes these steps of an epoch.

    Raises:
        InputError: an example could not be read.
    """
    source = feed.source(order, *steps, examples)
    try:
        return function(source, *numbers)
    except tf.errors.OpError:
        if isinstance(feed, Streamed):
            feed.explain(order[steps[0] * examples : steps[1] * examples].numpy().tolist())
        raise


class Loaded:
    """Encoded examples in memory.

    Args:
        arrays: nests of tensors with the same number of rows: of encoded examples, of targets and
            of weights, each but the first of which may be None.
        prepare: turns a batch of examples and of targets into what the training step takes,
            `(x, y)`, `(x, y, weight)` or `(x,)`.
        take: returns the encoded examples at indices, where these are not rows of the arrays.
    """

    def __init__(self, arrays: tuple[Any, Any, Any], prepare: Prepare, take: Take | None = None):
        self.arrays, self.prepare, self.take = arrays, prepare, take or _rows

    def batch(self, indices: tf.Tensor) -> tuple[Any, ...]:
        """Return the examples at `indices`."""
        encoded = self.take(self.arrays[0], indices)
        target, weight = (_rows(array, indices) for array in self.arrays[1:])
        example = self.prepare(encoded, target)
        return example if weight is None else (*example, weight)


class Resident(Loaded):
    """Encoded examples that stay in memory.

    Args:
        encoded: a nest of arrays, ragged ones too, with the same number of rows.
        prepare: see `Loaded`.
        target: an array, or a nest of them, of as many rows, or None.
        weight: a float32 weight a row, or None.
        take: see `Loaded`; then there are `size` examples.
        size: how many.
        lengths: of sequences; batches are then of some that are about as long.

    `stream` makes it one of running text.
    """

    streams = 0  # rows of a batch that go on in the next

    spec = tf.TensorSpec((None,), tf.int32)

    def __init__(
        self,
        encoded: Any,
        prepare: Prepare = lambda x, y: (x, y),
        target: np.ndarray | None = None,
        weight: np.ndarray | None = None,
        take: Take | None = None,
        size: int | None = None,
        lengths: np.ndarray | None = None,
    ):
        self.size = _length(keras.tree.flatten(encoded)[0]) if size is None else size
        self.lengths = lengths
        arrays = keras.tree.map_structure(_kept, (encoded, target, weight))
        super().__init__(arrays, prepare, take)

    def stream(self, streams: int) -> None:
        """Let each row of a batch go on in the next, so many rows; the examples are windows."""
        self.streams, self.ring = streams, self.size
        self.size = self.size // streams * streams

    def __len__(self) -> int:
        return self.size

    def source(self, order: tf.Tensor, start: int, stop: int, examples: int) -> tf.Tensor:
        """Return what steps are taken from: the order, as all is at hand."""
        return order

    def step(self, source: tf.Tensor, i: Any, examples: int) -> tuple[Loaded, tf.Tensor]:
        """Return what holds the examples of step `i` of an epoch, and at which indices."""
        return self, source[i * examples : (i + 1) * examples]


class Windowed(Resident):
    """Windows of encoded series: the series stay in memory, and windows are cut from them.

    Args:
        series: float32 `(rows, columns)`, a tensor that several feeds may share.
        starts: the first row of each window.
        length: rows of a window.
        prepare: turns windows `(B, length, columns)` into what the training step takes.
    """

    def __init__(
        self,
        series: tf.Tensor,
        starts: np.ndarray,
        length: int,
        prepare: Callable[[tf.Tensor], tuple[Any, ...]],
    ):
        self.series, self.steps = series, tf.range(length)
        super().__init__(starts.astype(np.int32), lambda starts, _: prepare(self.windows(starts)))

    def windows(self, starts: tf.Tensor) -> tf.Tensor:
        """Return the rows from each start, `(B, length, columns)`."""
        return tf.gather(self.series, starts[:, None] + self.steps)


class Streamed:
    """Examples that are read and encoded, in parallel, while the step before them is computed.

    Args:
        size: how many.
        read: returns the encoded example of a row, in graph.
        prepare: see `Loaded`.
        target: an array of as many rows, or a function as `read`, or None.
        weight: a float32 weight a row, or None.
        explain: told the rows of examples one of which could not be read; raises an error that
            names it.
    """

    def __init__(
        self,
        size: int,
        read: Callable[[tf.Tensor], Any],
        prepare: Prepare,
        target: np.ndarray | Callable[[tf.Tensor], Any] | None = None,
        weight: np.ndarray | None = None,
        explain: Callable[[Sequence[int]], None] = lambda rows: None,
    ):
        self.size, self.read, self.prepare, self.explain = size, read, prepare, explain
        self.labels = [_reader(label) for label in (target, weight)]
        self._iterator: Any = None
        self._place: tuple[Any, int] = (None, 0)  # where that stands: the order, and the step
        self.spec = tf.data.IteratorSpec(self._steps(tf.zeros(0, tf.int32), 1).element_spec)

    def __len__(self) -> int:
        return self.size

    def _steps(self, order: tf.Tensor, examples: int) -> tf.data.Dataset:
        """Return the examples of step after step, read a file at a time by as many as are idle."""
        rows = tf.data.Dataset.from_tensor_slices(order)
        read = rows.map(self._example, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        return read.batch(examples).prefetch(AHEAD)

    def _example(self, row: tf.Tensor) -> tuple[Any, Any, Any]:
        target, weight = (label(row) for label in self.labels)
        return self.read(row), target, weight

    def batch(self, indices: tf.Tensor) -> tuple[Any, ...]:
        """Return the examples at `indices`, which is slow; `step` is made for more of them."""
        loaded = next(iter(self._steps(indices, len(indices))))
        return Loaded(loaded, self.prepare).batch(tf.range(len(indices)))

    def source(self, order: tf.Tensor, start: int, stop: int, examples: int) -> Any:
        """Return an iterator over the steps of an epoch from `start`, of which some are taken.

        That from before goes on where it stopped, which is the rule: a new one begins to read.
        """
        if self._place[0] is not order or self._place[1] != start:
            self._iterator = iter(self._steps(order[start * examples :], examples))
        self._place = order, stop
        return self._iterator

    def step(self, source: Any, i: Any, examples: int) -> tuple[Loaded, tf.Tensor]:
        """Return what holds the examples of the step that comes next, and at which indices."""
        arrays = next(source)
        return Loaded(arrays, self.prepare), tf.range(tf.shape(keras.tree.flatten(arrays)[0])[0])


def _kept(array: Any) -> Any:
    return array if array is None or isinstance(array, tf.RaggedTensor) else tf.constant(array)


def _length(array: Any) -> int:
    return int(array.nrows()) if isinstance(array, tf.RaggedTensor) else len(array)


def _rows(arrays: Any, indices: tf.Tensor) -> Any:
    return keras.tree.map_structure(
        lambda array: None if array is None else tf.gather(array, indices), arrays
    )


def _reader(label: Any) -> Callable[[tf.Tensor], Any]:
    """Return a function from a row to its label, for an array, such a function, or None."""
    if label is None or callable(label):
        return label or (lambda row: None)
    array = tf.constant(label)
    return lambda row: array[row]
