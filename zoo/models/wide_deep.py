"""Wide & Deep: a linear model that memorizes beside a network that generalizes, trained jointly.

Cheng and others, Wide & Deep Learning for Recommender Systems, 2016, arXiv:1606.07792. The wide
part is linear in the numbers, the categories and all pairs of categories; the deep part is an MLP
of the numbers and embedded categories. The paper's hidden layers are 1024, 512 and 256 wide and its
embeddings 32; the defaults here suit tables of thousands of rows.
"""

import keras

from zoo import layers
from zoo.layers import tables
from zoo.models.mlp import dense_block


def wide_part(numbers, codes, cardinalities, classes, buckets, penalty):
    """Return the linear part's logits, `(B, classes)`."""
    logits = []
    if numbers is not None:
        linear = keras.layers.Dense(
            classes, use_bias=False, kernel_regularizer=penalty, dtype="float32"
        )
        logits.append(linear(numbers))
    if codes is not None:
        crosses = tables.CategoryLinear(
            cardinalities, classes, buckets, penalty, dtype="float32", name="crosses"
        )
        logits.append(crosses(codes))
    return logits


def wide_deep(
    input_shape,
    classes,
    cardinalities=(),
    *,
    units=(128, 64),
    embedding_width=8,
    buckets=1000,
    activation="relu",
    dropout=0.0,
    l1=0.0,
    l2=0.0,
    classifier_activation=None,
):
    """Build a wide and deep network.

    Args:
        input_shape: shape of one example's numbers; anything but a vector is flattened.
        classes: size of the output: classes, or targets; 1 for a binary class.
        cardinalities: codes of each category column; with any, the input is a dictionary of
            `numbers` and `categories`.
        units: width of each hidden layer of the deep part.
        embedding_width: numbers a category becomes in the deep part.
        buckets: weights a pair of category columns has at most; more combinations share by hashing.
        activation: non-linearity after each hidden layer.
        dropout: share of hidden units dropped while training.
        l1: penalty on absolute weights, which sets some of them to zero.
        l2: penalty on squared weights.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
    """
    penalty = layers.regularizer(l1, l2)
    inputs, numbers, codes = tables.table_inputs(input_shape, cardinalities)
    x = tables.table_vector(numbers, codes, cardinalities, embedding_width)  # (B, d)
    for width in layers.check_units(units):
        x = dense_block(x, width, activation, dropout, penalty)  # (B, width)
    deep = keras.layers.Dense(classes, kernel_regularizer=penalty, dtype="float32")(x)
    wide = wide_part(numbers, codes, cardinalities, classes, buckets, penalty)
    logits = keras.layers.Add(dtype="float32")([deep, *wide])
    outputs = keras.layers.Activation(
        classifier_activation or "linear", dtype="float32", name="logits"
    )(logits)
    return keras.Model(inputs, outputs, name="wide_deep")
