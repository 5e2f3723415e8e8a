"""Batch normalization folded into the convolution before it: the same function, computed faster.

With its statistics fixed, `gamma * (x - mean) / sqrt(variance + epsilon) + beta` is affine a
channel, and so is what stands before it. Jacob and others, Quantization and Training of Neural
Networks for Efficient Integer-Arithmetic-Only Inference, 2017, arXiv:1712.05877, section 3.2.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import keras
import numpy as np

# Where the output channels are, of each layer's kernel.
CHANNELS = {
    keras.layers.Conv2D: (3,),
    keras.layers.Conv2DTranspose: (2,),
    keras.layers.DepthwiseConv2D: (2, 3),
    keras.layers.Dense: (1,),
}


def folded(model: keras.Model) -> keras.Model:
    """Return a model of equal outputs, to rounding, without the normalizations that can go.

    One can where it alone reads a linear layer of `CHANNELS`. A model that is no graph of layers is
    returned as it is, and so is one within another.
    """
    if not isinstance(model, keras.Function):
        return model
    pairs = _pairs(model)
    before = {id(layer) for layer, _ in pairs}
    after = {id(normalization) for _, normalization in pairs}

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if id(layer) in after:
            return keras.layers.Identity(name=layer.name)
        more = {"use_bias": True} if id(layer) in before else {}
        return type(layer).from_config({**layer.get_config(), **more})

    def call(layer: keras.layers.Layer, x: Any, *args: Any, **kwargs: Any) -> Any:
        return x if isinstance(layer, keras.layers.Identity) else layer(x, *args, **kwargs)

    copy = keras.models.clone_model(model, clone_function=clone, call_function=call)
    copies = {layer.name: layer for layer in copy.layers}
    for layer in model.layers:
        if layer.weights and id(layer) not in before | after:
            copies[layer.name].set_weights(layer.get_weights())
    for layer, normalization in pairs:
        copies[layer.name].set_weights(_joined(layer, normalization))
    return copy


def _pairs(model: keras.Model) -> list[tuple[Any, Any]]:
    """Return linear layers with the batch normalization that alone reads them."""
    made, reads = {}, Counter(id(tensor) for tensor in model.outputs)
    for layer in model.layers:
        try:
            inputs, output = layer.input, layer.output
        except (AttributeError, ValueError):  # it is called more than once
            continue
        reads.update(id(tensor) for tensor in keras.tree.flatten(inputs))
        if type(layer) in CHANNELS and layer.activation is keras.activations.linear:
            made[id(output)] = layer
    return [
        (made[id(layer.input)], layer)
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization) and _reads_alone(layer, made, reads)
    ]


def _reads_alone(layer: Any, made: dict[int, Any], reads: Counter[int]) -> bool:
    try:
        tensor = layer.input
    except (AttributeError, ValueError):
        return False
    last = layer.axis in (-1, len(tensor.shape) - 1)
    return last and id(tensor) in made and reads[id(tensor)] == 1


def _joined(layer: Any, normalization: Any) -> list[np.ndarray]:
    """Return kernel and bias of both layers in one, computed in float64."""
    weights = [np.asarray(weight, np.float64) for weight in layer.get_weights()]
    mean = np.asarray(normalization.moving_mean.numpy(), np.float64)
    variance = np.asarray(normalization.moving_variance.numpy(), np.float64)
    scale = 1.0 / np.sqrt(variance + normalization.epsilon)
    if normalization.scale:
        scale *= normalization.gamma.numpy()
    bias = weights[1] if len(weights) > 1 else 0.0
    bias = (bias - mean) * scale + (normalization.beta.numpy() if normalization.center else 0.0)
    kernel, axes = weights[0], CHANNELS[type(layer)]
    shape = [size if axis in axes else 1 for axis, size in enumerate(kernel.shape)]
    return [(kernel * scale.reshape(shape)).astype("float32"), bias.astype("float32")]
