"""Data sets that are on every machine: scikit-learn's copies and Python's own documentation."""

from __future__ import annotations

import ast
import functools
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from zoo.progress import Progress

from .base import Raw

NO_LIBRARY = {"site-packages", "dist-packages", "test", "tests", "idlelib", "turtledemo"}
SHORTEST = 40  # characters of what is summarized
LINE = 10, 120  # characters of a summary


def digits() -> Raw:
    """Pictures uint8 `(1797, 8, 8, 1)`; the 17 gray levels of the source fill 0 to 255."""
    from sklearn.datasets import load_digits

    source = load_digits()
    pictures = np.round(source.images * (255 / 16)).astype(np.uint8)[..., np.newaxis]
    labels = pd.DataFrame({"digit": pd.Categorical(source.target.astype(str))})
    return Raw("image", frame=labels, array=pictures, target=("digit",))


def iris() -> Raw:
    """Four lengths in cm, and the species."""
    from sklearn.datasets import load_iris

    return _classes(load_iris(), "species")


def wine() -> Raw:
    """Thirteen chemical measures, and which of three growers."""
    from sklearn.datasets import load_wine

    return _classes(load_wine(), "cultivar")


def breast_cancer() -> Raw:
    """Thirty measures of cell nuclei, and the diagnosis."""
    from sklearn.datasets import load_breast_cancer

    return _classes(load_breast_cancer(), "diagnosis")


def diabetes() -> Raw:
    """Ten measures in their own units, and the progression after a year."""
    from sklearn.datasets import load_diabetes

    source = load_diabetes(scaled=False)
    frame = _numbers(source)
    frame["progression"] = source.target.astype(np.float64)
    return Raw("table", frame=frame, target=("progression",))


def python_docs() -> Raw:
    """One document a topic of Python's `help()`, by name."""
    from pydoc_data.topics import topics

    documents = dict.fromkeys(topics[name] for name in sorted(topics))  # one has two names
    return Raw("text", documents=list(documents))


def docstrings() -> Raw:
    """What a docstring of Python's standard library says after its first line, and that line."""
    pairs = _library()
    columns = {"body": list(pairs), "summary": list(pairs.values())}
    frame = pd.DataFrame({name: pd.Categorical(texts) for name, texts in columns.items()})
    return Raw("table", frame, target=("summary",), task="summarization")


@functools.cache
def _library() -> dict[str, str]:
    """Return summaries by what they summarize."""
    pairs: dict[str, str] = {}  # several functions may share one
    root = Path(sysconfig.get_paths()["stdlib"])
    paths = [
        path
        for path in sorted(root.rglob("*.py"))
        if not NO_LIBRARY & set(path.relative_to(root).parts)
    ]
    with Progress("Reading docstrings", "files") as progress:
        for path in paths:
            for summary, body in _documented(path):
                pairs.setdefault(body, summary)
            progress.advance(1)
    return pairs


def _documented(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the first line and the rest of each docstring that has both, a blank line between."""
    try:
        nodes = list(ast.walk(ast.parse(path.read_bytes())))
    except (OSError, SyntaxError, ValueError):
        return  # some files are there to be wrong
    for node in nodes:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first, _, rest = (ast.get_docstring(node) or "").partition("\n")
            summary, body = first.strip(), rest.strip()
            fits = len(body) >= SHORTEST and LINE[0] <= len(summary) <= LINE[1]
            if rest.startswith("\n") and fits and len(body.split()) >= len(summary.split()):
                yield summary, body


def _classes(source: Any, target: str) -> Raw:
    frame = _numbers(source)
    frame[target] = pd.Categorical(source.target_names[source.target].astype(str))
    return Raw("table", frame=frame, target=(target,))


def _numbers(source: Any) -> pd.DataFrame:
    names = [re.sub(r"\W", "_", name.removesuffix(" (cm)")) for name in source.feature_names]
    return pd.DataFrame(source.data.astype(np.float64), columns=names)
