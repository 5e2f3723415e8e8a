"""A row of the registry: what is known about a model without importing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Paper:
    """Where an architecture was published."""

    authors: str
    title: str
    year: int
    arxiv: str = ""

    def __str__(self) -> str:
        reference = f", arXiv:{self.arxiv}" if self.arxiv else ""
        return f"{self.authors}, {self.title}, {self.year}{reference}"


@dataclass(frozen=True)
class Row:
    """One model of the registry.

    Attributes:
        name: what a user types.
        family: "dense", "cnn", "rnn", "transformer", "gan" or "forecasting".
        tasks: the tasks it can do, the first being its natural one.
        builder: "module:function", or the function itself for rows registered at run time.
        summary: one line.
        options: the variant's keyword arguments to the builder.
        paper: where it was published, if it was.
        params: `(arguments, count)`, the published count of trainable parameters and the arguments
            it holds for.
        tiny: builder arguments for a fast test build, the data's part included.
        training: defaults of training options for this model, by their names in `zoo.config`.
        weights: the function of keras.applications whose ImageNet weights fit, if there is one.
    """

    name: str
    family: str
    tasks: tuple[str, ...]
    builder: str | Callable[..., Any]
    summary: str
    options: Mapping[str, Any] = field(default_factory=dict)
    paper: Paper | None = None
    params: tuple[Mapping[str, Any], int] | None = None
    tiny: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    weights: str = ""
