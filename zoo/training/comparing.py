"""Generated pictures measured: beside real ones, and by what can be learned from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zoo import config, predictors, reports
from zoo.predictors import extractors, likeness
from zoo.runs import Run, kind_of
from zoo.training import synthetic
from zoo.training.session import load_data


def compare(
    source: Any, predictor: Any, test: Any, extractor: Any, say: Callable[[str], None]
) -> dict[str, float | None]:
    """Return scores of generated pictures, each with the name of what measured it.

    Args:
        source: a run, of which the training split is looked at too; an artifact or a predictor.
        predictor: what makes the pictures.
        test: the split of real pictures.
        extractor: a classifier's run, "inception-v3", or None.
        say: called with what a person should be told.
    """
    shape = predictor.task.shape if predictor.translates else predictor.preprocessor.shape
    features = None if extractor is None else extractors.create(extractor, shape)
    is_run = not isinstance(source, predictors.Predictor) and kind_of(source) == "run"
    run = Run.open(source) if is_run else None
    train = None
    if run is not None:
        train = load_data(config.build(run.record["model"], run.record["options"])).train
    if predictor.translates:
        return likeness.translated(predictor, features, train, test)
    scores: dict[str, float | None] = {}
    if "label" in predictor.card["inputs"] and test.targets() is not None:
        count = len(test if train is None else train)
        scores |= synthetic.accuracy(predictor, count, test, say)
    if features is None:
        return scores
    found, shown = likeness.compare(predictor, features, train, test)
    if run is not None and shown is not None:
        captions = ["made", *["nearest real"] * (shown.shape[1] - 1)] * len(shown)
        pictures = shown.reshape(-1, *shown.shape[2:])
        figure = reports.draw("samples", pictures, captions, columns=shown.shape[1])
        reports.save(figure, run.plots / "nearest.png")
    return scores | found
