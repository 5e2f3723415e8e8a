"""Keras's LSTM, whose training step on a CPU takes two thirds of the time or less."""

import keras
import tensorflow as tf

from zoo import layers


@layers.register
class LSTM(keras.layers.LSTM):
    """Long short-term memory with Keras's weights, outputs and gradients, to rounding.

    While it is trained on a CPU the products with the input, and the gradients of all weights, are
    one matrix product over all steps each; Keras adds up as many small ones as there are steps.
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

    The last cell comes after them; no gradient goes through it.
    """
    length = x.shape[1] or tf.shape(x)[1]
    units = recurrent_kernel.shape[0]
    rows = tf.reshape(tf.transpose(x, (1, 0, 2)), (-1, x.shape[2]))  # (T B, C), as are all below
    products = _steps(tf.matmul(rows, kernel) + bias, length)

    def forward(t, h, c, gates, cells, states):
        z = products.read(t) + tf.matmul(h, recurrent_kernel)
        i, f, g, o = tf.split(z, 4, axis=1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        c = f * c + i * g
        h = o * tf.tanh(c)
        kept = gates.write(t, tf.concat((i, f, g, o), 1)), cells.write(t, c), states.write(t, h)
        return t + 1, h, c, *kept

    kept = [_array(length) for _ in range(3)]
    *_, gates, cells, states = tf.while_loop(
        lambda t, *_: t < length, forward, (0, first, first_cell, *kept), maximum_iterations=length
    )
    gates, cells, states = (array.stack() for array in (gates, cells, states))  # (T, B, ...)

    def gradients(upstream, _):
        i, f, g, o = tf.split(gates, 4, axis=2)
        before = tf.concat((first_cell[None], cells[:-1]), 0)
        squashed = tf.tanh(cells)
        # What a gate's sum changes in the cell, and in the state; what the cell changes in that.
        of_cell = _steps(tf.concat((g * i * (1 - i), before * f * (1 - f), i * (1 - g * g)), 2))
        of_state = _steps(squashed * o * (1 - o))
        between = _steps(o * (1 - squashed * squashed))
        forgets, above = _steps(f), _steps(tf.transpose(upstream, (1, 0, 2)))

        def backward(t, dh, dc, sums):
            dh += above.read(t)
            dc += dh * between.read(t)
            dz = tf.concat((tf.tile(dc, (1, 3)) * of_cell.read(t), dh * of_state.read(t)), 1)
            dh = tf.matmul(dz, recurrent_kernel, transpose_b=True)
            return t - 1, dh, dc * forgets.read(t), sums.write(t, dz)

        zeros = tf.zeros_like(first)
        start = (length - 1, zeros, zeros, _array(length))
        _, dh, dc, sums = tf.while_loop(
            lambda t, *_: t >= 0, backward, start, maximum_iterations=length
        )
        dz = tf.reshape(sums.stack(), (-1, 4 * units))
        earlier = tf.reshape(tf.concat((first[None], states[:-1]), 0), (-1, units))
        dx = tf.reshape(tf.matmul(dz, kernel, transpose_b=True), (length, -1, x.shape[2]))
        return (
            tf.transpose(dx, (1, 0, 2)),
            tf.matmul(rows, dz, transpose_a=True),
            tf.matmul(earlier, dz, transpose_a=True),
            tf.reduce_sum(dz, 0),
            dh,
            dc,
        )

    return (tf.transpose(states, (1, 0, 2)), cells[-1]), gradients


def _array(length):
    return tf.TensorArray(tf.float32, length)


def _steps(x, length=None):
    """Return an array of steps for `(T, B, d)`, or for `(T B, d)` where T is given."""
    x = x if length is None else tf.reshape(x, (length, -1, x.shape[-1]))
    return _array(tf.shape(x)[0]).unstack(x)
