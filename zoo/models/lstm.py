"""Long short-term memory: a recurrent network whose cells keep or forget.

Hochreiter and Schmidhuber, Long Short-Term Memory, 1997, with the forget gate of Gers, Schmidhuber
and Cummins, 2000.
"""

import math

import keras

from zoo import layers


def sequence_input(input_shape, vocabulary_size, width):
    """Return a model's input and its sequence of vectors, `(B, T, C)`."""
    if vocabulary_size is not None:
        tokens = keras.Input((None,), dtype="int32")
        return tokens, keras.layers.Embedding(vocabulary_size, width, name="embedding")(tokens)
    if not input_shape:
        raise ValueError(
            "Expected `vocabulary_size`, or the `input_shape` of a sequence. "
            f"Received: vocabulary_size=None, input_shape={input_shape}"
        )
    inputs = keras.Input(input_shape)
    if len(input_shape) == 2:
        return inputs, inputs
    rows = (input_shape[0], math.prod(input_shape[1:]))
    return inputs, keras.layers.Reshape(rows)(inputs)


def lstm(
    input_shape=None,
    classes=None,
    vocabulary_size=None,
    sequence_length=None,
    *,
    units=(128,),
    dropout=0.0,
    l1=0.0,
    l2=0.0,
    classifier_activation=None,
):
    """Build an LSTM network.

    With `vocabulary_size` it reads token ids `(B, T)`, otherwise vectors: a picture row by row, a
    vector number by number. With `classes` the last state gives the output `(B, classes)`; without,
    every step predicts the next token, `(B, T, vocabulary_size)`.

    Args:
        input_shape: shape of one sequence, steps first, where there is no vocabulary.
        classes: size of the output: classes, or targets; 1 for a binary class.
        vocabulary_size: number of tokens.
        sequence_length: tokens in a training window; any other length is read as well.
        units: width of each recurrent layer.
        dropout: share of each recurrent layer's outputs dropped while training.
        l1: penalty on absolute weights of inputs and output, which sets some of them to zero.
        l2: penalty on squared weights of inputs and output.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
    """
    if classes is None and vocabulary_size is None:
        raise ValueError(
            "Expected `classes` or `vocabulary_size`, or both. Received neither: "
            f"input_shape={input_shape}"
        )
    units = layers.check_units(units)
    penalty = layers.regularizer(l1, l2)
    inputs, x = sequence_input(input_shape, vocabulary_size, units[0])  # (B, T, C)
    for depth, width in enumerate(units, start=1):
        every_step = classes is None or depth < len(units)
        x = keras.layers.LSTM(width, return_sequences=every_step, kernel_regularizer=penalty)(x)
        x = keras.layers.Dropout(dropout)(x) if dropout else x
    outputs = layers.logits(
        x, vocabulary_size if classes is None else classes, penalty, classifier_activation
    )
    return keras.Model(inputs, outputs, name="lstm")
