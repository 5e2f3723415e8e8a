"""Long short-term memory: a recurrent network whose cells keep or forget.

Hochreiter and Schmidhuber, Long Short-Term Memory, 1997, with the forget gate of Gers, Schmidhuber
and Cummins, 2000.
"""

from zoo.layers.lstm import LSTM
from zoo.layers.recurrent import recurrent


def lstm(
    input_shape=None,
    classes=None,
    vocabulary_size=None,
    sequence_length=None,
    *,
    units=(128,),
    bidirectional=False,
    dropout=0.0,
    l1=0.0,
    l2=0.0,
    classifier_activation=None,
):
    """Build an LSTM network.

    With `vocabulary_size` it reads token ids `(B, T)`, otherwise vectors: a picture row by row, a
    vector number by number. With `classes` the last state gives the output `(B, classes)`, and
    padding, which is token 0, is not read; without, every step predicts the next token,
    `(B, T, vocabulary_size)`.

    Args:
        input_shape: shape of one sequence, steps first, where there is no vocabulary; None steps
            where lengths differ, and then steps that are NaN throughout are padding.
        classes: size of the output: classes, or targets; 1 for a binary class.
        vocabulary_size: number of tokens.
        sequence_length: tokens in a training window; any other length is read as well.
        units: width of each recurrent layer, in each direction.
        bidirectional: whether each layer also reads from the end.
        dropout: share of each recurrent layer's outputs dropped while training.
        l1: penalty on absolute weights of inputs and output, which sets some of them to zero.
        l2: penalty on squared weights of inputs and output.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
    """
    return recurrent(
        LSTM,
        input_shape,
        classes,
        vocabulary_size,
        units=units,
        bidirectional=bidirectional,
        dropout=dropout,
        l1=l1,
        l2=l2,
        classifier_activation=classifier_activation,
        name="lstm",
    )
