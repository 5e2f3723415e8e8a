"""What is fitted on the training split and travels with the model.

A preprocessor has two halves, both TensorFlow graphs. `encode` turns raw examples (named columns,
picture bytes, strings) into compact arrays that are kept in memory; `tensors` turns those, a batch
at a time, into what the model takes. Serving runs one after the other; there is no third path.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from zoo.datasets.base import PAIRED, Dataset
from zoo.preprocessing import tokenizers
from zoo.preprocessing.images import ImagePreprocessor
from zoo.preprocessing.pairs import PairPreprocessor
from zoo.preprocessing.series import SeriesPreprocessor
from zoo.preprocessing.tables import TablePreprocessor
from zoo.preprocessing.text import CorpusPreprocessor, TextPreprocessor, TwinPreprocessor
from zoo.preprocessing.vectors import VectorPreprocessor

LARGEST_EXAMPLE = 1 << 26  # numbers: a picture of 4,700 x 4,700 pixels in color
LARGEST_SEQUENCE = 1 << 16  # tokens

KINDS: dict[str, Any] = {
    "table": TablePreprocessor,
    "vector": VectorPreprocessor,
    "image": ImagePreprocessor,
    "text": TextPreprocessor,
    "twins": TwinPreprocessor,
    "corpus": CorpusPreprocessor,
    "pairs": PairPreprocessor,
    "series": SeriesPreprocessor,
}
OF_TEXT: dict[str, Any] = {
    "language-modelling": CorpusPreprocessor,
    **dict.fromkeys(PAIRED, PairPreprocessor),
    "sentence-embedding": TwinPreprocessor,
}
Preprocessor = (
    TablePreprocessor
    | VectorPreprocessor
    | ImagePreprocessor
    | TextPreprocessor
    | TwinPreprocessor
    | CorpusPreprocessor
    | PairPreprocessor
    | SeriesPreprocessor
)


def fit(
    dataset: Dataset, task: str, *, embeddings: bool, of_text: Mapping[str, Any] | None = None
) -> Preprocessor:
    """Fit the preprocessor of a data set's kind on its training split.

    Args:
        dataset: raw examples.
        task: what is learned from them.
        embeddings: whether the model takes category codes; if not they become one-hot numbers.
        of_text: `tokenizer`, a name or one that is made, `vocabulary_size` and `sequence_length`,
            which have defaults.
    """
    spec, train = dataset.spec, dataset.train
    if spec.kind == "table":
        return TablePreprocessor.fit(spec, train, embeddings=embeddings)
    if spec.kind == "text":
        running = task == "language-modelling"
        chosen = {
            "tokenizer": "characters" if running else "words",
            "sequence_length": 128 if running else 512,
            **(of_text or {}),
        }
        if "vocabulary_size" not in chosen:
            chosen["vocabulary_size"] = tokenizers.TOKENIZERS[chosen["tokenizer"]].usual
        kind = OF_TEXT.get(task, TextPreprocessor)
        return kind.fit(spec, train, **chosen)
    return KINDS[spec.kind].fit(spec, train)


def from_json(state: Mapping[str, Any]) -> Preprocessor:
    """Rebuild a preprocessor from what its `to_json` returned.

    Raises:
        ValueError: its examples would be larger than any are.
    """
    shape = [*state.get("shape", ())]
    if shape[:1] == [None] and state["kind"] == "vector":  # series of any length
        shape = shape[1:]
    if any(not isinstance(size, int) or size < 1 for size in shape):
        raise ValueError(f"its shape is {shape}")
    steps = [state.get(name, 1) for name in ("history", "horizon")]
    if any(not isinstance(count, int) or count < 1 for count in steps):
        raise ValueError(f"its history and horizon are {steps}")
    if sum(steps) * len(state.get("columns", ())) > LARGEST_EXAMPLE:
        raise ValueError(f"a window would have {sum(steps):,} steps")
    if math.prod(shape) > LARGEST_EXAMPLE:
        raise ValueError(f"an example would have {math.prod(shape):,} numbers")
    if not 0 < state.get("sequence_length", 1) <= LARGEST_SEQUENCE:
        raise ValueError(f"a sequence would have {state['sequence_length']:,} tokens")
    return KINDS[state["kind"]](**{name: v for name, v in state.items() if name != "kind"})
