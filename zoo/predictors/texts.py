"""What a person should know of texts before their answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zoo import datasets
from zoo.datasets.base import Spec
from zoo.datasets.text import TextSplit
from zoo.errors import InputError
from zoo.predictors.predictor import Predictor
from zoo.preprocessing import tokenizers


def note(predictor: Predictor, split: Any, say: Callable[[str], None]) -> None:
    """Say how many texts have no token that came in training: their answers mean nothing."""
    if predictor.spec.kind != "text":
        return
    preprocessor: Any = predictor.preprocessor
    tokenizer = getattr(preprocessor, "tokenizer", None) or preprocessor.source
    found = tokenizers.encode(tokenizer, map(str, split.documents))
    unread = sum((ids < tokenizers.RESERVED).all() for ids in found)
    if unread:
        say(f"Data: {unread:,} of {len(split):,} texts have no token that came in training")


def nearest(
    predictor: Predictor, asked: Sequence[str], known: str, say: Callable[[str], None]
) -> dict[str, Any]:
    """Return texts of a file, and for each the nearest one of another file, by their cosine.

    Of a file of pairs the targets are searched.

    Raises:
        InputError: the predictor does not answer with vectors, or there is not one file.
    """
    if predictor.task.name != "sentence-embedding":
        raise InputError(
            f"--nearest was given for {predictor.task.name}. Expected a model for "
            "sentence-embedding. Try without it."
        )
    if len(asked) != 1:
        raise InputError(
            f"Received {' and '.join(asked) or 'nothing'} with --nearest. Expected one file."
        )
    splits: list[Any] = [datasets.read(asked[0], predictor.spec, targets=False)]
    splits.append(_answers(known, predictor.spec))
    for split in splits:
        note(predictor, split, say)
    ours, theirs = (predictor.predict(split)["embedding"] for split in splits)
    texts, others = (list(map(str, split.documents)) for split in splits)
    cosines = np.clip(ours @ theirs.T, -1, 1)
    best = cosines.argmax(axis=1)
    return {
        predictor.spec.inputs[0].name: np.array(texts, object),
        "nearest": np.array([others[i] for i in best], object),
        "similarity": cosines[np.arange(len(best)), best],
    }


def _answers(path: str, spec: Spec) -> TextSplit:
    """Return the texts of a file, of pairs the second ones."""
    try:
        split: Any = datasets.read(path, spec)
    except InputError:  # they are no pairs
        split = datasets.read(path, spec, targets=False)
        return TextSplit.of(split.documents, spec.inputs[0].name)
    return TextSplit.of(list(split.targets()), spec.inputs[0].name)
