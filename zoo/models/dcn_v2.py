"""DCN V2: layers that multiply features with each other, and a dense network.

Wang, Shivanna, Cheng, Jain, Lin, Hong and Chi, DCN V2: Improved Deep & Cross Network and Practical
Lessons for Web-scale Learning to Rank Systems, 2020, arXiv:2008.13535. The dense network follows
the cross layers (stacked) or stands beside them (parallel), figure 1 of the paper.
"""

import keras

from zoo import layers
from zoo.layers import tables
from zoo.models.mlp import dense_block

STRUCTURES = ("stacked", "parallel")


def dcn_v2(
    input_shape,
    classes,
    cardinalities=(),
    *,
    structure="stacked",
    cross_layers=2,
    units=(128, 128),
    embedding_width=8,
    activation="relu",
    dropout=0.0,
    l1=0.0,
    l2=0.0,
    classifier_activation=None,
):
    """Build a deep and cross network.

    Args:
        input_shape: shape of one example's numbers; anything but a vector is flattened.
        classes: size of the output: classes, or targets; 1 for a binary class.
        cardinalities: codes of each category column; with any, the input is a dictionary of
            `numbers` and `categories`.
        structure: stacked, the dense layers after the cross layers, or parallel, beside them.
        cross_layers: number of cross layers; each raises the degree of interactions by one.
        units: width of each hidden layer of the dense network.
        embedding_width: numbers a category becomes.
        activation: non-linearity after each hidden layer.
        dropout: share of hidden units dropped while training.
        l1: penalty on absolute weights, which sets some of them to zero.
        l2: penalty on squared weights.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
    """
    if structure not in STRUCTURES:
        raise ValueError(
            f"Expected `structure` to be stacked or parallel. Received: structure={structure!r}"
        )
    penalty = layers.regularizer(l1, l2)
    inputs, numbers, codes = tables.table_inputs(input_shape, cardinalities)
    first = tables.table_vector(numbers, codes, cardinalities, embedding_width)  # (B, d)
    crossed = first
    for _ in range(cross_layers):
        crossed = tables.FeatureCross(penalty)(first, crossed)  # (B, d)
    x = crossed if structure == "stacked" else first
    for width in layers.check_units(units):
        x = dense_block(x, width, activation, dropout, penalty)  # (B, width)
    if structure == "parallel":
        x = keras.layers.Concatenate()([crossed, x])
    outputs = layers.logits(x, classes, penalty, classifier_activation)
    return keras.Model(inputs, outputs, name="dcn_v2")
