"""What every model of the registry keeps to, checked on a small build of it.

Each check takes a `Subject` and returns one line for what is well, or raises `Failure` with one
line for what is not. What the check of training leaves is then saved in every way, read back in a
fresh process, and must answer as before.
"""

from __future__ import annotations

import gc
import inspect
import math
import re
import tempfile
import textwrap
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import registry
from zoo.conformance.examples import compile_model, examples, inputs_of
from zoo.conformance.reloading import WAYS, Built, reload
from zoo.registry import Row
from zoo.registry.arguments import DICTATED, REQUIRED, resolve

BATCH = 4  # examples: three steps
TOLERANCE = 1e-5


class Failure(Exception):
    """A check that did not hold; its text says what was found and what was expected."""


@dataclass(frozen=True)
class Result:
    """The outcome of one check of one model."""

    check: str
    passed: bool
    message: str


@dataclass
class Subject:
    """A model under test: its row, its arguments, and the model once it was trained a little."""

    row: Row
    trained: keras.Model | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """The row's small build, with dropout on where there is an option for it."""
        names = [argument.name for argument in registry.arguments(self.row.name)]
        return {**({"dropout": 0.2} if "dropout" in names else {}), **self.row.tiny}

    def build(self, **more: Any) -> keras.Model:
        """Build the model from the same seed each time."""
        keras.utils.set_random_seed(0)
        return registry.create(self.row.name, **{**self.arguments, **more})


def check(names: Iterable[str], plugins: Iterable[str] = ()) -> dict[str, list[Result]]:
    """Run all checks on models of the registry.

    Args:
        names: the models.
        plugins: files a fresh process must load to know them.
    """
    subjects = [Subject(registry.get(name)) for name in names]
    results = {s.row.name: [_run(function, s) for function in HERE] for s in subjects}
    for name, found in _reloaded(subjects, [*plugins]).items():
        results[name] += found
    return results


def _reloaded(subjects: list[Subject], plugins: list[str]) -> dict[str, list[Result]]:
    """Check that what was trained answers alike after saving, in one process for all."""
    found = {s.row.name: dict.fromkeys(WAYS, "not reached: no trained model") for s in subjects}
    built, expected = [], {}
    for subject in subjects:
        name, model = subject.row.name, subject.trained
        if model is not None:
            x = inputs_of(model, subject.arguments)
            expected[name] = _answers(model, x)
            built.append(Built(name, subject.arguments, model, x))
            plugins += filter(None, [_source(subject.row)])
    if built:
        gc.collect()  # builds of other checks must go before a large model is there once more
        with tempfile.TemporaryDirectory() as folder:
            found |= reload(built, Path(folder), plugins)
    return {
        name: [_compared(way, expected.get(name), ways[way]) for way in WAYS]
        for name, ways in found.items()
    }


def _answers(model: keras.Model, x: Any) -> dict[bool, np.ndarray]:
    """Return a model's outputs, of single operations and of a compiled function."""
    tf.random.set_seed(1)  # noise without a seed of its own is then other noise than what is saved
    compiled = tf.function(lambda x: model(x, training=False), autograph=False)(x)
    tf.random.set_seed(0)
    return {True: compiled.numpy(), False: model(x, training=False).numpy()}


def _run(function: Callable[[Subject], str], subject: Subject) -> Result:
    name = function.__name__.replace("_", " ")
    try:
        return Result(name, True, function(subject))
    except Exception as error:
        kind = "" if isinstance(error, Failure) else f"{type(error).__name__}: "
        return Result(name, False, _line(f"{kind}{error}"))


def _line(text: str) -> str:
    """Return a message as one line; Keras's own have paragraphs and terminal colors."""
    return textwrap.shorten(re.sub(r"\x1b\[[\d;]*m", "", text), 300, placeholder=" ...")


def signature(subject: Subject) -> str:
    """Options are keyword-only, have defaults, and are documented like all arguments."""
    arguments = registry.arguments(subject.row.name)
    undocumented = [a.name for a in arguments if not a.doc]
    if undocumented:
        raise Failure(f"not in the docstring's Args: {', '.join(undocumented)}")
    missing = [a.name for a in arguments if a.option and a.default is REQUIRED]
    if missing:
        raise Failure(f"options without a default: {', '.join(missing)}")
    parameters = inspect.signature(resolve(subject.row.builder)).parameters.values()
    loose = [p.name for p in parameters if p.name not in DICTATED and p.kind != p.KEYWORD_ONLY]
    if loose:
        raise Failure(f"options that are not keyword-only: {', '.join(loose)}")
    return f"{len(arguments)} arguments"


def build(subject: Subject) -> str:
    """The row's small build is a Keras model."""
    if not subject.row.tiny:
        raise Failure("the row has no `tiny`: builder arguments for a small build")
    model = subject.build()
    if not isinstance(model, keras.Model):
        raise Failure(f"expected a keras.Model, received {type(model).__name__}")
    return f"{model.count_params():,} parameters"


def parameters(subject: Subject) -> str:
    """The published parameter count is met, statistics of batch normalization not counted."""
    if subject.row.params is None:
        return "none published"
    arguments, count = subject.row.params
    model = registry.create(subject.row.name, **arguments)
    found = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    if found != count:
        raise Failure(f"{found:,} instead of the published {count:,}")
    return f"{found:,} as published"


