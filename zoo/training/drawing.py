"""What a run draws when it is trained, beyond what its log and scores can show."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from zoo import pictures, reports, translating
from zoo.runs import Run


def draw(run: Run, predictor: Any, data: Any, result: dict[str, Any]) -> None:
    """Draw into the run's `plots/` what needs the model itself.

    Args:
        run: where to.
        predictor: the trained model.
        data: its data set.
        result: what was measured, of the split that it names.
    """
    task, columns = predictor.task.name, data.spec.inputs
    if task == "image-synthesis":
        pictures.write(predictor, run.plots / "samples.png", 64, 0)
    if "image-to-image" in task:
        _translations(run, predictor, data)
    if task == "segmentation":
        _masks(run, predictor, data)
    if task == "detection":
        _boxes(run, predictor, data)
    if task == "classification" and data.spec.kind == "image":
        _mistakes(run, predictor, getattr(data, result["split"]), result["tables"])
    if task == "classification" and data.spec.kind == "vector" and len(columns[0].shape) == 2:
        _mistaken_series(run, getattr(data, result["split"]), result["tables"])
    plane = len(columns) == 2 and all(column.kind == "number" for column in columns)
    if task == "classification" and plane:
        _boundary(run, predictor, data)


def _mistakes(run: Run, predictor: Any, split: Any, tables: dict[str, Any]) -> None:
    """Draw the pictures that were taken for something else, the most surely so first."""
    mistakes = tables["worst_mistakes"]
    if not mistakes:
        return
    pictures = _decoded(predictor, split.batch([mistake["row"] for mistake in mistakes]))
    captions = [f"{m['actual']} as {m['predicted']}" for m in mistakes]
    reports.save(reports.draw("samples", pictures, captions), run.plots / "worst_mistakes.png")


def _mistaken_series(run: Run, split: Any, tables: dict[str, Any], most: int = 12) -> None:
    """Draw the series that were taken for something else, the most surely so first."""
    mistakes = tables["worst_mistakes"][:most]
    if not mistakes:
        return
    (series,) = split.batch([mistake["row"] for mistake in mistakes]).values()
    captions = [f"{m['actual']} as {m['predicted']}" for m in mistakes]
    figure = reports.draw("mistaken_series", series, captions)
    reports.save(figure, run.plots / "worst_mistakes.png")


def _decoded(predictor: Any, raw: dict[str, np.ndarray]) -> np.ndarray:
    """Return pictures of the size the model sees, uint8."""
    tensors = {name: tf.convert_to_tensor(values) for name, values in raw.items()}
    return predictor.preprocessor.encode(tensors).numpy()


def _masks(run: Run, predictor: Any, data: Any, count: int = 5) -> None:
    split = data.test if len(data.test) else data.train
    rows = np.unique(np.linspace(0, len(split) - 1, count).astype(int))
    raw = split.batch(rows)
    known = split.target[split.rows[rows]]
    found = predictor(raw)["mask"]
    figure = reports.draw("masks", _decoded(predictor, raw), known, found, data.spec.classes)
    reports.save(figure, run.plots / "masks.png")


def _translations(run: Run, predictor: Any, data: Any, count: int = 8) -> None:
    split = data.test if len(data.test) else data.train
    shown, names = translating.side_by_side(predictor, split, count)
    figure = reports.draw(
        "samples", shown.reshape(-1, *shown.shape[2:]), names * len(shown), columns=len(names)
    )
    reports.save(figure, run.plots / "translations.png")


def _boxes(run: Run, predictor: Any, data: Any, count: int = 6) -> None:
    split = data.test if len(data.test) else data.train
    part = dataclasses.replace(split, rows=split.rows[:count])
    raw = part.batch(np.arange(len(part)))
    (pictures,) = raw.values()
    if pictures.dtype == object:
        decode = tf.io.decode_image
        pictures = [decode(p, channels=3, expand_animations=False).numpy() for p in pictures]
    found = predictor.task.found(predictor(raw))
    examples = [
        {"picture": picture, "truth": truth, "found": boxes}
        for picture, truth, boxes in zip(pictures, predictor.task.truth(part), found, strict=True)
    ]
    figure = reports.draw("detections", examples, data.spec.classes)
    reports.save(figure, run.plots / "detections.png")


def _boundary(run: Run, predictor: Any, data: Any, side: int = 200) -> None:
    from zoo.reports.boundary import grid

    names = [column.name for column in data.spec.inputs]
    split = data.test if len(data.test) else data.train
    raw = split.batch(np.arange(min(len(split), 1000)))
    points = np.stack([raw[name] for name in names], axis=1)
    x, y, inputs = grid(points[~np.isnan(points).any(axis=1)], side)
    answer = predictor({names[0]: inputs[:, 0], names[1]: inputs[:, 1]})
    probabilities = answer["probabilities"].reshape(side, side, -1)
    labels = split.targets()[: len(points)]
    figure = reports.draw(
        "boundary", x, y, probabilities, points, labels, data.spec.classes, tuple(names)
    )
    reports.save(figure, run.plots / "boundary.png")
