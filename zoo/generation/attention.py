"""By what weights a causal Transformer looks back, to be drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from zoo.generation import engines
from zoo.layers import caching
from zoo.preprocessing.tokenizers import BOUNDARY


def maps(model: Any, preprocessor: Any, text: str) -> tuple[list[str], np.ndarray] | None:
    """Return the last tokens of a text as strings, and weights `(layers, heads, T, T)`.

    None for a model that does not look back by attention.
    """
    engine = engines.create(model, preprocessor.sequence_length)
    if not isinstance(engine, engines.Cached):
        return None
    ids = preprocessor.encode({preprocessor.name: tf.constant([text])})["ids"].numpy()[0]
    ids = ids[-engine.width :]
    with caching.Reading(tf.range(len(ids))[None], room=len(ids)) as reading:
        model(tf.constant([ids]), training=False)
    weights = np.stack([np.asarray(w[0], np.float32) for w in reading.weights])
    return [_written(preprocessor.tokenizer, token) for token in ids], weights


def _written(tokenizer: Any, token: int) -> str:
    """Return one token as a person reads it."""
    if token == BOUNDARY:
        return "<start>"
    text = tokenizer.strings(tf.constant([[token]])).numpy()[0].decode()
    return text.replace(" ", "\N{OPEN BOX}").replace(
        "\n", "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}"
    )
