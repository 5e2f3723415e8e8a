"""Keras's LSTM, whose training step takes less time on a CPU."""

import math

import keras
import tensorflow as tf

from zoo import layers

CHUNK = 8  # steps whose products are one


@layers.register
class LSTM(keras.layers.LSTM):
    """Long short-term memory with Keras's weights, outputs and gradients, to rounding.

    While it is trained on a CPU the products with the input, and those that give the gradients of
    the weights, are one for several steps; Keras's are one for each.
    Whatever else (a mask, other activations, a GPU, which has cuDNN, and all that is not training)
    goes Keras's way.
    """

    def call(self, sequences, initial_state=None, mask=None, training=False):
        if not training or mask is not None or not self._usual():
            return super().call(
                sequences, initial_state=initial_state, mask=mask, training=training
            )
        x = tf.reverse(sequences, [1]) if self.go_backwards else sequences
        weights = (self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias)
        first = initial_state or self.cell.get_initial_state(batch_size=tf.shape(x)[0])
        # (B, T, units) and (B, units)
        states, cell = _states(x, *map(tf.convert_to_tensor, (*weights, *first)))
        answer = states if self.return_sequences else states[:, -1]
        return [answer, states[:, -1], cell] if self.return_state else answer

    def _usual(self):
        """Tell whether it computes what `_states` does."""
        return (
            self.compute_dtype == "float32"
            and self.activation is keras.activations.tanh
            and self.recurrent_activation is keras.activations.sigmoid
            and self.use_bias
            and not (self.dropout or self.recurrent_dropout)
            and not (self.stateful or self.unroll)
            and not tf.config.list_logical_devices("GPU")
        )


@tf.custom_gradient
def _states(x, kernel, recurrent_kernel, bias, first, first_cell):
    """Return the states `(B, T, units)` that follow from the first and `x` `(B, T, C)`.

    The last cell comes after them; no gradient goes through it. A round of the loops is a chunk of
    steps. What no step waits for is in them too, so that another core has it done by then.
    """
    length = x.shape[1] or tf.shape(x)[1]
    chunk = math.gcd(x.shape[1] or 1, CHUNK)
    rounds = length // chunk

    def split(values):
        """Return an array of `(chunk, B, d)` for `(T, B, d)`."""
        shape = (rounds, chunk, -1, values.shape[-1])
        array = tf.TensorArray(tf.float32, rounds, clear_after_read=False)
        return array.unstack(tf.reshape(values, shape))

    inputs = split(tf.transpose(x, (1, 0, 2)))

    def forward(n, h, c, gates, cells, states):
        z = _flat(inputs.read(n)) @ kernel + bias
        kept = []
        for product in tf.split(z, chunk):
            i, f, g, o = tf.split(product + h @ recurrent_kernel, 4, axis=1)
            i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
            c = f * c + i * g
            h = o * tf.tanh(c)
            kept.append((tf.concat((i, f, g, o), 1), c, h))
        arrays = zip((gates, cells, states), zip(*kept, strict=True), strict=True)
        return n + 1, h, c, *(array.write(n, tf.stack(values)) for array, values in arrays)

    start = (0, first, first_cell, *(tf.TensorArray(tf.float32, rounds) for _ in range(3)))
    *_, gates, cells, states = tf.while_loop(lambda n, *_: n < rounds, forward, start)
    gates, cells, states = (array.concat() for array in (gates, cells, states))  # (T, B, d)

    def gradients(upstream, _):
        of_gates, of_cells = split(gates), split(cells)
        above = split(tf.transpose(upstream, (1, 0, 2)))
        cells_before = split(tf.concat((first_cell[None], cells[:-1]), 0))
        states_before = split(tf.concat((first[None], states[:-1]), 0))
        transposed = tf.transpose(recurrent_kernel)

        def backward(n, dh, dc, dx, *weights):
            i, f, g, o = tf.split(of_gates.read(n), 4, axis=2)
            squashed = tf.tanh(of_cells.read(n))
            before = cells_before.read(n)
            # What a gate's sum changes in the cell, what in the state; what the cell changes in it.
            of_cell = tf.concat((g * i * (1 - i), before * f * (1 - f), i * (1 - g * g)), 2)
            of_state, between = squashed * o * (1 - o), o * (1 - squashed * squashed)
            needed = (above.read(n), between, of_cell, of_state, f)
            steps = [tf.unstack(each, chunk)[::-1] for each in needed]
            sums = []
            for upper, through, in_cell, in_state, forget in zip(*steps, strict=True):
                dh += upper
                dc += dh * through
                sums.append(tf.concat((tf.tile(dc, (1, 3)) * in_cell, dh * in_state), 1))
                dh, dc = sums[-1] @ transposed, dc * forget
            dz = tf.concat(sums[::-1], 0)  # (chunk B, 4 units)
            one = tf.reshape(tf.matmul(dz, kernel, transpose_b=True), (chunk, -1, x.shape[2]))
            more = (
                tf.matmul(_flat(inputs.read(n)), dz, transpose_a=True),
                tf.matmul(_flat(states_before.read(n)), dz, transpose_a=True),
                tf.reduce_sum(dz, 0),
            )
            sums = [old + new for old, new in zip(weights, more, strict=True)]
            return n - 1, dh, dc, dx.write(n, one), *sums

        zeros = [tf.zeros_like(each) for each in (kernel, recurrent_kernel, bias)]
        nothing = tf.zeros_like(first)
        start = (rounds - 1, nothing, nothing, tf.TensorArray(tf.float32, rounds), *zeros)
        _, dh, dc, dx, *weights = tf.while_loop(lambda n, *_: n >= 0, backward, start)
        return tf.transpose(dx.concat(), (1, 0, 2)), *weights, dh, dc

    shaped = tf.reshape(states, (length, -1, recurrent_kernel.shape[0]))
    return (tf.transpose(shaped, (1, 0, 2)), cells[-1]), gradients


def _flat(x):
    return tf.reshape(x, (-1, x.shape[-1]))
