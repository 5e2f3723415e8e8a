"""Series continued from where a file or a data frame ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zoo import datasets
from zoo.datasets.frames import canonical
from zoo.datasets.series import read
from zoo.predictors.predictor import Predictor


def forecast(predictor: Predictor, data: Any, say: Callable[[str], None]) -> dict[str, np.ndarray]:
    """Continue every series of a file, a data set's name or a data frame.

    Args:
        predictor: a forecaster.
        data: what to continue.
        say: called with what a person should be told.

    Returns:
        The column of times, `(series, horizon)` strings; that of groups, the name of each series,
        where there are several; and the forecasts by name, `(series, horizon)` each. Series that
        are too short or end with missing values are left out where others are not.
    """
    if hasattr(data, "iloc"):
        frame = data.reset_index(drop=True).apply(canonical)
        split: Any = read(frame, predictor.spec, "the data frame", targets=False)
    else:
        split = datasets.read(data, predictor.spec, targets=False)
    for note in split.notes:
        say(f"Data: {note}")
    moments = split.moments(np.arange(len(split)))
    return {**moments, **predictor.predict(split)}
