"""Pictures of about one color, in folders of their classes."""

import numpy as np
import pytest
from PIL import Image

from zoo import datasets
from zoo.errors import InputError

RNG = np.random.default_rng(0)
COLORS = {"blue": (40, 60, 200), "green": (40, 180, 60), "red": (210, 40, 50)}
TINY = {"epochs": 2, "batch_size": 8, "set": {"filters": 4, "stages": 2, "depth": 1}}


def picture(color, size=(20, 16)):
    """Return a picture of about one color, width first."""
    noise = RNG.integers(-30, 30, size=(size[1], size[0], 3))
    return Image.fromarray(np.clip(np.array(color) + noise, 0, 255).astype("uint8"))


def fill(folder, count=6, suffix=".jpg", size=(20, 16)):
    """Write pictures into a folder a class."""
    for name, color in COLORS.items():
        (folder / name).mkdir(parents=True)
        for i in range(count):
            picture(color, size).save(folder / name / f"{i}{suffix}")
    return folder


def refused(folder, **options):
    with pytest.raises(InputError) as caught:
        datasets.load(folder, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)
