"""Calibration and the Fréchet distance against numbers worked out by hand."""

import math

import numpy as np
import pytest

from zoo.metrics.calibration import expected_calibration_error, reliability
from zoo.metrics.frechet import frechet_distance


def test_reliability_groups_by_confidence():
    confidence = np.array([0.55, 0.55, 0.65, 0.95, 1.0])
    correct = np.array([True, False, True, True, True])
    table = reliability(confidence, correct, bins=10)
    assert [row["count"] for row in table] == [2, 1, 2]
    assert [row["accuracy"] for row in table] == [0.5, 1.0, 1.0]
    assert [row["confidence"] for row in table] == pytest.approx([0.55, 0.65, 0.975])


def test_calibration_error_by_hand():
    table = reliability(np.array([0.55, 0.55, 0.65, 0.95, 1.0]), np.array([1, 0, 1, 1, 1]), bins=10)
    # (2 |0.5 - 0.55| + 1 |1 - 0.65| + 2 |1 - 0.975|) / 5
    assert expected_calibration_error(table) == pytest.approx((0.1 + 0.35 + 0.05) / 5)


def test_calibration_of_the_perfect_and_of_the_boastful():
    sure = np.ones(50)
    assert expected_calibration_error(reliability(sure, np.ones(50))) == 0
    assert expected_calibration_error(reliability(sure, np.zeros(50))) == 1


def test_calibration_of_honest_guesses_is_small():
    random = np.random.default_rng(0)
    confidence = random.uniform(0.5, 1, 200_000)
    correct = random.uniform(size=200_000) < confidence
    assert expected_calibration_error(reliability(confidence, correct)) < 0.01


def test_frechet_distance_of_equal_clouds_is_zero():
    cloud = np.random.default_rng(0).normal(size=(200, 5))
    assert frechet_distance(cloud, cloud) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(cloud, cloud + 3) == pytest.approx(5 * 9)


def test_frechet_distance_by_hand():
    # One cloud around (0, 0) with variances 2 and 2, one around (1, 0) with 8 and 2, uncorrelated:
    # 1 + (sqrt 2 - sqrt 8)^2 + 0; np.cov divides by n - 1 = 3.
    corners = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) * math.sqrt(3 / 2)
    first, second = corners, corners * [2, 1] + [1, 0]
    assert frechet_distance(first, second) == pytest.approx(1 + (math.sqrt(2) - math.sqrt(8)) ** 2)


def test_frechet_distance_of_correlated_clouds_by_another_formula():
    random = np.random.default_rng(1)
    first = random.normal(size=(300, 4)) @ random.normal(size=(4, 4))
    second = random.normal(size=(300, 4)) @ random.normal(size=(4, 4)) + 1
    a, b = np.cov(first.T), np.cov(second.T)
    root = np.sqrt(np.linalg.eigvals(a @ b).astype(complex)).real.sum()
    shift = first.mean(axis=0) - second.mean(axis=0)
    expected = shift @ shift + np.trace(a) + np.trace(b) - 2 * root
    assert frechet_distance(first, second) == pytest.approx(expected)
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first))


def test_frechet_distance_with_fewer_rows_than_features():
    random = np.random.default_rng(2)
    few = random.normal(size=(5, 40)).astype(np.float32)
    distance = frechet_distance(few, few + np.float32(1))
    assert distance == pytest.approx(40, rel=1e-4)