def features(subject: Subject) -> str:
    """With `features_only` it gives maps of pictures, the finest first."""
    if "features_only" not in [a.name for a in registry.arguments(subject.row.name)]:
        return "none offered"
    model = subject.build(features_only=True)
    shapes = [tuple(output.shape) for output in model.outputs]
    sides = [shape[1:3] for shape in shapes]
    if any(len(shape) != 4 for shape in shapes) or sides != sorted(sides, reverse=True):
        raise Failure(f"expected maps (B, H, W, C), the finest first, received {shapes}")
    return f"{len(shapes)} maps, from {sides[0]} to {sides[-1]}"


def determinism(subject: Subject) -> str:
    """Two builds from one seed are equal."""
    first, second = subject.build(), subject.build()
    if [w.shape for w in first.weights] != [w.shape for w in second.weights]:
        raise Failure("two builds have different weights")
    unequal = [
        a.path
        for a, b in zip(first.weights, second.weights, strict=True)
        if not np.array_equal(keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b))
    ]
    if unequal:
        raise Failure(f"two builds from one seed differ in {', '.join(unequal)}")
    return "two builds from one seed are equal"


def mixed_precision(subject: Subject) -> str:
    """Under mixed bfloat16 the output stays float32."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = subject.build()
        outputs = model(inputs_of(model, subject.arguments), training=False)
    finally:
        keras.config.set_dtype_policy(policy)
    dtype = keras.backend.standardize_dtype(outputs.dtype)
    if dtype != "float32":
        raise Failure(f"outputs are {dtype} under mixed_bfloat16, not float32")
    return "float32 outputs under mixed_bfloat16"


def training(subject: Subject) -> str:
    """Three steps of plain `fit` move every trainable weight."""
    model = subject.build()
    before = [keras.ops.convert_to_numpy(w).copy() for w in model.trainable_weights]
    compile_model(model, subject.row, subject.arguments)
    x, y = examples(model, subject.row, subject.arguments)
    with warnings.catch_warnings():  # a weight without a gradient is reported here
        warnings.filterwarnings("ignore", message="Gradients do not exist")
        model.fit(x, y, batch_size=BATCH, verbose=0)
    if y is not None:
        model.compile("sgd")  # which keeps nothing; Adam's moments are twice the weights
    subject.trained = model
    after = [keras.ops.convert_to_numpy(w) for w in model.trainable_weights]
    paths = [w.path for w in model.trainable_weights]
    still = [p for p, a, b in zip(paths, before, after, strict=True) if np.array_equal(a, b)]
    if still:
        raise Failure(f"not moved by three steps: {', '.join(still)}")
    if not all(np.isfinite(a).all() for a in after):
        raise Failure("weights are not finite after three steps")
    return f"{len(after)} trainable weights moved in 3 steps"


def seeds(subject: Subject) -> str:
    """The training step draws nothing at random, and keeps nothing, outside the model."""
    model = subject.build()
    compile_model(model, subject.row, subject.arguments)
    x, y = examples(model, subject.row, subject.arguments)
    data = (x,) if y is None else (x, y)
    batch = keras.tree.map_structure(lambda a: tf.convert_to_tensor(a[:BATCH]), data)
    optimizers = [o for o in vars(model).values() if isinstance(o, keras.optimizers.Optimizer)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Gradients do not exist")
        model.optimizer.build(model.trainable_variables)
        model.train_step(batch)
        graph = tf.function(model.train_step).get_concrete_function(batch).graph
    definition = graph.as_graph_def()
    nodes = [*definition.node, *(n for f in definition.library.function for n in f.node_def)]
    unseeded = sorted({n.op for n in nodes if n.op in STATEFUL_RANDOM})
    if unseeded:
        raise Failure(f"random operations without a Keras seed: {', '.join(unseeded)}")
    kept = [
        *model.variables,
        *model.metrics_variables,
        *(v for o in optimizers for v in o.variables),
    ]
    known = {id(variable.value) for variable in kept}
    strange = sorted(v.name for v in graph.variables if id(v) not in known)
    if strange:
        raise Failure(f"state that no checkpoint holds: {', '.join(strange)}")
    return "no unseeded random operation"


STATEFUL_RANDOM = {
    "Multinomial",
    "ParameterizedTruncatedNormal",
    "RandomGamma",
    "RandomPoisson",
    "RandomPoissonV2",
    "RandomShuffle",
    "RandomStandardNormal",
    "RandomUniform",
    "RandomUniformInt",
    "RngReadAndSkip",
    "SampleDistortedBoundingBox",
    "SampleDistortedBoundingBoxV2",
    "TruncatedNormal",
}
HERE = (signature, build, parameters, features, determinism, mixed_precision, seeds, training)


def _compared(kind: str, expected: Any, found: Any) -> Result:
    """Compare outputs before saving and after; `found` is a line where there are none."""
    if isinstance(found, str):
        return Result(kind, False, _line(found))
    expected = expected[WAYS[kind].compiled]
    if found.shape != expected.shape:
        return Result(kind, False, f"outputs {found.shape} after reloading, not {expected.shape}")
    error = float(np.max(np.abs(found - expected)))
    return Result(kind, error <= TOLERANCE, f"outputs differ by {error:.1e} in a fresh process")


def _source(row: Row) -> str | None:
    """Return the file that defines a builder registered as a function."""
    return None if isinstance(row.builder, str) else inspect.getsourcefile(row.builder)
