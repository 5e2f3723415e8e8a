"""Early stopping: the best epoch's weights, and when to give up hoping for better ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


class EarlyStopping:
    """Remembers the weights of the epoch with the lowest monitored value.

    Prechelt, Early Stopping - But When?, 1998.

    Args:
        patience: epochs without a better value before training ends.
    """

    def __init__(self, patience: int):
        self.patience = patience
        self.best = math.inf
        self.best_epoch: int | None = None
        self.waited = 0
        self.weights: list[np.ndarray] = []

    def update(self, epoch: int, value: float, weights: list[np.ndarray]) -> bool:
        """Take note of an epoch; return whether to stop."""
        if value < self.best:
            self.best, self.best_epoch, self.waited, self.weights = value, epoch, 0, weights
        else:
            self.waited += 1
        return self.waited >= self.patience

    def state(self) -> dict[str, Any]:
        """Return what JSON can hold; the weights are saved beside it."""
        best = None if self.best_epoch is None else self.best
        return {"best": best, "best_epoch": self.best_epoch, "waited": self.waited}

    def restore(self, state: dict[str, Any], weights: list[np.ndarray]) -> None:
        """Continue from what `state` returned."""
        self.best = math.inf if state["best"] is None else state["best"]
        self.best_epoch, self.waited, self.weights = state["best_epoch"], state["waited"], weights
