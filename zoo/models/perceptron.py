"""The perceptron: y = g(w0 + x . w), one neuron or several side by side.

Rosenblatt, The perceptron: a probabilistic model for information storage and organization in the
brain, 1958. With g = sigmoid, x = (0.5, 0.8), w = (0.2, 0.4) and w0 = 0.1 it answers
g(0.52) = 0.6271.
"""

import keras

from zoo import layers


def perceptron(input_shape, classes=1, *, l1=0.0, l2=0.0, classifier_activation=None):
    """Build one neuron, or several on the same input.

    Without an activation it returns w0 + x . w, the logits of all classifiers here: whoever decodes
    them applies g, a sigmoid to one output and a softmax to several. With
    `classifier_activation="sigmoid"` it returns y itself.

    Args:
        input_shape: shape of one example; anything but a vector is flattened.
        classes: number of neurons: classes, or targets; 1 for a binary class.
        l1: penalty on absolute weights, which sets some of them to zero.
        l2: penalty on squared weights.
        classifier_activation: the neuron's g, such as sigmoid; None for logits.
    """
    g = classifier_activation
    inputs, x = layers.vector_input(input_shape)  # (B, d)
    outputs = keras.layers.Dense(
        classes,
        activation=layers.activation(g) if isinstance(g, str) and g != "softmax" else g,
        kernel_regularizer=layers.regularizer(l1, l2),
        dtype="float32",
        name="neurons",
    )(x)
    return keras.Model(inputs, outputs, name="perceptron")
