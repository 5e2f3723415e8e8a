"""How a language model is asked for one token after another.

An engine reads texts (`begin`) and then a token at a time (`step`); both return the logits of the
token that follows and the engine's state.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from zoo.layers.recurrent import chain
from zoo.preprocessing.tokenizers import PADDING


def create(model: Any, width: int) -> Any:
    """Return the fastest engine for a model that reads at most `width` tokens."""
    layers = chain(model)
    if layers:
        return Recurrent(layers)
    return Windowed(model, width)


class Recurrent:
    """Keeps the states of recurrent layers, which are all that a model knows of the past."""

    def __init__(self, layers: list[Any]):
        self.layers = layers

    def step(self, token: tf.Tensor, state: Any) -> tuple[tf.Tensor, Any]:
        """Read tokens `(B,)`."""
        x, following, states = token, [], iter(state)
        for layer in self.layers:
            if isinstance(layer, keras.layers.RNN):
                x, new = layer.cell(x, next(states), training=False)
                following.append(list(new) if isinstance(new, (list, tuple)) else [new])
            else:
                x = layer(x)  # dropout does nothing unless it is told to train
        return tf.cast(x, tf.float32), following

    def begin(self, ids: tf.RaggedTensor) -> tuple[tf.Tensor, Any]:
        """Read texts `(B, None)` of different lengths, one token at least."""
        lengths, padded = tf.cast(ids.row_lengths(), tf.int32), ids.to_tensor(PADDING)
        rows = tf.shape(padded)[0]
        cells = [layer.cell for layer in self.layers if isinstance(layer, keras.layers.RNN)]
        state = [list(cell.get_initial_state(batch_size=rows)) for cell in cells]
        logits, state = self.step(padded[:, 0], state)

        def read(i: tf.Tensor, carried: Any) -> tuple:
            new = self.step(padded[:, i], carried[1])
            there = (i < lengths)[:, None]
            return i + 1, keras.tree.map_structure(
                lambda after, before: tf.where(there, after, before), new, carried
            )

        _, carried = tf.while_loop(
            lambda i, _: i < tf.shape(padded)[1], read, (1, (logits, state)), parallel_iterations=1
        )
        return carried


class Windowed:
    """Shows a model its last tokens again for each new one.

    It works for any causal model: what follows a token cannot change its logits.
    """

    def __init__(self, model: Any, width: int):
        self.model, self.width = model, width

    def begin(self, ids: tf.RaggedTensor) -> tuple[tf.Tensor, Any]:
        """Read texts `(B, None)` of different lengths, one token at least."""
        ids = ids[:, -self.width :]
        length = tf.cast(ids.row_lengths(), tf.int32)
        window = ids.to_tensor(PADDING, shape=(None, self.width))
        return self._logits(window, length), (window, length)

    def step(self, token: tf.Tensor, state: Any) -> tuple[tf.Tensor, Any]:
        """Read tokens `(B,)`: put each after its row's last one, in full rows moved to the left."""
        window, length = state
        full = (length == self.width)[:, None]
        window = tf.where(full, tf.roll(window, -1, axis=1), window)
        place = tf.where(length == self.width, self.width - 1, length)
        here = tf.equal(tf.range(self.width)[None, :], place[:, None])
        window = tf.where(here, token[:, None], window)
        length = tf.minimum(length + 1, self.width)
        return self._logits(window, length), (window, length)

    def _logits(self, window: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
        logits = tf.cast(self.model(window, training=False), tf.float32)
        return tf.gather(logits, length - 1, axis=1, batch_dims=1)
