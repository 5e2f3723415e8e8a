"""The ImageNet weights of keras.applications, fetched and checked by Keras itself."""

from __future__ import annotations

import warnings

import keras
import numpy as np

from zoo.errors import InputError
from zoo.weights import named
from zoo.weights.transfer import HEAD


def read(model: str, architecture: str) -> dict[str, np.ndarray]:
    """Return the weights of a network of keras.applications, the last layer's as a head's.

    Keras keeps the file under `~/.keras/models`, or where `KERAS_HOME` says, and compares its hash.

    Args:
        model: the model that asks or its backbone, for messages.
        architecture: the name of the function of keras.applications; "" where there is none.

    Raises:
        InputError: there are none for this model, or they cannot be fetched.
    """
    if not architecture:
        raise InputError(
            f"--weights received imagenet for '{model}', for which keras.applications has none. "
            "Expected a model, or a backbone where a model takes one, such as "
            "keras-efficientnet-b0. See `zoo list 'keras-*'`."
        )
    try:
        with warnings.catch_warnings():  # of pictures of another size, which these weights suit
            warnings.filterwarnings("ignore", message="`input_shape` is undefined")
            network = getattr(keras.applications, architecture)(weights="imagenet")
    except Exception as error:  # of the network, the file, or its hash
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"The ImageNet weights of {architecture} could not be fetched: {reason}. Expected the "
            "site of Keras to be reachable, or its file in ~/.keras/models. Try again later."
        ) from error
    tensors = _rescaled(network, named(network.weights))
    last = {id(weight) for weight in network.layers[-1].weights}
    heads = [id(weight) in last for weight in network.weights]
    return {
        f"{name.split('/')[0]}/{HEAD}/{name.split('/')[-1]}" if head else name: value
        for head, (name, value) in zip(heads, tensors.items(), strict=True)
    }


def _rescaled(network: keras.Model, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return weights that need no rescaling of normalized pictures.

    Keras's EfficientNets divide them once more, by the root of the deviation, where they have these
    weights and only then; the first convolution, which sees the result, can do so as well.
    """
    layers = [layer for layer in network.layers if isinstance(layer, keras.layers.Rescaling)]
    if len(layers) < 2:
        return tensors
    name = next(name for name in tensors if "stem_conv/kernel" in name)
    scale = np.asarray(layers[1].scale, "float32")[:, None]  # (channels, 1)
    return {**tensors, name: tensors[name] * scale}
