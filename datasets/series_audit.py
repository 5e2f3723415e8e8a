"""What a person should know of time series before forecasting them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import Dataset
from .windows import SeriesSplit


def describe(data: Dataset) -> dict[str, Any]:
    """Return step, span and series, and what each column holds, as plain numbers and lists."""
    train: SeriesSplit = data.train
    table, series = train.table, train.series
    times = table.clock.write(np.array([table.times.min(), table.times.max()]))
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    return {
        "series": {
            "time": series.time,
            "group": series.group,
            "count": len(table.names),
            "rows": len(table),
            "first": str(times[0]),
            "last": str(times[1]),
            "step": table.clock.span(series.step),
            "season": series.season,
            "horizon": series.horizon,
            "history": series.history,
            "rows_of_splits": {name: len(split.rows) for name, split in splits.items()},
        },
        "columns": [_column(data, i) for i in range(len(data.spec.inputs))],
    }


def _column(data: Dataset, i: int) -> dict[str, Any]:
    column, train = data.spec.inputs[i], data.train
    values = train.table.values[:, i]
    present = values[~np.isnan(values)]
    known = column.shape[0] > train.series.history
    return {
        "name": column.name,
        "role": "target" if i < train.targets_count else "known ahead" if known else "covariate",
        "kind": "series",
        "missing": int(len(values) - len(present)),
        "distinct": len(np.unique(present)),
        "minimum": float(present.min()),
        "mean": float(present.mean()),
        "maximum": float(present.max()),
        "deviation": float(present.std()),
        "constant": bool(present.min() == present.max()),
    }
