"""An artifact in a fresh process against the run it came from, on the same raw examples."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from zoo import config, predictors
from zoo.errors import ExportMismatchError, InputError
from zoo.runs import Run

TOLERANCE = 1e-5


def examples(run: Run, predictor: Any, count: int) -> dict[str, np.ndarray]:
    """Return raw validation examples, or what a generator is asked for."""
    if predictor.makes_pictures:
        return {"count": np.array(count, np.int32), "seed": np.array(1, np.int32)}
    from zoo.training.session import load_data

    record = run.record
    data = load_data(config.build(record["model"], record["options"]))
    split = next(s for s in (data.validation, data.test, data.train) if len(s))
    split = predictor.task.served(split, predictor.preprocessor)
    return split.batch(np.arange(min(count, len(split), predictor.batch_size)))


def compare(predictor: Any, artifact: Path, raw: dict[str, np.ndarray]) -> dict[str, Any]:
    """Answer the same examples with the run here and the artifact in a fresh process.

    Returns:
        `examples`, `largest_difference` (relative to the largest value where that is above 1),
        `worst_output` and `tolerance`; labels and other strings must be equal.
    """
    expected = answer(predictor, raw)
    received = _in_fresh_process(artifact, raw)
    differences = {name: _difference(expected[name], received.get(name)) for name in expected}
    worst = max(differences, key=lambda name: differences[name])
    rows = int(raw["count"]) if predictor.makes_pictures else len(next(iter(raw.values())))
    return {
        "examples": rows,
        "largest_difference": differences[worst],
        "worst_output": worst,
        "tolerance": TOLERANCE,
    }


def answer(predictor: Any, raw: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Answer raw examples, or make the pictures that were asked for."""
    if predictor.makes_pictures:
        return {"image": predictor.make(int(raw["count"]), int(raw["seed"]))["image"]}
    answers = predictor(raw)
    answers.pop("png", None)  # says what the mask says
    return answers


def _difference(expected: np.ndarray, received: np.ndarray | None) -> float:
    if received is None or expected.shape != received.shape:
        return float("inf")
    if expected.dtype == object:
        return 0.0 if (expected.astype(str) == received.astype(str)).all() else float("inf")
    if expected.dtype == np.uint8:  # of a mask, where two classes are as likely rounding decides
        return float((expected != received).mean())
    expected, received = expected.astype(np.float64), received.astype(np.float64)
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    difference = np.abs(expected - received).max(initial=0.0) / scale
    return float(difference) if np.isfinite(difference) else float("inf")


def _in_fresh_process(artifact: Path, raw: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    # -P keeps modules of the folder the user is in from being taken for installed ones.
    process = subprocess.run(
        [sys.executable, "-P", "-m", "zoo.exporters.parity", artifact],
        input=json.dumps({k: _plain(v) for k, v in raw.items()}).encode(),
        capture_output=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    if process.returncode < 0:
        raise InputError(
            f"The fresh process was ended by signal {-process.returncode}. Expected enough memory "
            "to load the artifact a second time. Nothing was written."
        )
    if process.returncode:
        last = (process.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        raise ExportMismatchError(
            f"The artifact cannot be used in a fresh process: {last}. Expected the run's "
            "answers. Nothing was written."
        )
    with np.load(io.BytesIO(process.stdout)) as arrays:
        return {str(name): arrays[f"arr_{i}"] for i, name in enumerate(arrays["names"])}


def _plain(values: np.ndarray) -> dict[str, Any]:
    """Return an array as JSON can hold it; bytes, of picture files, in base64."""
    plain = values.tolist()
    if values.dtype == object and all(isinstance(value, bytes) for value in plain):
        return {"dtype": "bytes", "values": [base64.b64encode(v).decode() for v in plain]}
    return {"dtype": str(values.dtype), "values": plain}


def _array(item: dict[str, Any]) -> np.ndarray:
    """Return the array that `_plain` was given."""
    if item["dtype"] == "bytes":
        return np.array([base64.b64decode(value) for value in item["values"]], dtype=object)
    return np.array(item["values"], dtype=item["dtype"])


def main(artifact: str) -> None:
    """Answer the examples that come from stdin with an artifact, on stdout."""
    with os.fdopen(os.dup(1), "wb") as answered:
        os.dup2(2, 1)  # whatever else is printed is no answer
        raw = {name: _array(item) for name, item in json.load(sys.stdin).items()}
        outputs = answer(predictors.load(artifact), raw)
        arrays = [v.astype(str) if v.dtype == object else v for v in outputs.values()]
        content = io.BytesIO()
        np.savez(content, *arrays, names=np.array(list(outputs)))
        answered.write(content.getvalue())


if __name__ == "__main__":
    main(*sys.argv[1:])
