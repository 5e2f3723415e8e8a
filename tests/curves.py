"""What runs might have measured, to be drawn and shown."""

import numpy as np

EVIL = '<script>alert("$x^$")</script> & 猫'


def log(epochs=12, start=2.0, floor=0.1, rise=0.0, fall=3.0):
    rows = []
    for i in range(epochs):
        loss = (start - floor) * np.exp(-i / fall) + floor
        rows.append(
            {
                "epoch": i + 1, "step": 40 * (i + 1), "seconds": 0.5 * (i + 1),
                "learning_rate": 1e-3, "loss": loss, "accuracy": 1 - loss / 4,
                "val_loss": loss + rise * i, "val_accuracy": 0.95 - loss / 4,
            }
        )  # fmt: skip
    return rows


def confusion(classes):
    matrix = np.random.default_rng(0).integers(0, 20, (classes, classes))
    return {"classes": [f"c{i}" for i in range(classes - 1)] + [EVIL], "matrix": matrix.tolist()}


CALIBRATION = [{"confidence": c, "accuracy": c - 0.1, "count": 9} for c in (0.5, 0.7, 0.9)]
