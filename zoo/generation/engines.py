"""How a language model is asked for one token after another.

An engine reads texts (`begin`), knowing how many tokens will follow, and then a token at a time
(`step`); both return the logits of the token that follows and the engine's state. Before so many
as `chunk` tokens the state is renewed (`renew`); `compiled` says whether XLA makes them faster.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from zoo.layers import caching
from zoo.layers.attention import SelfAttention, Sublayer
from zoo.layers.positions import PositionEmbedding
from zoo.layers.recurrent import chain
from zoo.preprocessing.tokenizers import PADDING

POWERS = [1 << i for i in range(31)]
CHUNK = 16  # tokens after which what was written is shown
EACH = (  # layers that look at one token alone, or at others by a cache
    keras.layers.InputLayer, keras.layers.Embedding, keras.layers.Dropout, keras.layers.Dense,
    keras.layers.LayerNormalization, keras.layers.RMSNormalization, keras.layers.Activation,
    PositionEmbedding, Sublayer,
)  # fmt: skip


def create(model: Any, width: int) -> Any:
    """Return the fastest engine for a model that reads at most `width` tokens."""
    layers = chain(model)
    if layers:
        return Recurrent(layers)
    attention = [x.body for x in model.layers if isinstance(x, Sublayer)]
    attention = [x for x in attention if isinstance(x, SelfAttention)]
    if attention and all(x.causal for x in attention) and cached(model):
        return Cached(model, width)
    return Windowed(model, width)


def cached(model: Any) -> bool:
    """Tell whether no layer looks at other tokens but by a cache."""
    return all(isinstance(layer, EACH) for layer in model.layers)


class Engine:
    """What engines have in common."""

    chunk = CHUNK
    compiled = False

    def renew(self, state: Any) -> Any:
        """Return a state with room for `chunk` tokens."""
        return state


class Recurrent(Engine):
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

    def begin(self, ids: tf.RaggedTensor, tokens: tf.Tensor) -> tuple[tf.Tensor, Any]:
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


class Windowed(Engine):
    """Shows a model its last tokens again for each new one.

    It works for any causal model: what follows a token cannot change its logits.
    """

    def __init__(self, model: Any, width: int):
        self.model, self.width = model, width

    def begin(self, ids: tf.RaggedTensor, tokens: tf.Tensor) -> tuple[tf.Tensor, Any]:
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


class Cached(Engine):
    """Keeps keys and values of attention, so that no token is read twice.

    Rows are padded on their left, so that all write to the same slot. A text that outgrows the
    model goes on from its last half, which is read again.
    """

    compiled = True

    def __init__(self, model: Any, width: int):
        self.model, self.width = model, width
        self.chunk = max(1, min(CHUNK, width // 2))

    def begin(self, ids: tf.RaggedTensor, tokens: tf.Tensor) -> tuple[tf.Tensor, Any]:
        """Read texts `(B, None)` of different lengths, one token at least."""
        ids = ids[:, -self.width :]
        lengths = tf.cast(ids.row_lengths(), tf.int32)
        padded = tf.reverse_sequence(ids.to_tensor(PADDING), lengths, seq_axis=1)
        padded = tf.reverse(padded, [1])
        chunks = -(-tokens // self.chunk)
        room = tf.minimum(_power(tf.shape(padded)[1] + chunks * self.chunk), self.width)
        return self._read(padded, lengths, room)

    def _read(self, ids: tf.Tensor, lengths: tf.Tensor, room: Any) -> tuple[tf.Tensor, Any]:
        """Read ids `(B, T)`, of which the last `lengths` are each row's own."""
        length = tf.shape(ids)[1]
        position = tf.range(length) - (length - lengths)[:, None]
        with caching.Reading(position, room) as reading:
            logits = self.model(ids, training=False)
        history = tf.pad(ids, [(0, 0), (0, room - length)])
        slot = tf.fill(tf.shape(lengths), length)  # a row each, as all states have
        return tf.cast(logits[:, -1], tf.float32), (history, reading.states, slot, lengths)

    def step(self, token: tf.Tensor, state: Any) -> tuple[tf.Tensor, Any]:
        """Read tokens `(B,)`."""
        history, caches, slot, lengths = state
        with caching.Reading(lengths[:, None], states=caches, slot=slot[0]) as reading:
            logits = self.model(token[:, None], training=False)
        here = tf.equal(tf.range(tf.shape(history)[1]), slot[0])
        history = tf.where(here, token[:, None], history)
        return tf.cast(logits[:, 0], tf.float32), (history, reading.states, slot + 1, lengths + 1)

    def renew(self, state: Any) -> Any:
        """Read the last half of the texts again where there is no room for more."""
        history, _, slot, lengths = state
        room, half = tf.shape(history)[1], self.width // 2

        def again() -> Any:
            ids = history[:, slot[0] - half : slot[0]]
            return self._read(ids, tf.minimum(lengths, half), room)[1]

        return tf.cond(slot[0] + self.chunk > room, again, lambda: state)


def _power(number: tf.Tensor) -> tf.Tensor:
    """Return the power of two that is as large or next, so that few sizes are ever compiled."""
    return tf.gather(POWERS, tf.searchsorted(POWERS, number[None])[0])
