"""Average precision of detectors, as the COCO challenge counts it.

Lin and others, Microsoft COCO: Common Objects in Context, 2014, arXiv:1405.0312: precision at 101
recalls, for overlaps from .50 to .95, at most 100 boxes of a class in a picture, and apart for
boxes of less than 32 x 32, of up to 96 x 96, and of more pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

OVERLAPS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
MOST = 100  # boxes of one class in one picture, the likeliest ones
AREAS = np.array([[0, 1e10], [0, 32**2], [32**2, 96**2], [96**2, 1e10]])  # square pixels
NAMES = ("all", "small", "medium", "large")
_EXACT = 1e-10  # an overlap that is a threshold reaches it


@dataclass
class Matches:
    """What became of the boxes found of one class, the likeliest first.

    Attributes:
        scores: `(boxes,)`.
        right, counted: for each of `AREAS` and `OVERLAPS` whether a box matches one that is there,
            and whether it counts at all; bool `(areas, overlaps, boxes)`.
        there: boxes to be found, `(areas,)`.
    """

    scores: np.ndarray
    right: np.ndarray
    counted: np.ndarray
    there: np.ndarray

    def precision_recall(self, area: int = 0, overlap: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return precision and recall after each box that counts."""
        right = self.right[area, overlap][self.counted[area, overlap]]
        hits = np.cumsum(right)
        return hits / np.arange(1, len(right) + 1), hits / max(self.there[area], 1)


def average_precision(matches: Sequence[Matches]) -> tuple[np.ndarray, np.ndarray]:
    """Return precision and recall of each class, NaN where no box of it is there.

    Args:
        matches: of each class.

    Returns:
        The mean precision over `RECALLS`, and the largest recall: `(classes, areas, overlaps)`
        each, see `AREAS` and `OVERLAPS`.
    """
    shape = (len(matches), len(AREAS), len(OVERLAPS))
    precision, recall = np.full(shape, np.nan), np.full(shape, np.nan)
    for code, found in enumerate(matches):
        for area in np.flatnonzero(found.there).tolist():
            for overlap in range(len(OVERLAPS)):
                curve = found.precision_recall(area, overlap)
                precision[code, area, overlap] = _mean_precision(*curve)
                recall[code, area, overlap] = curve[1][-1] if len(curve[1]) else 0.0
    return precision, recall


def match(truth: Sequence[np.ndarray], found: Sequence[np.ndarray], code: int) -> Matches:
    """Match the boxes found of one class with those that are there, picture by picture.

    Args:
        truth: of each picture top, left, bottom and right in pixels, and code, `(boxes, 5)`.
        found: the same and the score, `(boxes, 6)`.
        code: of the class.
    """
    scores, right, counted = [], [], []
    there = np.zeros(len(AREAS), int)
    for actual, answers in zip(truth, found, strict=True):
        boxes = actual[actual[:, 4] == code, :4].astype(np.float64)
        own = answers[answers[:, 4] == code].astype(np.float64)
        own = own[np.argsort(-own[:, 5], kind="stable")[:MOST]]
        aside = _outside(boxes)
        there += (~aside).sum(axis=1)
        hit, ignored = _matched(boxes, own[:, :4], aside)
        scores.append(own[:, 5])
        right.append(hit & ~ignored)
        counted.append(~ignored & (hit | ~_outside(own)[:, None]))
    joined = np.concatenate(scores)
    order = np.argsort(-joined, kind="stable")
    return Matches(
        joined[order],
        np.concatenate(right, axis=2)[..., order],
        np.concatenate(counted, axis=2)[..., order],
        there,
    )


def _matched(
    boxes: np.ndarray, found: np.ndarray, aside: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give each found box in turn the free box that it overlaps most, one that counts if it can.

    Returns:
        Whether it got one, and whether that does not count; bool `(areas, overlaps, found)`.
    """
    shape = (len(AREAS), len(OVERLAPS), len(found))
    hit, ignored = np.zeros(shape, bool), np.zeros(shape, bool)
    if not len(boxes):
        return hit, ignored
    overlaps = iou(found, boxes)  # (found, boxes)
    least = np.minimum(OVERLAPS, 1 - _EXACT)[None, :, None]
    free = np.ones((len(AREAS), len(OVERLAPS), len(boxes)), bool)
    for i in np.flatnonzero(overlaps.max(axis=1) >= least.min()):
        enough = free & (overlaps[i] >= least)
        counting = enough & ~aside[:, None]
        some = counting.any(axis=2)
        choice = np.where(some[..., None], counting, enough) * overlaps[i]
        best = len(boxes) - 1 - choice[..., ::-1].argmax(axis=2)  # of equal ones the last
        got = enough.any(axis=2)
        hit[..., i], ignored[..., i] = got, got & ~some
        area, overlap = np.nonzero(got)
        free[area, overlap, best[area, overlap]] = False
    return hit, ignored


def iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the overlap of every box with every other, `(first, second)`, in [0, 1]."""
    start = np.maximum(first[:, None, :2], second[None, :, :2])
    end = np.minimum(first[:, None, 2:4], second[None, :, 2:4])
    shared = np.clip(end - start, 0, None).prod(axis=2)
    union = _area(first)[:, None] + _area(second)[None] - shared
    return shared / np.where(union > 0, union, 1)


def _area(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _outside(boxes: np.ndarray) -> np.ndarray:
    """Return which boxes are not of a range of areas, bool `(areas, boxes)`."""
    area = _area(boxes)
    return (area < AREAS[:, :1]) | (area > AREAS[:, 1:])


def _mean_precision(precision: np.ndarray, recall: np.ndarray) -> float:
    """Return the mean over `RECALLS` of the best precision at that recall or a larger one."""
    best = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, RECALLS, side="left")
    return float(np.append(best, 0.0)[places].mean())
