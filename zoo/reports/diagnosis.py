"""Does a run underfit, overfit or fit? One sentence from its log, by a rule that can be read.

With t and v the training and validation loss, "end" the median of the last tenth of the epochs,
and the scale the distance from the highest first loss down to the lowest of all:

- overfitting: at the end v is above t by more than a quarter of the scale, or above its own
  minimum by more than a tenth of the scale while t has not risen since;
- underfitting: t has lost less than a fifth of its first value and accuracy, where there is one,
  is below 0.9; or the last quarter of the epochs still lowered both by more than a twentieth of
  the scale;
- otherwise it fits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

FEWEST = 3


def diagnose(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return one sentence that says what the learning curves of a log look like."""
    pairs: list[tuple[Any, Any]] = [(row.get("loss"), row.get("val_loss")) for row in rows]
    if not any(v is not None for _, v in pairs):
        return "No validation loss was recorded, so the fit cannot be judged."
    known = [(t, v) for t, v in pairs if _finite(t) and _finite(v)]
    if len(known) < FEWEST:
        return f"Too few epochs to judge the fit ({len(known)}; it takes at least {FEWEST})."
    train, validation = [t for t, _ in known], [v for _, v in known]
    return (
        _overfitting(train, validation)
        or _underfitting(train, validation, _accuracy(rows))
        or f"Looks like a good fit: at the end the training loss is {_end(train):.3g} and the "
        f"validation loss {_end(validation):.3g}, near its best."
    )


def best_epoch(rows: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the position of the row with the lowest validation (else training) loss."""
    for name in ("val_loss", "loss"):
        losses = {i: row[name] for i, row in enumerate(rows) if _finite(row.get(name))}
        if losses:
            return min(losses, key=lambda i: losses[i])
    return None


def _overfitting(train: list[float], validation: list[float]) -> str:
    scale = _scale(train, validation)
    best = validation.index(min(validation))
    t, v = _end(train), _end(validation)
    if v - validation[best] > scale / 10 and t <= train[best]:
        return (
            f"Looks like overfitting: the validation loss rose from {validation[best]:.3g} at its "
            f"best to {v:.3g} while the training loss fell to {t:.3g}; {OVERFITTING_CURES}."
        )
    if v - t > scale / 4:
        return (
            f"Looks like overfitting: at the end the validation loss is {v:.3g} and the training "
            f"loss only {t:.3g}; {OVERFITTING_CURES}."
        )
    return ""


def _underfitting(train: list[float], validation: list[float], accuracy: float | None) -> str:
    scale = _scale(train, validation)
    t, quarter = _end(train), max(1, len(train) // 4)
    if t > 0.8 * train[0] and (accuracy is None or accuracy < 0.9):
        return (
            f"Looks like underfitting: the training loss only went from {train[0]:.3g} to {t:.3g}; "
            "try a larger model, a higher learning rate or less regularization."
        )
    if all(min(x[:-quarter]) - _end(x) > scale / 20 for x in (train, validation)):
        return (
            "Looks like underfitting: both losses were still falling at the end, to "
            f"{t:.3g} and {_end(validation):.3g}; try more epochs."
        )
    return ""


OVERFITTING_CURES = "try early stopping, dropout, L2, augmentation or more data"


def _scale(train: list[float], validation: list[float]) -> float:
    return max(train[0], validation[0]) - min(*train, *validation)


def _end(values: list[float]) -> float:
    return median(values[-max(1, len(values) // 10) :])


def _accuracy(rows: Sequence[Mapping[str, Any]]) -> float | None:
    return next((row["accuracy"] for row in reversed(rows) if _finite(row.get("accuracy"))), None)


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
