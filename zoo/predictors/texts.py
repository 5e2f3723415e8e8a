"""What a person should know of texts before their answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zoo import datasets
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
    sides = []
    for path in (asked[0], known):
        split: Any = datasets.read(path, predictor.spec, targets=False)
        note(predictor, split, say)
        sides.append((list(map(str, split.documents)), predictor.predict(split)["embedding"]))
    (texts, ours), (others, theirs) = sides
    cosines = ours @ theirs.T
    best = cosines.argmax(axis=1)
    return {
        predictor.spec.inputs[0].name: np.array(texts, object),
        "nearest": np.array([others[i] for i in best], object),
        "similarity": cosines[np.arange(len(best)), best],
    }
