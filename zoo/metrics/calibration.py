"""How far confidence is from accuracy.

Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, 2017, arXiv:1706.04599.
"""

from __future__ import annotations

import numpy as np


def reliability(
    confidence: np.ndarray, correct: np.ndarray, bins: int = 15
) -> list[dict[str, float]]:
    """Group predictions by confidence.

    Args:
        confidence: probability of the predicted class, `(rows,)`.
        correct: whether it was right, `(rows,)`.
        bins: number of equal intervals of [0, 1]; empty ones are left out.

    Returns:
        For each interval its mean `confidence`, its `accuracy` and its `count`.
    """
    interval = np.minimum((confidence * bins).astype(int), bins - 1)
    table = []
    for index in np.unique(interval):
        inside = interval == index
        table.append(
            {
                "confidence": float(confidence[inside].mean()),
                "accuracy": float(correct[inside].mean()),
                "count": int(inside.sum()),
            }
        )
    return table


def expected_calibration_error(table: list[dict[str, float]]) -> float:
    """Return the mean distance of accuracy from confidence, weighted by count, in [0, 1]."""
    total = sum(row["count"] for row in table)
    return sum(row["count"] * abs(row["accuracy"] - row["confidence"]) for row in table) / total
