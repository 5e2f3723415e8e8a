"""What a run comes to: a line of `zoo runs list`, and how several runs differ."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from zoo.reports.diagnosis import best_epoch
from zoo.runs import Run

MAIN_SCORES = {
    "classification": "accuracy",
    "multi-label": "f1",
    "regression": "r2",
    "segmentation": "mean_iou",
    "detection": "map",
    "reconstruction": "mse",
    "language-modelling": "bits_per_character",
    "sequence-to-sequence": "bleu",
    "summarization": "rouge_l",
    "sentence-embedding": "mrr",
    "image-synthesis": "frechet_pixels",
    "image-to-image": "mae",
    "unpaired-image-to-image": "frechet_pixels",
    "forecasting": "mse",
}
# These tell runs apart, not what was tried, or say again what the options said.
NOT_COMPARED = ("command", "created", "options.run", "resumed")
REPEATED = "builder."


def summarize(run: Run) -> dict[str, Any]:
    """Return one line about a run, finished or not; None for what is not known.

    `validation` is the score's validation value, or without it the validation loss, at the epoch
    with the lowest validation loss. `seconds` is the training time
    up to the last epoch.
    """
    config, rows = run.config, run.log
    metrics = {} if stale(run) else run.metrics or {}
    score = main_score(metrics)
    validation = _validation(rows, score[0] if score else MAIN_SCORES.get(str(config.get("task"))))
    return {
        "run": str(run),
        "model": config.get("model"),
        "data": data_name(config),
        "task": config.get("task"),
        "epochs": len(rows),
        "score": score and score[0],
        "value": score and score[1],
        "split": metrics.get("split"),
        "validation": validation and validation[0],
        "validation_value": validation and validation[1],
        "seconds": rows[-1].get("seconds") if rows else None,
        "date": _date(run),
    }


def stale(run: Run) -> str | None:
    """Return a sentence where training has gone on since weights and scores were written."""
    measured = (run.metrics or {}).get("step")
    step = run.log[-1].get("step") if run.log else None
    if None in (measured, step) or measured == step:
        return None
    return (
        f"'{run}' was taken up again after step {measured} and ended at step {step} before it was "
        f"over: these are the weights of step {measured}. Continue with `zoo train --resume {run}`."
    )


def main_score(metrics: Mapping[str, Any]) -> tuple[str, float | None] | None:
    """Return the name and value of the score that sums up an evaluation, None without scores."""
    scores = metrics.get("scores") or {}
    name = MAIN_SCORES.get(str(metrics.get("task")))
    if name not in scores:
        name = next(iter(scores), None)
    return None if name is None else (name, scores[name])


def data_name(config: Mapping[str, Any]) -> str | None:
    """Return what a run was trained on, by the data set's name."""
    data = config.get("data")
    name = data.get("name") if isinstance(data, Mapping) else data
    return None if name is None else str(name)


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested dictionaries as one, `{"options": {"epochs": 3}}` as `options.epochs`."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def differences(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """Return the settings that are not the same in all runs, with each run's value."""
    configs = [flatten(run.config) for run in runs]
    keys = dict.fromkeys(key for config in configs for key in config)
    table = {key: [_given(config.get(key)) for config in configs] for key in keys}
    return {
        key: values
        for key, values in table.items()
        if key not in NOT_COMPARED
        and not key.startswith(REPEATED)
        and any(value != values[0] for value in values)
    }


def _given(value: Any) -> Any:
    return None if value in ("", [], {}) else value


def _validation(rows: Sequence[Mapping[str, Any]], score: str | None) -> tuple[str, Any] | None:
    best = best_epoch(rows)
    names = [
        name for name in (f"val_{score}", "val_loss") if best is not None and name in rows[best]
    ]
    return (names[0], rows[best][names[0]]) if best is not None and names else None


def _date(run: Run) -> str:
    written = datetime.fromtimestamp(os.path.getmtime(run.config_path))
    return written.isoformat(sep=" ", timespec="minutes")
