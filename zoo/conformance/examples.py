"""Random examples of what each row reads and answers, and the loss it is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from zoo.losses.detection import FCOSLoss
from zoo.registry import Row

EXAMPLES = 12
CODED = (
    "classification", "segmentation", "language-modelling", "sequence-to-sequence", "summarization"
)  # fmt: skip


def inputs_of(model: keras.Model, arguments: Mapping[str, Any]) -> Any:
    """Return random inputs to call a model with, given what it was built with."""
    if getattr(model, "latent_dim", None):
        random = np.random.default_rng(0)
        latents = random.normal(size=(EXAMPLES, model.latent_dim)).astype("float32")
        classes = arguments.get("classes")
        return {"latents": latents, "classes": _codes_of(classes)} if classes else latents
    return _data(arguments)


def _data(arguments: Mapping[str, Any]) -> Any:
    random = np.random.default_rng(0)
    if arguments.get("vocabulary_size"):
        shape = (EXAMPLES, arguments.get("sequence_length") or 8)
        ids = random.integers(arguments["vocabulary_size"], size=shape).astype("int32")
        if size := arguments.get("target_vocabulary_size"):
            return {"source": ids, "target": random.integers(size, size=shape).astype("int32")}
        return ids
    numbers = random.random((EXAMPLES, *arguments["input_shape"])).astype("float32")
    if known := arguments.get("known"):
        future = random.random((EXAMPLES, arguments["horizon"], known)).astype("float32")
        return {"past": numbers, "future": future}
    cardinalities = arguments.get("cardinalities")
    if not cardinalities:
        return numbers
    shape = (EXAMPLES, len(cardinalities))
    codes = random.integers(cardinalities, size=shape).astype("int32")
    return {"numbers": numbers, "categories": codes}


def examples(model: keras.Model, row: Row, arguments: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return inputs and targets for the row's first task."""
    x = _data(arguments)
    task = row.tasks[0]
    if task == "image-synthesis":
        classes = arguments.get("classes")
        return x, _codes_of(classes) if classes else None
    if task == "reconstruction":
        return x, x
    if "image-to-image" in task:
        return x, x[::-1]
    random = np.random.default_rng(1)
    if task == "detection":
        return x, _boxes(random, arguments["classes"])
    shape = tuple(model(inputs_of(model, arguments), training=False).shape)
    if _codes(task, shape):
        return x, random.integers(shape[-1], size=shape[:-1]).astype("int32")
    return x, random.integers(2, size=shape).astype("float32")


def _codes_of(classes: int) -> np.ndarray:
    return (np.arange(EXAMPLES) % classes).astype("int32")


def _boxes(random: Any, classes: int) -> np.ndarray:
    """Return boxes of every size, with their codes, as `zoo.datasets.base.Annotation` says."""
    start = random.uniform(0, 0.5, size=(EXAMPLES, 4, 2))
    sides = np.array([0.1, 0.2, 0.4, 0.5])[None, :, None] * random.uniform(0.8, 1, start.shape)
    codes = random.integers(classes, size=(EXAMPLES, 4, 1))
    return np.concatenate([start, start + sides, codes], axis=2).astype("float32")


def compile_model(model: keras.Model, row: Row, arguments: Mapping[str, Any]) -> None:
    """Compile a model for the row's first task."""
    optimizer = keras.optimizers.Adam(1e-2)
    task = row.tasks[0]
    if task == "image-synthesis" or "image-to-image" in task:
        model.compile(optimizer)
        return
    if task == "detection":
        model.compile(optimizer, FCOSLoss.of(model))
        return
    shape = tuple(model(inputs_of(model, arguments), training=False).shape)
    loss: keras.losses.Loss = keras.losses.MeanSquaredError()
    if _codes(task, shape):
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss)


def _codes(task: str, shape: tuple[int, ...]) -> bool:
    return task in CODED and shape[-1] > 1
