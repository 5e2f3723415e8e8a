"""The networks of keras.applications, with the surface all networks of pictures have here.

`architecture` is the name of the function of keras.applications that builds one, and whose ImageNet
weights fit; this module asks for none. Pictures come in [0, 1] and are brought inside to what those
weights were trained on. The layer of classes is ours, in float32, on what the network's own sees.
"""

import inspect
import math
import warnings
from collections import Counter
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import layers
from zoo.errors import nearest
from zoo.layers import images

SMALLEST = {"Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75}  # pixels a side; others 32

# What a value in [0, 1] is multiplied by, and what is added then.
SIGNED = (2.0, -1.0)
PIXELS = (255.0, 0.0)  # the network divides by 255 itself
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
STANDARD = (1 / DEVIATION, -MEAN / DEVIATION)
CAFFE = (255.0, -np.array([103.939, 116.779, 123.68]))  # of blue, green and red, in this order
RANGES: dict[str, tuple[Any, Any]] = {
    **dict.fromkeys(("ResNet50", "ResNet101", "ResNet152", "VGG16", "VGG19"), CAFFE),
    **dict.fromkeys((f"DenseNet{n}" for n in (121, 169, 201)), STANDARD),
    **dict.fromkeys(
        (f"ConvNeXt{n}" for n in ("Tiny", "Small", "Base", "Large", "XLarge")), STANDARD
    ),
    **dict.fromkeys((f"EfficientNetV2B{n}" for n in range(4)), STANDARD),
    **dict.fromkeys((f"EfficientNetV2{n}" for n in "SML"), (255 / 128, -1.0)),
    **dict.fromkeys((f"EfficientNetB{n}" for n in range(8)), PIXELS),
}  # the others are SIGNED


def preprocessed(x, architecture):
    """Bring pictures to the range of a network; what is said of colors is averaged for others."""
    scale, offset = RANGES.get(architecture, SIGNED)
    if x.shape[-1] != 3:
        scale, offset = np.mean(scale), np.mean(offset)
    elif offset is CAFFE[1]:
        x = keras.ops.flip(x, axis=-1)
    return keras.layers.Rescaling(np.array(scale).tolist(), np.array(offset).tolist())(x)


def reference(x, architecture, include_top):
    """Return the network of keras.applications over `x`, without weights learned elsewhere."""
    build = getattr(keras.applications, architecture)
    more = {"classes": 1, "classifier_activation": None} if include_top else {}
    if "include_preprocessing" in inspect.signature(build).parameters:
        more["include_preprocessing"] = False
    shape = tuple(x.shape[1:])
    with warnings.catch_warnings():  # without its weights, any number of channels is as good
        warnings.filterwarnings("ignore", message="This model usually expects 1 or 3")
        network = build(
            include_top=include_top, weights=None, input_tensor=x, input_shape=shape, **more
        )
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = tf.distribute.has_strategy()
        if getattr(layer, "activation", None) is keras.activations.gelu:
            layer.activation = layers.gelu  # the same function, which ONNX knows
    return network


def pooled(network):
    """Return what the layer of classes sees, `(B, d)`, before any dropout."""
    last = max(i for i, layer in enumerate(network.layers) if layer.weights)
    before = network.layers[last - 1]
    x = before.input if isinstance(before, keras.layers.Dropout) else before.output
    return x if len(x.shape) == 2 else keras.layers.Flatten()(x)  # some see a map of one pixel


def stride(layer):
    """Return how many pixels of its input lie between two of a layer's output."""
    if isinstance(layer, keras.Sequential):
        return math.prod(map(stride, layer.layers))
    return getattr(layer, "strides", (1,))[0]


def walk(network):
    """Yield each operation, the stride of its output, and how many other outputs are waited for."""
    operations = [(op, keras.tree.flatten(op.input)) for op in network.operations]
    readers = Counter(id(x) for _, inputs in operations for x in inputs)
    strides: dict[int, int] = {}
    waiting: set[int] = set()
    for op, inputs in operations:
        before = max((strides.get(id(x), 1) for x in inputs), default=1)
        strides[id(op.output)] = before * stride(op)
        readers.subtract(map(id, inputs))
        waiting = {x for x in waiting if readers[x] > 0}
        yield op, strides[id(op.output)], len(waiting)
        waiting.add(id(op.output))


def pyramid(network):
    """Return the last map at each stride above one, the finest first.

    It is the last that all that follows depends on: once it is computed no other is waited for. In
    NASNet, whose cells also see the last but one, it is the widest that joins several.
    """
    alone: dict[int, keras.KerasTensor] = {}
    joined: dict[int, keras.KerasTensor] = {}
    for op, step, waiting in walk(network):
        x = op.output
        if isinstance(op, keras.layers.ZeroPadding2D):
            continue
        if not waiting:
            alone[step] = x
        elif isinstance(op.input, list) and x.shape[-1] >= joined.get(step, x).shape[-1]:
            joined[step] = x
    found = {**joined, **alone}
    return [found[step] for step in sorted(found) if step > 1]


def application(
    input_shape,
    classes,
    *,
    architecture="ResNet50",
    dropout=0.0,
    classifier_activation=None,
    features_only=False,
):
    """Build a network of keras.applications.

    Args:
        input_shape: height, width and channels of a picture; of at least 32 pixels a side, 71 for
            Xception, 75 for InceptionV3 and InceptionResNetV2; values in [0, 1].
        classes: size of the output: classes, or targets; 1 for a binary class.
        architecture: name of a function of keras.applications, such as MobileNetV3Small.
        dropout: share of values dropped before the output while training.
        classifier_activation: applied to the output, as in keras.applications; None for logits.
        features_only: return the last map at each of the strides 2, 4, 8, 16 and 32 instead of the
            classes.
    """
    known = [name for name in dir(keras.applications) if name[0].isupper()]
    if architecture not in known:
        raise ValueError(
            "Expected `architecture` to be a network of keras.applications. "
            f"Received: architecture={architecture!r}.{nearest(str(architecture), known)}"
        )
    inputs = images.picture_input(input_shape, smallest=SMALLEST.get(architecture, 32))
    x = preprocessed(inputs, architecture)
    network = reference(x, architecture, include_top=not features_only)
    if features_only:
        return keras.Model(inputs, pyramid(network), name=architecture.lower())
    x = pooled(network)
    x = keras.layers.Dropout(dropout)(x) if dropout else x
    outputs = layers.logits(x, classes, None, classifier_activation)
    return keras.Model(inputs, outputs, name=architecture.lower())
