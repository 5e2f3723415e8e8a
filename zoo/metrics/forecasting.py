"""Errors of forecasts, collected some windows at a time.

MASE is that of Hyndman and Koehler, Another look at measures of forecast accuracy, 2006: the mean
absolute error over that of the seasonal naive forecast on the training rows. sMAPE is the mean of
`2 |e| / (|truth| + |forecast|)`, between 0 and 2, nothing where both are zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Errors:
    """Sums over windows, by step and target.

    Args:
        scale: standard deviation of each target among the training rows.
        naive: mean absolute error of the seasonal naive forecast there, 0 where it is never wrong.
    """

    def __init__(self, scale: np.ndarray, naive: np.ndarray):
        self.scale, self.naive = scale, naive
        self.count = 0
        self.absolute: Any = 0.0  # each (horizon, targets)
        self.squared: Any = 0.0
        self.relative: Any = 0.0

    def add(self, actual: np.ndarray, forecast: np.ndarray) -> None:
        """Take windows `(B, horizon, targets)` into account."""
        error = np.abs(forecast - actual)
        size = np.abs(forecast) + np.abs(actual)
        relative = np.divide(2 * error, size, out=np.zeros_like(error), where=size > 0)
        self.count += len(actual)
        self.absolute = self.absolute + error.sum(axis=0)
        self.squared = self.squared + (error**2).sum(axis=0)
        self.relative = self.relative + relative.sum(axis=0)

    def scores(self) -> dict[str, float | None]:
        """Return `mse` and `mae` in standardized units, `mase` and `smape`, means over targets."""
        rows = self.per_target()
        mase = [row["mase"] for row in rows if row["mase"] is not None]
        return {
            "mse": float((self.squared / self.scale**2).mean() / self.count),
            "mae": float((self.absolute / self.scale).mean() / self.count),
            "mase": float(np.mean(mase)) if mase else None,
            "smape": float(self.relative.mean() / self.count),
        }

    def per_target(self) -> list[dict[str, float | None]]:
        """Return the scores of each target, `mae` and `rmse` in its own units."""
        absolute, squared, relative = (
            values.mean(axis=0) / self.count
            for values in (self.absolute, self.squared, self.relative)
        )
        return [
            {
                "mae": float(absolute[i]),
                "rmse": float(np.sqrt(squared[i])),
                "mase": float(absolute[i] / naive) if naive > 0 else None,
                "smape": float(relative[i]),
            }
            for i, naive in enumerate(self.naive)
        ]

    def by_step(self) -> list[float]:
        """Return the mean absolute error of each step, in standardized units."""
        return ((self.absolute / self.scale).mean(axis=1) / self.count).tolist()


class Quantiles:
    """How often the truth lies below each quantile, and what quantiles cost.

    Args:
        quantiles: rising, between 0 and 1.
        scale: standard deviation of each target among the training rows.
    """

    def __init__(self, quantiles: tuple[float, ...], scale: np.ndarray):
        self.quantiles, self.scale = np.array(quantiles), scale
        self.count = 0
        self.below, self.loss = np.zeros(len(quantiles)), np.zeros(len(quantiles))
        self.inside = 0

    def add(self, actual: np.ndarray, forecast: np.ndarray) -> None:
        """Take windows `(B, horizon, targets)` and `(B, horizon, targets, quantiles)`."""
        truth = actual[..., None]
        error = (truth - forecast) / self.scale[:, None]
        axes = tuple(range(actual.ndim))
        self.count += actual.size
        self.below += (truth <= forecast).sum(axis=axes)
        loss = np.maximum(self.quantiles * error, (self.quantiles - 1) * error)
        self.loss += loss.sum(axis=axes)
        inside = (actual >= forecast[..., 0]) & (actual <= forecast[..., -1])
        self.inside += int(inside.sum())

    def scores(self) -> dict[str, float]:
        """Return `coverage`, the share within the outer two, and the mean `quantile_loss`."""
        return {
            "coverage": self.inside / self.count,
            "quantile_loss": float(self.loss.mean() / self.count),
        }

    def rows(self) -> list[dict[str, float]]:
        """Return the share of truths below each quantile, and its mean loss."""
        shares, losses = self.below / self.count, self.loss / self.count
        return [
            {"quantile": float(q), "below": float(share), "loss": float(loss)}
            for q, share, loss in zip(self.quantiles, shares, losses, strict=True)
        ]
