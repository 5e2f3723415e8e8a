"""What tests of a user's mistakes share: a good table, and what a folder holds."""

import numpy as np
import pandas as pd


def snapshot(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def frame(rows=40):
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "x": random.normal(size=rows),
            "z": random.normal(size=rows),
            "label": ["a", "b"] * (rows // 2),
            "same": 1,
            "gone": np.nan,
            "price": random.normal(size=rows),
            "part": ["train"] * (rows - 10) + ["validation"] * 5 + ["test"] * 5,
        }
    )
