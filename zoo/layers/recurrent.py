"""What networks for sequences share: their input, the end of their padding, recurrent stacks."""

import math

import keras
from keras import ops

from zoo import layers


@layers.register
class Steps(keras.layers.Layer):
    """Tell steps from padding: what a sequence holds, and bool `(B, T)`, true where it is no end.

    Of tokens `(B, T)` padding is 0. Of vectors `(B, T, C)` it is a step that is NaN throughout;
    zeros take the place of NaN.
    """

    def call(self, inputs):
        if len(inputs.shape) == 2:
            return inputs, ops.not_equal(inputs, 0)
        missing = ops.isnan(inputs)
        return ops.where(missing, 0.0, inputs), ops.logical_not(ops.all(missing, axis=-1))

    def compute_output_spec(self, inputs):
        steps = keras.KerasTensor(inputs.shape[:2], dtype="bool")
        return keras.KerasTensor(inputs.shape, dtype=inputs.dtype), steps


@layers.register
class LastStep(keras.layers.Layer):
    """Return the last step that is no padding: `(B, T, C)` and bool `(B, T)` to `(B, C)`."""

    def call(self, x, steps=None):
        if steps is None:
            return x[:, -1]
        places = ops.where(steps, ops.arange(ops.shape(x)[1]), 0)  # (B, T)
        last = ops.max(places, axis=1)  # (B,)
        return ops.squeeze(ops.take_along_axis(x, last[:, None, None], axis=1), axis=1)

    def compute_output_shape(self, x_shape, steps_shape=None):
        return (x_shape[0], x_shape[2])


def sequence_input(input_shape, vocabulary_size, width, masked):
    """Return a model's input, its sequence of vectors `(B, T, C)`, and which steps are no padding.

    Args:
        input_shape: shape of one sequence, steps first: None where they differ in length. What has
            one dimension is a sequence of numbers, what has more than two one of flattened rows.
        vocabulary_size: number of tokens; None where the input is vectors.
        width: size of a token's vector.
        masked: whether tokens 0 are padding. Vectors are padded where lengths differ.

    Returns:
        The input, the sequence, and bool `(B, T)`, None where there is no padding.
    """
    if vocabulary_size is not None:
        tokens = keras.Input((None,), dtype="int32")
        embedding = keras.layers.Embedding(vocabulary_size, width, name="embedding")
        if not masked:
            return tokens, embedding(tokens), None
        x, steps = Steps(name="steps")(tokens)
        return tokens, embedding(x), steps
    if not input_shape:
        raise ValueError(
            "Expected `vocabulary_size`, or the `input_shape` of a sequence. "
            f"Received: vocabulary_size=None, input_shape={input_shape}"
        )
    inputs = keras.Input(input_shape)
    if input_shape[0] is None:
        return inputs, *Steps(name="steps")(inputs)
    if len(input_shape) == 2:
        return inputs, inputs, None
    rows = (input_shape[0], math.prod(input_shape[1:]))
    return inputs, keras.layers.Reshape(rows)(inputs), None


def check_outputs(input_shape, classes, vocabulary_size):
    """Return the size of the output: classes, or the tokens of which each step predicts one."""
    if classes is None and vocabulary_size is None:
        raise ValueError(
            "Expected `classes` or `vocabulary_size`, or both. Received neither: "
            f"input_shape={input_shape}"
        )
    return vocabulary_size if classes is None else classes


def recurrent(
    layer,
    input_shape,
    classes,
    vocabulary_size,
    *,
    units,
    bidirectional,
    dropout,
    l1,
    l2,
    classifier_activation,
    name,
):
    """Build a stack of recurrent layers, of which the last one's last state is the answer.

    Without `classes` every step of the last layer predicts the next token instead. The arguments
    are those of the builders, `zoo.models.lstm.lstm` among them, and:

    Args:
        layer: a class of Keras, as `keras.layers.LSTM`.
        name: the model's.
    """
    outputs = check_outputs(input_shape, classes, vocabulary_size)
    if bidirectional and classes is None:
        raise ValueError(
            "Expected `classes` with `bidirectional`, as a model that predicts the next token must "
            "not read it. Received: bidirectional=True, classes=None"
        )
    units = layers.check_units(units)
    penalty = layers.regularizer(l1, l2)
    masked = classes is not None
    inputs, x, steps = sequence_input(input_shape, vocabulary_size, units[0], masked)  # (B, T, C)
    for depth, width in enumerate(units, start=1):
        every_step = classes is None or depth < len(units)
        cells = layer(width, return_sequences=every_step, kernel_regularizer=penalty)
        # Both directions: Schuster and Paliwal, Bidirectional Recurrent Neural Networks, 1997.
        cells = keras.layers.Bidirectional(cells) if bidirectional else cells
        x = cells(x, mask=steps)
        x = keras.layers.Dropout(dropout)(x) if dropout else x
    return keras.Model(inputs, layers.logits(x, outputs, penalty, classifier_activation), name=name)


def chain(model):
    """Return the layers of a model that has recurrent ones and in which each reads the one before.

    Of any other model return none.
    """
    before, found = getattr(model, "input", None), []
    for layer in model.layers[1:]:
        if isinstance(layer, keras.Model) or layer.input is not before:
            return []
        before = layer.output
        found.append(layer)
    return found if any(isinstance(layer, keras.layers.RNN) for layer in found) else []
