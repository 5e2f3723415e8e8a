"""Weights of one model given to another: all of them, or those of the backbone.

The head of a classifier is its layer `logits`. The backbone is a model nested in another, where
there is one, else all but the head: what can be learned on other data than the head's. Yosinski and
others, How transferable are features in deep neural networks?, 2014, arXiv:1411.1792.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from zoo.errors import InputError
from zoo.weights import assign

HEAD = "logits"


def nested(model: keras.Model) -> keras.Model | None:
    """Return the model within a model, if there is one."""
    return next((layer for layer in model.layers if isinstance(layer, keras.Model)), None)


def backbone(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers that transfer learning keeps."""
    inner = nested(model)
    return [x for x in model.layers if x.name != HEAD] if inner is None else inner.layers


def freeze(model: keras.Model, what: str) -> None:
    """Keep layers as they are while training, their batch statistics too.

    Args:
        model: not compiled yet.
        what: "backbone", or a number: so many of the first layers that have weights.

    Raises:
        InputError: there are not so many, or none would be left to train.
    """
    layers = backbone(model)
    if what != "backbone":
        weighted = [layer for layer in leaves(model) if layer.weights]
        if int(what) >= len(weighted):
            raise InputError(
                f"--freeze received {what}, but the model has {len(weighted)} layers with weights. "
                f"Expected backbone, or at most {len(weighted) - 1}."
            )
        layers = weighted[: int(what)]
    for layer in layers:
        layer.trainable = False
    if not model.trainable_weights:
        raise InputError(
            f"--freeze received {what}, which leaves nothing to train. Expected a model with a "
            "head. Try a smaller number."
        )


def leaves(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers of a model and of those within it."""
    found: list[keras.layers.Layer] = []
    for layer in model.layers:
        found += leaves(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def transfer(model: keras.Model, tensors: Mapping[str, np.ndarray], source: str, head: bool) -> int:
    """Give a model the weights of another whose backbone is the same, in their order.

    Args:
        model: takes them.
        tensors: the other's weights, named as `zoo.weights.named` names them.
        source: where they come from, for messages.
        head: whether the other's head fits as well.

    Returns:
        How many arrays of the model were given; the others stay as they were made.

    Raises:
        InputError: a layer differs; the message says which.
    """
    theirs = [(name, tensors[name]) for name in sorted(tensors)]
    if head and _fits(model.weights, theirs):
        items = list(model.weights)
    else:
        theirs = [(name, value) for name, value in theirs if not _of_head(name)]
        held = [weight for layer in backbone(model) for weight in layer.weights]
        items = list({id(weight): weight for weight in held}.values())  # layers may share some
        if nested(model) is not None:  # it ends where its maps do, a classifier a little later
            theirs = theirs[: len(items)]
    for variable, (name, value) in zip(items, theirs, strict=False):
        if tuple(variable.shape) != value.shape:
            raise _another(source, variable, f"'{_plain(name)}' of shape {value.shape}")
    if len(items) != len(theirs):
        longer = items[len(theirs) :]
        raise (
            _another(source, longer[0], "nothing")
            if longer
            else InputError(
                f"--weights '{source}' has '{_plain(theirs[len(items)][0])}', for which this model "
                "has no layer. Expected weights of the same architecture, but for its head. Try "
                "the model and the --set options that they were trained with."
            )
        )
    assign(items, [value for _, value in theirs])
    return len(items)


def _fits(items: Sequence[Any], theirs: Sequence[tuple[str, np.ndarray]]) -> bool:
    shapes = [value.shape for _, value in theirs]
    return [tuple(variable.shape) for variable in items] == shapes


def _of_head(name: str) -> bool:
    return f"/{HEAD}/" in f"/{name}"


def _plain(name: str) -> str:
    """Return a name without the position before it."""
    return re.sub(r"^\d+/", "", name)


def _another(source: str, variable: Any, held: str) -> InputError:
    return InputError(
        f"--weights '{source}' has {held} where this model has '{variable.path}' of shape "
        f"{tuple(variable.shape)}. Expected weights of the same architecture, but for its head. "
        "Try the model and the --set options that they were trained with."
    )
