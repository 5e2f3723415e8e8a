"""Weights of a PyTorch network in ours, where both have the same layers in the same order.

PyTorch's kernels are `(out, in, height, width)`, Keras's `(height, width, in, out)`; batch
normalization has its four vectors in the same order in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from zoo.weights.transfer import HEAD, backbone

COUNTERS = "num_batches_tracked"  # of batches seen; Keras keeps none


def named(model: keras.Model, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the tensors of a `state_dict` as `zoo.weights.named` would: for `transfer`.

    Args:
        model: a model whose layers come in the order of the tensors; its head takes the last.
        tensors: by name, as PyTorch has them.
    """
    head = [layer for layer in model.layers if layer.name == HEAD]
    slots = [layer for layer in [*backbone(model), *head] for _ in layer.weights]
    names = [name for name in tensors if not name.endswith(COUNTERS)]
    slots += [None] * (len(names) - len(slots))
    return {
        f"{i:05d}/{HEAD + '/' if layer in head else ''}{name}": _transposed(layer, tensors[name])
        for i, (name, layer) in enumerate(zip(names, slots, strict=False))
    }


def _transposed(layer: Any, value: np.ndarray) -> np.ndarray:
    """Return a tensor with its axes as Keras has them."""
    if value.ndim == 4 and isinstance(layer, keras.layers.DepthwiseConv2D):
        return value.transpose(2, 3, 0, 1)  # (channels, 1, h, w)
    return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T
