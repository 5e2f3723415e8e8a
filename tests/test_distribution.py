"""Several replicas and several processes end where one device does."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

from zoo.errors import InputError
from zoo.training.distribution import Agreement, is_chief, strategy_for_device

MIRRORED = """
import json
from contextlib import nullcontext

import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

import keras
import numpy as np

from zoo.config import Optimization
from zoo.training import optimizers
from zoo.training.feeds import Resident, Streamed
from zoo.training.loop import Trainer

keras.config.set_floatx("float64")
keras.config.set_dtype_policy("float64")
random = np.random.default_rng(0)
x, y = random.normal(size=(71, 5)), random.normal(size=(71, 2))
weight = random.random(64)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def examples(rows, weight, streamed):
    if not streamed:
        return Resident(x[rows], target=y[rows], weight=weight)
    held = tf.constant(x[rows])
    return Streamed(len(held), lambda row: held[row], lambda x, y: (x, y), y[rows], weight)


def run(
    strategy, normalized=False, weighted=False, accumulate=1, streamed=False, **options
):
    keras.utils.set_random_seed(0)
    layer = keras.layers.BatchNormalization(momentum=0.9, synchronized=True)
    with nullcontext() if strategy is None else strategy.scope():
        model = keras.Sequential(
            [keras.Input((5,)), keras.layers.Dense(6, "tanh"), *[layer][: int(normalized)]]
        )
        model.add(keras.layers.Dense(2))
        chosen = Optimization(
            optimizer="adam", learning_rate=1e-2, accumulate=accumulate, **options
        )
        optimizer = optimizers.create(chosen, 8 if chosen.schedule else None)
        model.compile(optimizer, "mse", metrics=["mae"], jit_compile=False)
    feed = examples(slice(64), weight if weighted else None, streamed)
    held = examples(slice(64, 71), None, streamed)  # 7 rows: one replica has 4, the other 3
    log = Trainer(
        model, feed, batch_size=16 // accumulate, accumulate=accumulate, strategy=strategy,
        validation=held,
    ).fit(epochs=2)
    rows = [[value for name, value in row.items() if name != "seconds"] for row in log]
    return [*(v.numpy() for v in model.weights), np.array(rows, "float64")]


cases = {
    "plain": {"schedule": "cosine"},
    "clipped": {"clip_norm": 1e-2, "weighted": True},
    "accumulated": {"accumulate": 4, "clip_norm": 1e-2},
    "streamed": {"accumulate": 2, "weighted": True, "streamed": True},
    "normalized": {"normalized": True, "accumulate": 2, "ema": 0.9},
}
for name, case in cases.items():
    pairs = zip(run(None, **case), run(strategy, **case), strict=True)
    print(json.dumps([name, max(float(np.abs(a - b).max()) for a, b in pairs)]))
"""

WORKER = """
import hashlib
import os
import sys

from zoo.cli import main
from zoo.training.loop import Trainer

fit = Trainer.fit


def fit_and_tell(trainer, *args, **kwargs):
    if "DIES" in os.environ:
        trainer.on_row = lambda row: os._exit(9)
    log = fit(trainer, *args, **kwargs)
    digest = hashlib.sha256(b"".join(v.numpy().tobytes() for v in trainer.model.weights))
    print("weights", digest.hexdigest())
    return log


Trainer.fit = fit_and_tell
main(sys.argv[1:])
"""


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.delenv("TF_CONFIG", raising=False)


@pytest.mark.slow
def test_two_replicas_equal_one_device():
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-3000:]
    differences = dict(json.loads(line) for line in done.stdout.splitlines())
    assert list(differences) == ["plain", "clipped", "accumulated", "streamed", "normalized"]
    assert max(differences.values()) < 1e-9, differences


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def cluster(layout):
    """Return one TF_CONFIG a process: `layout` is a list of task types, as [chief, worker]."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(len(layout))]
    jobs = {
        job: [a for a, its in zip(addresses, layout, strict=True) if its == job] for job in layout
    }
    return [
        {"cluster": jobs, "task": {"type": job, "index": layout[:i].count(job)}}
        for i, job in enumerate(layout)
    ]


