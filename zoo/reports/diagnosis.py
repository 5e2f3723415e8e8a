"""Does a run underfit, overfit or fit? One sentence from its log, by a rule that can be read.

The epoch judged is the one that was kept: with early stopping that of the lowest validation loss,
else the end. With t and v its training and validation loss (at the end the median of the last
tenth of the epochs), and the scale the distance from the highest first loss down to the lowest of
all, it is for classification and regression alike:

- overfitting: without early stopping v is above its own minimum by more than a tenth of the scale
  while t has not risen since; or v is above t by more than a quarter of the scale; or v is more
  than 3 times t, and the gap more than a thousandth of the scale, so that two losses that are both
  next to nothing are not told apart; or the validation loss never fell by a fifth of its first
  value and stayed more than half the scale above the lowest training loss;
- underfitting: by the end the training loss has lost less than a fifth of its first value and
  accuracy, where there is one, is below 0.9; or the last quarter of the epochs still lowered both
  losses by more than a twentieth of the scale, and with early stopping the epoch kept is among
  the last tenth;
- otherwise it fits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

FEWEST = 3
WIDE = 3  # times the training loss
SAME, WON = 0.3, 0.999  # generated pictures as different as real ones; real ones rated above them
WILD = 30  # a discriminator's loss; that of one that guesses is 1.4 or 2
EARLY = 500  # steps, in which all generators make pictures that are alike


@dataclass(frozen=True)
class Curves:
    """The losses of the epochs that have both, and which epoch is judged."""

    train: list[float]
    validation: list[float]
    accuracy: float | None
    early_stopping: bool
    epoch: Any

    @property
    def best(self) -> int:
        return self.validation.index(min(self.validation))

    @property
    def judged(self) -> tuple[float, float]:
        """Training and validation loss of the epoch kept, or of the end."""
        if self.early_stopping:
            return self.train[self.best], self.validation[self.best]
        return _end(self.train), _end(self.validation)

    @property
    def scale(self) -> float:
        lowest = min(*self.train, *self.validation)
        return max(self.train[0], self.validation[0]) - lowest

    @property
    def where(self) -> str:
        return f"at epoch {self.epoch}, which was kept," if self.early_stopping else "at the end"

    @property
    def cures(self) -> str:
        first = "" if self.early_stopping else "early stopping, "
        return f"try {first}dropout, L2, augmentation or more data"


def diagnose(rows: Sequence[Mapping[str, Any]], early_stopping: bool = False) -> str:
    """Return one sentence that says what the learning curves of a log look like.

    Args:
        rows: the log, one row an epoch.
        early_stopping: whether the epoch with the lowest validation loss was kept.
    """
    if any("discriminator_loss" in row for row in rows):
        steps = rows[-1].get("step") or 0
        if steps < EARLY:
            return f"Too early to judge two networks in competition ({steps} of {EARLY} steps)."
        return collapse(rows) or "Both networks still learn from each other."
    if not any(row.get("val_loss") is not None for row in rows):
        return "No validation loss was recorded, so the fit cannot be judged."
    known = [row for row in rows if _finite(row.get("loss")) and _finite(row.get("val_loss"))]
    if len(known) < FEWEST:
        return f"Too few epochs to judge the fit ({len(known)}; it takes at least {FEWEST})."
    best = best_epoch(known) or 0
    curves = Curves(
        train=[row["loss"] for row in known],
        validation=[row["val_loss"] for row in known],
        accuracy=_accuracy(rows),
        early_stopping=early_stopping,
        epoch=known[best].get("epoch", best + 1),
    )
    t, v = curves.judged
    return (
        _overfitting(curves)
        or _underfitting(curves)
        or f"Looks like a good fit: {curves.where} the training loss is {t:.3g} and the "
        f"validation loss {v:.3g}{', its best' if early_stopping else ', near its best'}."
    )


def collapse(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a sentence on networks in competition where something is wrong at the end, or ""."""
    last = next((row for row in reversed(rows) if _finite(row.get("discriminator_loss"))), None)
    if last is None or (last.get("step") or 0) < EARLY:
        return ""
    loss, diversity = last["discriminator_loss"], last.get("diversity")
    if loss > WILD:
        return (
            f"Both networks run away from each other: the discriminator's loss is {loss:,.0f}, and "
            "that of one that guesses at most 2; try a lower --learning-rate, or a smaller --set "
            "discriminator_rate."
        )
    if diversity is None:  # pictures that are turned into others have more to learn from
        return ""
    accuracy = last["discriminator_accuracy"]
    if diversity < SAME:
        return (
            f"Looks like mode collapse: generated pictures differ from each other {diversity:.0%} "
            "as much as real ones; try a lower --learning-rate, a smaller --set "
            "discriminator_rate, or wgan-gp or sngan."
        )
    if accuracy > WON:
        return (
            f"The discriminator has won: it rates real pictures above generated ones "
            f"{accuracy:.1%} of the time, so there is little for the generator to learn from; try "
            "a smaller --set discriminator_rate, label smoothing, or wgan-gp or sngan."
        )
    return ""


def best_epoch(rows: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the position of the row with the lowest validation (else training) loss."""
    for name in ("val_loss", "loss"):
        losses = {i: row[name] for i, row in enumerate(rows) if _finite(row.get(name))}
        if losses:
            return min(losses, key=lambda i: losses[i])
    return None


def _overfitting(curves: Curves) -> str:
    t, v = curves.judged
    scale, end = curves.scale, _end(curves.train)
    first, lowest = curves.validation[0], min(curves.validation)
    if v - lowest > scale / 10 and t <= curves.train[curves.best]:
        return (
            f"Looks like overfitting: the validation loss rose from {lowest:.3g} at its "
            f"best to {v:.3g} while the training loss fell to {t:.3g}; {curves.cures}."
        )
    if v - t > scale / 4 or (v > WIDE * t >= 0 and v - t > scale / 1000):
        return (
            f"Looks like overfitting: {curves.where} the validation loss is {v:.3g} and the "
            f"training loss only {t:.3g}; {curves.cures}."
        )
    if lowest > 0.8 * first and lowest - min(curves.train) > scale / 2:
        return (
            f"Looks like overfitting: the validation loss only went from {first:.3g} to "
            f"{lowest:.3g} while the training loss fell to {end:.3g}; {curves.cures}."
        )
    return ""


def _underfitting(curves: Curves) -> str:
    train, validation = curves.train, curves.validation
    t, v = _end(train), _end(validation)
    if t > 0.8 * train[0] and (curves.accuracy is None or curves.accuracy < 0.9):
        return (
            f"Looks like underfitting: the training loss only went from {train[0]:.3g} to {t:.3g}; "
            "try a larger model, a higher learning rate or less regularization."
        )
    if curves.early_stopping and curves.best < len(train) - _tenth(train):
        return ""  # it was stopped because the validation loss no longer fell
    quarter = max(1, len(train) // 4)
    if all(min(x[:-quarter]) - _end(x) > curves.scale / 20 for x in (train, validation)):
        return (
            "Looks like underfitting: both losses were still falling at the end, to "
            f"{t:.3g} and {v:.3g}; try more epochs."
        )
    return ""


def _end(values: list[float]) -> float:
    return median(values[-_tenth(values) :])


def _tenth(values: list[float]) -> int:
    return max(1, len(values) // 10)


def _accuracy(rows: Sequence[Mapping[str, Any]]) -> float | None:
    return next((row["accuracy"] for row in reversed(rows) if _finite(row.get("accuracy"))), None)


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
