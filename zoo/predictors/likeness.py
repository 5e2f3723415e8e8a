"""Generated pictures beside real ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from zoo.datasets.base import ArraySplit
from zoo.metrics.frechet import frechet_distance
from zoo.metrics.generated import NEIGHBOURS as FEWEST
from zoo.metrics.generated import kernel_distance, nearest, precision_recall
from zoo.predictors.extractors import Extractor
from zoo.predictors.predictor import BACKWARD
from zoo.tasks.common import defined

MOST = 50_000  # training pictures that are looked at
SHOWN, NEIGHBOURS = 8, 6


def compare(
    predictor: Any, extractor: Extractor, train: Any, test: Any
) -> tuple[dict[str, float | None], np.ndarray | None]:
    """Return scores, and generated pictures each with those of training that are nearest.

    `fid`, `kid`, `precision` and `recall` are of as many generated pictures as the test split has,
    beside its own; those with `_real` are of as many training pictures instead, which is what a
    perfect generator would reach. All carry the extractor's name.

    Args:
        predictor: of a model that makes pictures.
        extractor: what features are taken of.
        train: the training split, or None where it is not known.
        test: the split of real pictures.
    """
    made = predictor.make(len(test))
    real, _ = extractor(predictor.preprocessor.encode_split(test))
    features, codes = extractor(made["image"])
    scores = _scores(real, features, "")
    if "label" in made and extractor.classes:
        called = np.array(extractor.classes, object)[codes]
        scores["class_agreement"] = float((called == made["label"]).mean())
    shown = None
    if train is not None:
        part = _part(train)
        known = predictor.preprocessor.encode_split(part)
        seen, _ = extractor(known)
        few = np.linspace(0, len(seen) - 1, min(len(seen), len(test))).astype(int)
        scores |= _scores(real, seen[few], "_real")
        rows = nearest(features[:SHOWN], seen, NEIGHBOURS)
        pairs = zip(made["image"][:SHOWN], known[rows], strict=True)
        shown = np.stack([np.stack([picture, *others]) for picture, others in pairs])
    return {f"{name}[{extractor.name}]": value for name, value in scores.items()}, shown


def translated(
    predictor: Any, extractor: Extractor | None, train: Any, test: Any
) -> dict[str, float | None]:
    """Return scores of what pictures become; those of the way back end in `_back`.

    `cycle_mae` is the mean absolute error of what comes back from what went, in [0, 1]. With an
    extractor there are those of `compare`, and where it knows what the other kind is called,
    `class_agreement`: how often what is made is taken for it.
    """
    scores = dict[str, float | None]()
    first, second = predictor.task.both(test)
    made = {"": predictor.answers(_pictures(predictor, first))["image"]}
    if BACKWARD in predictor.functions:
        again, made["_back"] = (
            predictor.answers(_pictures(predictor, x), signature=BACKWARD)["image"]
            for x in (made[""], second)
        )
        scores["cycle_mae"] = float(np.abs(again / 255.0 - first / 255.0).mean())
    if extractor is None:
        return scores
    kinds = predictor.task.kinds
    known = None if train is None else predictor.task.both(_part(train))
    for suffix, pictures in made.items():
        features, codes = extractor(pictures)
        wanted, _ = extractor(first if suffix else second)
        found = _scores(wanted, features, suffix)
        kind = kinds[1 if not suffix else 0] if kinds else ""
        if kind in extractor.classes:
            found[f"class_agreement{suffix}"] = float(
                (codes == extractor.classes.index(kind)).mean()
            )
        if known is not None:
            others = known[1 if not suffix else 0]
            few = np.linspace(0, len(others) - 1, min(len(others), len(wanted))).astype(int)
            found |= _scores(wanted, extractor(others[few])[0], f"_real{suffix}")
        scores |= {f"{name}[{extractor.name}]": value for name, value in found.items()}
    return scores


def _pictures(predictor: Any, pictures: np.ndarray) -> ArraySplit:
    """Return pictures as a split that is answered."""
    return ArraySplit({predictor.spec.inputs[0].name: pictures}, np.arange(len(pictures)))


def _scores(real: np.ndarray, others: np.ndarray, kind: str) -> dict[str, float | None]:
    enough = min(len(real), len(others)) > FEWEST
    precision, recall = precision_recall(real, others) if enough else (None, None)
    return {
        f"fid{kind}": defined(lambda: frechet_distance(others, real)),
        f"kid{kind}": defined(lambda: kernel_distance(others, real)),
        f"precision{kind}": precision,
        f"recall{kind}": recall,
    }


def _part(split: Any) -> Any:
    """Return at most so many examples of a split, evenly."""
    if len(split) <= MOST:
        return split
    few = np.linspace(0, len(split) - 1, MOST).astype(int)
    return dataclasses.replace(split, rows=split.rows[few])
