"""Average precision: by hand, and equal to pycocotools on random boxes and on a run's own."""

import contextlib
import io

import numpy as np
import pytest

from zoo.metrics.detection import AREAS, OVERLAPS, average_precision, iou, match

LEFT, MIDDLE, RIGHT = [0, 0, 10, 10, 0], [0, 20, 10, 30, 0], [0, 40, 10, 50, 0]


def measure(truth, found, classes=1):
    truth, found = [np.reshape(t, (-1, 5)) for t in truth], [np.reshape(f, (-1, 6)) for f in found]
    return average_precision([match(truth, found, code) for code in range(classes)])


def reference(truth, found, classes):
    """Return what pycocotools says, in the shape of `average_precision`."""
    reason = "pycocotools is not installed; it comes with the extra [dev]"
    coco = pytest.importorskip("pycocotools.coco", reason=reason)
    from pycocotools.cocoeval import COCOeval

    def listed(tables):
        for image, boxes in enumerate(tables, 1):
            for top, left, bottom, right, code, *score in boxes.tolist():
                box = [left, top, right - left, bottom - top]
                known = {"image_id": image, "category_id": int(code) + 1, "bbox": box}
                yield known | {"area": box[2] * box[3], "iscrowd": 0, "score": sum(score)}

    with contextlib.redirect_stdout(io.StringIO()):
        known = coco.COCO()
        known.dataset = {
            "images": [{"id": i + 1} for i in range(len(truth))],
            "annotations": [{"id": i, **item} for i, item in enumerate(listed(truth), 1)],
            "categories": [{"id": i + 1} for i in range(classes)],
        }
        known.createIndex()
        measured = COCOeval(known, known.loadRes(list(listed(found))), "bbox")
        measured.evaluate()
        measured.accumulate()
    precision, recall = measured.eval["precision"][..., 2], measured.eval["recall"][..., 2]
    precision, recall = (np.where(x < 0, np.nan, x) for x in (precision, recall))
    return precision.mean(axis=1).transpose(1, 2, 0), recall.transpose(1, 2, 0)


def random_boxes(seed, pictures=80, classes=4):
    """Return boxes of all sizes, and answers that are near, far, double, or of another class."""
    random = np.random.default_rng(seed)
    truth, found = [], []
    for _ in range(pictures):
        start = random.uniform(0, 400, size=(random.integers(0, 25), 2))
        sides = np.exp(random.uniform(2.5, 5.3, size=start.shape))
        codes = random.integers(classes - 1, size=(len(start), 1))  # none is of the last
        boxes = np.concatenate([start, start + sides, codes], axis=1)
        answers = np.repeat(boxes, random.integers(0, 6), axis=0)
        answers[:, :4] += random.normal(0, 6, size=(len(answers), 4))
        answers[:, 2:4] = np.maximum(answers[:, 2:4], answers[:, :2] + 1)
        other = random.random(len(answers)) < 0.1
        answers[other, 4] = random.integers(classes, size=other.sum())
        scores = random.random((len(answers), 1)).round(2)  # many are equal
        truth.append(boxes)
        found.append(np.concatenate([answers, scores], axis=1))
    return truth, found


@pytest.mark.parametrize("seed", range(3))
def test_as_pycocotools(seed):
    truth, found = random_boxes(seed)
    ours = measure(truth, found, 4)
    for mine, its in zip(ours, reference(truth, found, 4), strict=True):
        np.testing.assert_allclose(mine, its, rtol=0, atol=1e-6)
        assert np.isfinite(mine[0]).all()
        assert np.isnan(mine[3]).all()


def test_by_hand():
    found = [[*LEFT, 0.9], [*RIGHT, 0.8], [5, 20, 15, 30, 0, 0.7]]  # the last overlaps by a third
    precision, recall = measure([[LEFT, MIDDLE, RIGHT]], [found])
    assert precision[0, 0] == pytest.approx(67 / 101)  # two of three: recalls up to 0.66
    assert recall[0, 0] == pytest.approx(2 / 3)
    first_wrong = [[100, 100, 110, 110, 0, 0.9], [*LEFT, 0.8]]
    precision, recall = measure([[LEFT]], [first_wrong])
    assert precision[0, 0] == pytest.approx(0.5)
    assert (recall[0, 0] == 1).all()


def test_thresholds_of_overlap():
    precision, _ = measure([[[0, 0, 10, 10, 0]]], [[[0, 0, 10, 8, 0, 0.5]]])
    assert (precision[0, 0] == (OVERLAPS <= 0.8)).all()


def test_one_box_is_found_once():
    precision, recall = measure([[LEFT]], [[[*LEFT, 0.9], [*LEFT, 0.8]]])
    curve = match([np.array([LEFT])], [np.array([[*LEFT, 0.9], [*LEFT, 0.8]])], 0)
    assert curve.precision_recall()[0].tolist() == [1, 0.5]
    assert (precision[0, 0] == 1).all()
    assert (recall[0, 0] == 1).all()


def test_sizes_apart():
    large = [0, 0, 200, 200, 0]
    precision, _ = measure([[LEFT, large]], [[[*LEFT, 0.9]]])
    assert len(AREAS) == 4
    assert precision[0, 1, 0] == 1  # small
    assert np.isnan(precision[0, 2, 0])  # none of medium size is there
    assert precision[0, 3, 0] == 0


def test_nothing_found_and_nothing_there():
    precision, recall = measure([[LEFT], []], [[], [[*LEFT, 0.9]]])
    assert (precision[0, 0] == 0).all()
    assert (recall[0, 0] == 0).all()
    assert all(np.isnan(x).all() for x in measure([[]], [[]]))


def test_a_hundred_boxes_at_most():
    wrong = [[100, 100, 110, 110, 0, 0.9]] * 100
    precision, _ = measure([[LEFT]], [[*wrong, [*LEFT, 0.5]]])
    assert (precision[0, 0] == 0).all()


def test_iou():
    boxes = np.array([LEFT, [5, 0, 15, 10, 0], [3, 3, 3, 9, 0]], float)
    expected = [[1, 1 / 3, 0], [1 / 3, 1, 0], [0, 0, 0]]
    np.testing.assert_allclose(iou(boxes, boxes), expected)
