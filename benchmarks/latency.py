"""Microseconds an answer to one example, from an exported SavedModel.

`serving_default` takes raw input (a PNG of a digit, thirty named numbers), `tensors` what the model
takes. Inputs are tensors made before; what it costs to give numpy arrays instead is shown beside.
"Graph alone" calls the signature from a `tf.function` without arguments, its input in variables:
what is left without TensorFlow's Python, which checks every named input of a signature.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks import common
from benchmarks.common import PYTHON, ZOO, Goal

DATA = ("digits", "breast-cancer")
CALLS = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--artifact", help=argparse.SUPPRESS)  # what the measured child loads
    arguments = parser.parse_args()
    if arguments.artifact:
        print(json.dumps(measure(arguments.artifact, arguments.repetitions)))
        return
    goals, rows = [], []
    for data in DATA:
        with tempfile.TemporaryDirectory() as folder:
            found = export_and_measure(data, folder, arguments.repetitions)
        ratios = {name: common.ratio(taken, found["tensors"]) for name, taken in found.items()}
        goals.append(Goal(f"mlp on {data}, raw / tensors", ratios["raw"], "<=", 1.5))
        rows += [
            [f"mlp on {data}", name, common.spread(taken), f"{ratios[name]:.2f}"]
            for name, taken in found.items()
        ]
    header = ["artifact", "signature and input", "µs, median (least to most)", "of `tensors`"]
    text = f"{__doc__}\nMedians of {CALLS} calls, {arguments.repetitions} repetitions in turns.\n\n"
    common.report("latency", "Latency at batch 1", goals, text + common.table(header, rows))


def export_and_measure(data: str, folder: str, repetitions: int) -> dict[str, list[float]]:
    common.note(f"training and exporting mlp on {data}")
    common.run([ZOO, "train", "mlp", "--data", data, "--epochs", "3", "--run", "run"], folder)
    common.run([ZOO, "export", "run"], folder)
    artifact = Path(folder, "run", "export", "savedmodel")
    command = [PYTHON, "-m", "benchmarks.latency", "--artifact", str(artifact)]
    return json.loads(common.run([*command, "--repetitions", str(repetitions)]).output)


def measure(artifact: str, repetitions: int) -> dict[str, list[float]]:
    """Return microseconds a call, one a repetition, by signature and kind of input."""
    from zoo.startup import start

    start()
    import tensorflow as tf

    loaded = tf.saved_model.load(artifact)
    serve, encoded = loaded.signatures["serving_default"], loaded.signatures["tensors"]
    raw = {name: tf.constant(raw_value(spec)) for name, spec in inputs(serve).items()}
    tensors = {
        name: tf.zeros((1, *spec.shape[1:]), spec.dtype) for name, spec in inputs(encoded).items()
    }
    contenders = {
        "tensors": lambda: encoded(**tensors),
        "raw": lambda: serve(**raw),
        "tensors, numpy input": from_numpy(encoded, tensors),
        "raw, numpy input": from_numpy(serve, raw),
        "tensors, graph alone": from_variables(encoded, tensors),
        "raw, graph alone": from_variables(serve, raw),
    }
    timed = {name: lambda call=call: microseconds(call) for name, call in contenders.items()}
    for call in timed.values():  # warms up
        call()
    return common.interleave(timed, repetitions)


def from_numpy(signature, named):
    """Return a call that makes its tensors of numpy arrays."""
    import tensorflow as tf

    arrays = {name: value.numpy() for name, value in named.items()}
    return lambda: signature(**{name: tf.constant(value) for name, value in arrays.items()})


def from_variables(signature, named):
    """Return a compiled call without arguments."""
    import tensorflow as tf

    variables = {name: tf.Variable(value) for name, value in named.items()}
    return tf.function(lambda: signature(**{n: v.read_value() for n, v in variables.items()}))


def inputs(signature) -> dict:
    """Return the specs of a signature's inputs by name."""
    return signature.structured_input_signature[1]


def raw_value(spec):
    """Return one example of raw input: a picture's PNG for bytes, else a number."""
    import tensorflow as tf

    if spec.dtype == tf.string:
        return [tf.io.encode_png(tf.fill((8, 8, 1), tf.constant(100, tf.uint8))).numpy()]
    return tf.ones((1, *spec.shape[1:]), spec.dtype)


def microseconds(call) -> float:
    """Return the median microseconds of many calls."""
    taken = []
    for _ in range(CALLS):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return 1e6 * statistics.median(taken)


if __name__ == "__main__":
    main()