def workers(folder, layout, *arguments, dies=None):
    """Run `zoo` in one process a task; return what they printed and their exit codes."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, *arguments],
            cwd=folder,
            env={
                **os.environ,
                "TF_CONFIG": json.dumps(config),
                **({"DIES": "1"} if i == dies else {}),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i, config in enumerate(cluster(layout))
    ]
    try:
        outputs = [process.communicate(timeout=240) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [
        (process.returncode, *output) for process, output in zip(processes, outputs, strict=True)
    ]


SMALL = ("--epochs", "3", "--set", "units=8", "--batch-size", "16", "--early-stopping", "2")


@pytest.mark.slow
def test_two_workers_train_to_equal_weights_and_only_the_chief_writes(tmp_path):
    arguments = ("train", "mlp", "--data", "iris", *SMALL, "--checkpoint-every", "5")
    results = workers(tmp_path, ["worker", "worker"], *arguments)
    assert [code for code, _, _ in results] == [0, 0], results
    (chief, _), (worker, errors) = [result[1:] for result in results]
    assert chief.splitlines() == worker.splitlines()
    assert chief.splitlines()[0].startswith("weights")
    assert chief.splitlines()[1] == "runs/mlp-iris-1"
    assert "overhead" not in errors
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["mlp-iris-1"]
    run = tmp_path / "runs" / "mlp-iris-1"
    assert {"config.yaml", "log.csv", "metrics.json", "model.safetensors"} <= {
        path.name for path in run.iterdir()
    }
    assert len((run / "log.csv").read_text().splitlines()) == 4
    assert "replicas: 2" in (run / "config.yaml").read_text()


@pytest.mark.slow
def test_workers_resume_and_normalize(tmp_path):
    arguments = ("train", "tabular-resnet", "--data", "iris", "--batch-size", "16")
    options = ("--set", "width=8", "--set", "blocks=1", "--checkpoint-every", "4", "--epochs", "3")
    layout = ["chief", "worker"]
    whole = workers(tmp_path, layout, *arguments, *options, "--run", "whole")
    assert [code for code, _, _ in whole] == [0, 0], whole
    assert whole[0][1] == whole[1][1]
    assert workers(tmp_path, layout, *arguments, *options, "--run", "cut")[0][0] == 0
    for name in ("model.safetensors", "metrics.json", "report.html"):
        (tmp_path / "cut" / name).unlink()
    last = sorted((tmp_path / "cut" / "checkpoints").glob("*.json"))[-1]
    last.unlink()  # back to the checkpoint before
    resumed = workers(tmp_path, layout, "train", "--resume", "cut")
    assert [code for code, _, _ in resumed] == [0, 0], resumed
    expected = load_file(tmp_path / "whole" / "model.safetensors")
    found = load_file(tmp_path / "cut" / "model.safetensors")
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.slow
def test_workers_diverge_together_and_the_chief_keeps_the_state(tmp_path):
    arguments = ("train", "mlp", "--data", "iris", *SMALL, "--optimizer", "sgd")
    options = ("--learning-rate", "1e30", "--clip-norm", "1e30", "--run", "run")
    results = workers(tmp_path, ["chief", "worker"], *arguments, *options)
    assert [code for code, _, _ in results] == [3, 3], results
    for _, _, errors in results:
        assert "became NaN or infinite at step" in errors.splitlines()[-1]
        assert "The state after step 0 was kept." in errors.splitlines()[-1]
    run = tmp_path / "run"
    assert [path.name for path in (run / "checkpoints").glob("*.json")] == ["step-000000000.json"]
    kept = load_file(run / "model.safetensors")
    assert all(np.isfinite(value).all() for value in kept.values())


@pytest.mark.slow
def test_a_worker_that_is_gone_is_said_in_one_line(tmp_path):
    arguments = ("train", "mlp", "--data", "iris", *SMALL)
    (code, _, errors), _ = workers(tmp_path, ["worker", "worker"], *arguments, dies=1)
    assert code == 2, errors
    assert "cannot be reached" in errors
    assert "Traceback" not in errors


def test_bad_tf_config_is_refused(monkeypatch):
    worker = '{"cluster": {"worker": ["a"]}'
    beyond = ', "task": {"type": "worker", "index": 3}}'
    for text in ("{", "[]", '{"cluster": {"ps": []}}', worker + "}", worker + beyond):
        monkeypatch.setenv("TF_CONFIG", text)
        with pytest.raises(InputError, match="TF_CONFIG received"):
            strategy_for_device("auto")


def test_one_process_is_its_own_chief(monkeypatch):
    agreement = Agreement(None)
    assert is_chief()
    assert agreement.number(3) == 3
    assert agreement.text("runs/a") == "runs/a"
    assert agreement.any(True, False) == [True, False]
    for task, expected in (("chief", True), ("worker", False)):
        config = {"cluster": {"chief": ["a"], "worker": ["b"]}, "task": {"type": task, "index": 0}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(config))
        assert is_chief() is expected
