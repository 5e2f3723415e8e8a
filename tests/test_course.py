"""The course's commands run, and what it says of them is so."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run every command and Python block of the pages, in order; return the folder of runs."""
    spec = importlib.util.spec_from_file_location("refresh", ROOT / "docs" / "refresh.py")
    refresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(refresh)
    page, folder = tmp_path_factory.mktemp("page"), tmp_path_factory.mktemp("course")
    for name in ("course.md", "sequences.md", "gans.md"):
        (page / name).write_text((ROOT / "docs" / name).read_text())
        refresh.refresh(page / name, folder)
    return folder / "runs"


def score(runs, name, key):
    return json.loads((runs / name / "metrics.json").read_text())["scores"][key]


def test_a_straight_line_cannot_part_spirals(runs):
    assert score(runs, "linear", "accuracy") <= 0.75
    assert score(runs, "large-but-linear", "accuracy") <= 0.75
    assert score(runs, "mlp", "accuracy") >= 0.98


def test_outliers_pull_the_mean_squared_error(runs):
    assert score(runs, "mae", "rmse") < 0.5 * score(runs, "mse", "rmse")
    assert score(runs, "huber", "rmse") < 0.5 * score(runs, "mse", "rmse")


@pytest.mark.parametrize("cure", ["l1", "l2", "dropout", "augmented", "early-stopping"])
def test_cures_help(runs, cure):
    assert score(runs, cure, "r2") > score(runs, "overfit", "r2") + 0.1


def test_every_picture_is_made(runs):
    made = re.findall(r'!\[[^]]*\]\([^ ]+ "([^"]+)"\)', (ROOT / "docs" / "course.md").read_text())
    assert len(made) >= 7
    assert all((runs.parent / path).is_file() for path in made)


def test_sequences_are_learned(runs):
    assert score(runs, "docs", "bits_per_character") <= 2.6
    assert score(runs, "reverse", "exact") >= 0.95
    assert score(runs, "waves", "mase") <= 0.4


def test_pictures_are_made_and_turned(runs):
    assert score(runs, "dcgan", "frechet_pixels") < 0.5
    assert score(runs, "edges", "mae") < 0.15
    assert score(runs, "swap", "frechet_pixels") < 3.0
