"""An encoder and a decoder of LSTMs that translate one sequence of tokens into another.

Sutskever, Vinyals and Le, Sequence to Sequence Learning with Neural Networks, 2014,
arXiv:1409.3215, with attention: Bahdanau, Cho and Bengio, Neural Machine Translation by Jointly
Learning to Align and Translate, 2014, arXiv:1409.0473, looks at the source before each step, with
the state of the step before; Luong, Pham and Manning, Effective Approaches to Attention-based
Neural Machine Translation, 2015, arXiv:1508.04025, after it (their "general" score, without input
feeding), which lets all steps of training look at once.
"""

import keras
from keras import ops

from zoo import layers

ATTENTIONS = ("luong", "bahdanau")


@layers.register
class LSTMDecoder(keras.layers.Layer):
    """Writes a target, given what an encoder read.

    Called with target ids `(B, T)`, source ids `(B, S)`, the memory of those `(B, S, C)`, and the
    first hidden and cell state `(B, units)`, it returns logits `(B, T, vocabulary_size)`. `begin`
    and `step` do the same a token at a time.
    """

    def __init__(self, vocabulary_size, width, units, attention, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary_size, self.width, self.units = vocabulary_size, width, units
        self.attention, self.dropout = attention, dropout
        self.embedding = keras.layers.Embedding(vocabulary_size, width, name="embedding")
        self.cell = keras.layers.LSTMCell(units, name="cell")
        self.recurrence = keras.layers.RNN(self.cell, return_sequences=True, name="recurrence")
        self.query = keras.layers.Dense(units, use_bias=False, name="query")
        self.key = keras.layers.Dense(units, use_bias=False, name="key")
        self.score = keras.layers.Dense(1, use_bias=False, name="score")
        self.combine = keras.layers.Dense(units, activation="tanh", name="combine")
        self.output_layer = keras.layers.Dense(vocabulary_size, dtype="float32", name="logits")
        self.drop = keras.layers.Dropout(dropout)
        self.supports_masking = True

    def build(self, shapes):
        _, _, memory, _, _ = shapes
        early = self.attention == "bahdanau"
        channels, read = memory[-1], self.width + (memory[-1] if early else 0)
        self.embedding.build((None, None))
        self.recurrence.build((None, None, read))
        self.key.build((None, None, channels))
        if early:
            self.query.build((None, self.units))
            self.score.build((None, None, None, self.units))
        self.combine.build((None, self.units + channels))
        self.output_layer.build((None, self.units))

    def compute_output_shape(self, shapes):
        return (*shapes[0], self.vocabulary_size)

    def call(self, inputs, training=False):
        ids, source, memory, h, c = inputs
        real = ops.not_equal(source, 0)  # (B, S)
        x = self.drop(self.embedding(ids), training=training)  # (B, T, C)
        keys = self.key(memory)  # (B, S, U)
        if self.attention == "luong":
            h = self.recurrence(x, initial_state=[h, c], training=training)  # (B, T, U)
            seen = self.look(h, keys, memory, real)  # (B, T, C)
        else:

            def step(carried, x):
                _, states, seen = self.advance(x, carried[:2], keys, memory, real)
                return (carried := [*states, seen]), carried

            first = [h, c, ops.zeros_like(memory[:, 0])]
            _, (h, _, seen) = ops.scan(step, first, ops.transpose(x, (1, 0, 2)))
            h, seen = (ops.transpose(y, (1, 0, 2)) for y in (h, seen))
        return self.answer(h, seen, training)

    def look(self, h, keys, memory, real):
        """What of the memory is wanted, `(B, T, C)`, with states `(B, T, U)`."""
        if self.attention == "luong":
            scores = ops.matmul(h, ops.transpose(keys, (0, 2, 1)))  # (B, T, S)
        else:
            joint = ops.tanh(self.query(h)[:, :, None] + keys[:, None])  # (B, T, S, U)
            scores = self.score(joint)[..., 0]
        scores = ops.where(real[:, None], ops.cast(scores, "float32"), -1e9)
        return ops.matmul(ops.cast(ops.softmax(scores), memory.dtype), memory)

    def advance(self, x, states, keys, memory, real):
        """One step of the recurrence with `x` `(B, C)`: output, states, and what was looked at."""
        if self.attention == "luong":
            h, states = self.cell(x, states)
            return h, states, self.look(h[:, None], keys, memory, real)[:, 0]
        seen = self.look(states[0][:, None], keys, memory, real)[:, 0]
        h, states = self.cell(ops.concatenate([x, seen], axis=-1), states)
        return h, states, seen

    def answer(self, h, seen, training=False):
        x = self.combine(ops.concatenate([h, seen], axis=-1))
        return self.output_layer(self.drop(x, training=training))

    def begin(self, encoded, longest):
        """Return what stays the same in all steps, and the state before the first of `longest`."""
        source, memory, h, c = encoded
        return (self.key(memory), memory, ops.not_equal(source, 0)), [h, c]

    def step(self, token, fixed, states):
        """Return logits of what follows `token` `(B,)`, and the states after it."""
        h, states, seen = self.advance(self.embedding(token), states, *fixed)
        return self.answer(h, seen), states

    def get_config(self):
        names = ("vocabulary_size", "width", "units", "attention", "dropout")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def encoder(vocabulary_size, width, units, dropout):
    """Read ids `(B, S)` in both directions: the ids again, their memory, the first states."""
    source = keras.Input((None,), dtype="int32")
    embedding = keras.layers.Embedding(vocabulary_size, width, mask_zero=True, name="embedding")
    x = embedding(source)  # (B, S, C)
    x = keras.layers.Dropout(dropout)(x) if dropout else x
    lstm = keras.layers.LSTM(units, return_sequences=True, return_state=True)
    memory, h, c, back_h, back_c = keras.layers.Bidirectional(lstm)(x)  # (B, S, 2 U)
    h = keras.layers.Concatenate()([h, back_h])
    c = keras.layers.Concatenate()([c, back_c])
    h = keras.layers.Dense(units, activation="tanh", name="hidden")(h)
    c = keras.layers.Dense(units, name="cell")(c)
    memory = keras.layers.Dropout(dropout)(memory) if dropout else memory
    return keras.Model(source, [source, memory, h, c], name="encoder")


def seq2seq_lstm(
    vocabulary_size,
    target_vocabulary_size,
    sequence_length=None,
    *,
    units=256,
    width=256,
    attention="bahdanau",
    dropout=0.3,
):
    """Build a translator: source `(B, S)` and target ids `(B, T)` to logits of what follows.

    Those are `(B, T, target_vocabulary_size)`.

    Args:
        vocabulary_size: number of source tokens; 0 is padding.
        target_vocabulary_size: number of target tokens; 0 is padding.
        sequence_length: the longest sequence; any length is read.
        units: width of the recurrent layers, of the encoder in each direction.
        width: size of a token's vector.
        attention: when the decoder looks at the source: "bahdanau" before, "luong" after a step.
        dropout: share of token vectors, of memory and of the decoder's outputs dropped.
    """
    if attention not in ATTENTIONS:
        raise ValueError(f"Expected `attention` luong or bahdanau. Received: {attention}")
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    encoded = encoder(vocabulary_size, width, units, dropout)(source)
    decoder = LSTMDecoder(target_vocabulary_size, width, units, attention, dropout, name="decoder")
    logits = decoder([target, *encoded])
    return keras.Model({"source": source, "target": target}, logits, name="seq2seq_lstm")
