"""What answers: a model with its preprocessing before it and its task behind."""

from __future__ import annotations

import functools
import math
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from zoo.errors import InputError
from zoo.files import plain
from zoo.progress import Progress

BATCH = 1024  # examples answered together, but no more than that many numbers
LARGEST_BATCH = 1 << 22
SERVING, BACKWARD = "serving_default", "backward"  # signatures, the latter of the way back
LARGEST_TEXT = 1 << 16  # numbers that a text counts as
LONG = 1024  # steps a series is taken to have where lengths differ


class Predictor:
    """Answers raw batches.

    Attributes:
        model: the Keras model; None for a SavedModel, which has no such thing any more.
        spec: the data set's spec, a `zoo.datasets.base.Spec`.
        task: the task.
        preprocessor: the fitted preprocessor.
        card: what is known of how it was made.
        state: what all of these are made from, as plain values.
        functions: one callable a signature.
    """

    def __init__(self, functions: Mapping[str, Callable[..., Any]], state: Mapping[str, Any]):
        self.functions = dict(functions)
        self.state = state
        self.card = state["card"]
        self.spec, self.task, self.preprocessor = parts(state)
        if self.task.origin:
            self.task.origin = f"{self.card['model']}, run {self.card.get('run', 'unnamed')}"
        self.model: Any = None
        self.loaded: Any = None
        self.writer: Any = None

    def __call__(self, raw: Mapping[str, Any], signature: str = SERVING) -> dict[str, np.ndarray]:
        """Answer one batch of raw columns with named outputs.

        Args:
            raw: one array a column, as `zoo.datasets` gives them; pictures are uint8 arrays or
                PNG or JPEG bytes.
            signature: which function answers.

        Raises:
            InputError: a column is missing or holds what the model cannot read.
        """
        self.refuse_generator()
        missing = [c.name for c in self.spec.inputs if c.name not in raw]
        if missing:
            raise InputError(
                f"Received the columns {', '.join(raw) or 'none'}. Expected also: "
                f"{', '.join(missing)}. Try with these added."
            )
        return self.answer(signature, self._tensors(raw))

    def refuse_generator(self) -> None:
        """Raise an InputError where the model makes pictures and so has nothing to answer."""
        if self.makes_pictures:
            raise InputError(
                f"'{self.card['model']}' makes pictures. Expected a model that answers examples. "
                "Try `zoo generate`."
            )

    def _tensors(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        tensors = {}
        for name, expected in self.preprocessor.signature().items():
            tensors[name] = _tensor(name, raw[name], expected)
        if len({len(values) for values in tensors.values()}) > 1:
            lengths = ", ".join(f"{name} {len(values)}" for name, values in tensors.items())
            raise InputError(
                f"Received columns of different lengths: {lengths}. Expected one value a row in "
                "each. Try with equal lengths."
            )
        return tensors

    def answer(self, signature: str, inputs: dict[str, Any]) -> dict[str, np.ndarray]:
        import tensorflow as tf

        try:
            outputs = self.functions[signature](**inputs)
        except tf.errors.ResourceExhaustedError as error:
            raise InputError(
                "The answers need more memory than there is. Expected smaller examples, or fewer "
                "of them. Try a part of the file."
            ) from error
        except tf.errors.InvalidArgumentError as error:
            kinds = ", ".join(f"{column.name} ({column.kind})" for column in self.spec.inputs)
            raise InputError(
                f"The model cannot read its input: {_reason(error)}. Expected: {kinds}. "
                "Try without the examples that are damaged."
            ) from error
        return {name: _array(value) for name, value in outputs.items()}

    def tensors(self, inputs: Any) -> dict[str, np.ndarray]:
        """Answer what the model itself takes: an array, or a dictionary of named ones."""
        import tensorflow as tf

        named = inputs if isinstance(inputs, dict) else {"inputs": inputs}
        if self.makes_pictures:
            from zoo.generation import latents

            given = named["latents" if "latents" in named else "inputs"]
            latents.refuse(np.shape(given), self.card["builder"]["latent_dim"])
        return self.answer("tensors", {name: tf.convert_to_tensor(x) for name, x in named.items()})

    @property
    def batch_size(self) -> int:
        """How many examples are answered together: fewer where each is large."""
        numbers = sum(
            LARGEST_TEXT if column.kind == "text" else math.prod(n or LONG for n in column.shape)
            for column in self.spec.inputs
        )
        return max(1, min(BATCH, LARGEST_BATCH // max(numbers, 1)))

    def predict(self, split: Any, batch_size: int | None = None) -> dict[str, np.ndarray]:
        """Answer a whole split with a row an example, in its order.

        A model that makes pictures makes as many as the split has.
        """
        if self.makes_pictures:
            return self.make(len(split))
        served = self.task.served(split, self.preprocessor)
        if not len(served):
            raise InputError(
                f"Received {len(split)} examples with nothing in them to answer. Expected one at "
                "least. Try another file."
            )
        return self.task.joined(self.answers(served, batch_size), served, len(split))

    def answers(self, served: Any, size: int | None = None, signature: str = SERVING) -> dict:
        """Answer a split that is already as it is served, `size` examples at a time."""
        batches, size = [], size or self.batch_size
        with Progress("Predicting", total=len(served)) as progress:
            for start in range(0, len(served), size):
                rows = np.arange(start, min(start + size, len(served)))
                batches.append(self._named(served, rows, signature))
                progress.advance(len(rows))
        return {name: np.concatenate([b[name] for b in batches]) for name in batches[0]}

    def measurable(self, split: Any) -> dict[str, np.ndarray]:
        """Answer a whole split; refuse answers that cannot be measured."""
        outputs = self.predict(split)
        for name, values in outputs.items():
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise InputError(
                    f"The model answers with NaN or infinity in '{name}'. Expected finite numbers. "
                    "Did its training diverge? Train anew with a smaller --learning-rate."
                )
        return outputs

    def columns(self, frame: Any) -> dict[str, Any]:
        """Return the columns of a data frame that it takes."""
        from zoo.datasets.base import raw_values

        columns = self.spec.inputs
        return {c.name: raw_values(frame[c.name], c) for c in columns if c.name in frame}

    def _named(self, split: Any, rows: np.ndarray, signature: str) -> dict[str, np.ndarray]:
        """Answer some rows of a split; of pictures the one that cannot be read is named."""
        try:
            return self(split.batch(rows), signature)
        except (InputError, OSError):
            if self.preprocessor.kind == "image":
                self.preprocessor.explain(split, rows)
            raise

    @property
    def makes_pictures(self) -> bool:
        """Whether it takes a count and a seed, and no examples."""
        return self.task.name == "image-synthesis"

    @property
    def translates(self) -> bool:
        """Whether it turns pictures into others."""
        return "image-to-image" in self.task.name

    def refuse_extractor(self, extractor: Any) -> None:
        """Raise an InputError where features of pictures were asked for and it makes none."""
        if extractor is not None and not self.task.origin:
            raise InputError(
                f"--extractor was given for {self.task.name}. Expected a model that makes "
                "pictures. Try without it."
            )

    def make(self, count: int, seed: int = 0, label: str = "") -> dict[str, np.ndarray]:
        """Make pictures of numbers alone.

        Arguments, results and errors are those of `zoo.predictors.making.make`.
        """
        from zoo.predictors import making

        return making.make(self, count, seed, label)

    def generate(self, prompts: Sequence[str], tokens: int = 200, **how: Any) -> list[str]:
        """Continue each prompt with at most as many tokens; return what was written.

        Args:
            prompts: an empty one begins a text.
            tokens: how many to write, unless the text ends before.
            **how: as in `stream`.
        """
        (texts,) = deque(self.stream(prompts, tokens, **how), maxlen=1)
        return texts

    def stream(self, prompts: Sequence[str], tokens: int = 200, **how: Any) -> Iterator[list[str]]:
        """Continue each prompt, and yield what was written so far whenever there is more.

        Arguments and errors are those of `zoo.predictors.writing.stream`.
        """
        from zoo.predictors import writing

        return writing.stream(self, prompts, tokens, **how)

    def cannot(self, what: str, task: str) -> InputError:
        return InputError(
            f"'{self.card['model']}' was trained for {self.task.name}: it {what}. Expected a model "
            f"for {task}. See `zoo list --task {task}`."
        )


def from_model(model: Any, state: Mapping[str, Any]) -> Predictor:
    """Join a trained model with `spec`, `task`, `preprocessor` and `card` as plain values."""
    import tensorflow as tf

    predictor = Predictor({}, state)
    predictor.model = model
    signatures = predictor.task.signatures(model, predictor.preprocessor)
    for name, (function, inputs) in signatures.items():
        traced = tf.function(_by_name(function), input_signature=[inputs], autograph=False)
        predictor.functions[name] = _named(functools.cache(traced.get_concrete_function))
    return predictor


def _by_name(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of one dictionary for a function of keywords."""

    def call(inputs: dict[str, Any]) -> Any:
        return function(**inputs)

    return call


def _named(concrete: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
    """Return a function of keywords for one of a dictionary, which is traced when first called."""

    def call(**inputs: Any) -> Any:
        return concrete()(inputs)

    return call


def parts(state: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Return the spec, the task and the preprocessor that plain values stand for."""
    from zoo import preprocessing, tasks
    from zoo.datasets.base import ANNOTATED, LABELLED, Spec

    spec = Spec.from_json(state["spec"])
    task = tasks.from_json(state["task"], spec)
    preprocessor = preprocessing.from_json(state["preprocessor"])
    if set(preprocessor.signature()) != {column.name for column in spec.inputs}:
        raise ValueError("it names other inputs than it prepares")
    labelled = task.name in (*LABELLED, *ANNOTATED)
    if labelled and not (task.name == spec.task and spec.targets):
        raise ValueError("it has no target to learn")
    if (spec.kind == "series") != (task.name == "forecasting") or any(
        expected.shape[1:] != column.shape
        for column, expected in zip(spec.inputs, preprocessor.signature().values(), strict=True)
        if spec.kind == "series"
    ):
        raise ValueError("its windows are of another shape than it takes")
    built = plain(state["card"]["builder"])
    for name, value in {**preprocessor.builder_arguments(), **task.builder_arguments()}.items():
        if name in built and built[name] != plain(value):
            raise ValueError(f"it has {name} {plain(value)}, and a model of {built[name]}")
    return spec, task, preprocessor


def _tensor(name: str, values: Any, expected: Any) -> Any:
    """Return one raw column as the tensor a signature takes; pictures as PNG bytes."""
    import tensorflow as tf

    from zoo.preprocessing.images import to_png

    values = np.asarray(values)
    try:
        pictures = expected.dtype == tf.string and values.dtype == np.uint8
        tensor = tf.constant(to_png(values) if pictures else values, expected.dtype)
    except (TypeError, ValueError, tf.errors.InvalidArgumentError):
        held = f"values of {values.dtype}"
    else:
        if expected.shape.is_compatible_with(tensor.shape):
            return tensor
        held = f"an array of shape {values.shape}"
    kind = "strings" if expected.dtype == tf.string else "numbers"
    shape = ", ".join("rows" if size is None else str(size) for size in expected.shape)
    raise InputError(
        f"Received {held} in '{name}'. Expected {kind} of shape ({shape}). Try zoo.datasets.read, "
        "which reads files so."
    )


def _reason(error: Exception) -> str:
    """Return what TensorFlow's error says after the trace, without the names of nodes."""
    text = re.sub(r"\{\{.*?\}\}|\[\[.*?\]\]|\[Op:.*?\]", "", str(getattr(error, "message", error)))
    reason = [line.strip() for line in text.splitlines() if line.strip()][-1][:200].rstrip(".")
    return reason.removeprefix("assertion failed: ").replace("] [", " ").strip("[]")


def _array(value: Any) -> np.ndarray:
    """Return a tensor as numpy, strings decoded where they are text and not bytes."""
    array = value.numpy()
    if array.dtype != object:
        return array
    try:
        flat = [item.decode() for item in array.ravel()]
    except UnicodeDecodeError:
        return array
    result = np.empty(array.shape, dtype=object)
    result.ravel()[:] = flat
    return result
