"""What a person should know of texts before their answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
