"""Weights of a PyTorch network in ours, where both have the same layers in the same order.

PyTorch's kernels are `(out, in, height, width)`, Keras's `(height, width, in, out)`; batch
normalization has its four vectors in the same order in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.errors import InputError
from zoo.weights import torch_file

COUNTERS = "num_batches_tracked"  # of batches seen; Keras keeps none


def load(model: keras.Model, path: Path) -> None:
    """Give a model the weights of a `.pth` file.

    Args:
        model: for example `efficientnet-lite0` of 1000 classes.
        path: a `state_dict` that PyTorch saved.

    Raises:
        InputError: the file is damaged, or another network's.
    """
    assign(model, torch_file.read(path), str(path))


def assign(model: keras.Model, tensors: Mapping[str, np.ndarray], source: str) -> None:
    """Give a model the tensors of a `state_dict`, in their order; all or none.

    Args:
        model: a model whose layers come in the order of the tensors.
        tensors: by name, as PyTorch has them.
        source: where they come from, for messages.

    Raises:
        InputError: there are fewer or more, or one has another shape.
    """
    names = [name for name in tensors if not name.endswith(COUNTERS)]
    slots = [(layer, variable) for layer in model.layers for variable in layer.weights]
    if len(names) != len(slots):
        raise InputError(
            f"'{source}' holds {len(names)} tensors. Expected {len(slots)}, as this model has."
        )
    values = []
    for name, (layer, variable) in zip(names, slots, strict=True):
        value = _transposed(layer, tensors[name])
        if value.shape != tuple(variable.shape):
            raise InputError(
                f"'{source}' holds {name[:60]}, as Keras has it of shape {value.shape}. Expected "
                f"{tuple(variable.shape)}, as {variable.path} has. Try the network it was saved of."
            )
        values.append(value)
    for (_, variable), value in zip(slots, values, strict=True):
        variable.assign(value)


def _transposed(layer: Any, value: np.ndarray) -> np.ndarray:
    """Return a tensor with its axes as Keras has them."""
    if value.ndim == 4 and isinstance(layer, keras.layers.DepthwiseConv2D):
        return value.transpose(2, 3, 0, 1)  # (channels, 1, h, w)
    return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T
