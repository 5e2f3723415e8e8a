"""A model and data so small that a test can train them many times."""

import keras
import numpy as np
import pandas as pd

ROWS, BATCH, EPOCHS = 50, 16, 3  # the last batch of an epoch has two rows
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(ROWS, 5)).astype("float32")
Y = RANDOM.integers(3, size=ROWS).astype("int32")
WEIGHT = RANDOM.random(ROWS).astype("float32")


def write_series(path, sites=("north", "south"), hours=120, ahead=0, **columns):
    """Write an hourly load at some sites, with a temperature; return the frame.

    Of the last hours, as many as are `ahead`, the temperature alone is known.
    """
    random = np.random.default_rng(0)
    turns = 2 * np.pi * np.arange(hours) / 24
    frames = [
        pd.DataFrame(
            {
                "hour": pd.date_range("2024-01-01", periods=hours, freq="h").strftime(
                    "%Y-%m-%d %H:%M"
                ),
                "site": site,
                "load (MW)": (100 + 10 * np.sin(turns + i) + random.normal(size=hours)).round(3),
                "temp": (5 * np.cos(turns) + random.normal(size=hours)).round(3),
            }
        )
        for i, site in enumerate(sites)
    ]
    frame = pd.concat(frames, ignore_index=True).assign(**columns)
    if ahead:
        frame.loc[frame.groupby("site").tail(ahead).index, "load (MW)"] = np.nan
    frame.to_csv(path, index=False)
    return frame


def build(middle=(), optimizer=None, loss=None, dtype="float32"):
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy(dtype)
    model = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(8, "tanh"),
            *(layer() for layer in middle),
            keras.layers.Dense(3, dtype="float32"),
        ]
    )
    keras.config.set_dtype_policy("float32")
    loss = loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(1e-2) if optimizer is None else optimizer()
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
    return model


def values(model):
    return [np.asarray(v.numpy()) for v in (*model.weights, *model.optimizer.variables)]


def equal(first, second):
    assert len(first) == len(second)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def cosine():
    return keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(1e-2, 4 * EPOCHS))
