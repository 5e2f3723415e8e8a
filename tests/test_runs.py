"""The run directory: names, files that are whole or absent, the lock, and the errors."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from zoo.errors import InputError
from zoo.runs import Run, kind_of, list_runs, write_atomic


@pytest.fixture(autouse=True)
def _inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def make(path, config=None):
    run = Run.create(path, "mlp", "digits")
    run.write_config(config or {"model": "mlp"})
    return run


def child(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_names_count_up():
    assert str(Run.create(None, "mlp", "digits")) == os.path.join("runs", "mlp-digits-1")
    assert Run.create(None, "mlp", "digits").name == "mlp-digits-2"
    assert Run.create(None, "mlp", "digits-2").name == "mlp-digits-2-1"
    Path("runs/mlp-digits-9").mkdir()
    assert Run.create(None, "mlp", "digits").name == "mlp-digits-10"


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("../a b/ç.csv", "mlp-a-b-ç.csv-1"),
        ("x" * 300, "mlp-" + "x" * 50 + "-1"),
        ("..", "mlp-data-1"),
    ],
)
def test_a_data_name_never_leaves_the_folder(name, folder):
    assert Run.create(None, "mlp", name).path == Path("runs", folder)


def test_processes_never_share_a_number():
    code = "from zoo.runs import Run\nfor _ in range(20): print(Run.create(None, 'mlp', 'xor'))"
    children = [child(code) for _ in range(3)]
    outputs = [process.communicate() for process in children]
    names = "".join(output for output, _ in outputs).split()
    assert len(set(names)) == len(names) == 60


def test_an_explicit_path_gets_its_parents_and_is_never_taken_twice():
    assert Run.create("a/b/c", "mlp", "digits").path.is_dir()
    with pytest.raises(InputError, match=r"'a/b/c' exists already.*Try another with --run"):
        Run.create("a/b/c", "mlp", "digits")


@pytest.mark.parametrize("path", ["file/run", None])
def test_a_place_that_cannot_be_written(path):
    Path("file").write_text("")
    Path("runs").write_text("")
    with pytest.raises(InputError, match="Cannot make the run directory"):
        Run.create(path, "mlp", "digits")


def test_a_folder_without_permission(tmp_path):
    # Permissions do not bind root, so the child gives that up.
    code = (
        "import os\nfrom zoo.errors import InputError\nfrom zoo.runs import Run, write_atomic\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "for action in (lambda: Run.create('run', 'm', 'd'), lambda: write_atomic('f', 'x')):\n"
        "    try: action()\n"
        "    except InputError as error: print(error)\n"
    )
    tmp_path.chmod(0o555)
    output, errors = child(code).communicate()
    tmp_path.chmod(0o755)
    assert output.count("Permission denied") == 2, errors


def test_open_says_what_was_found_and_what_to_try():
    make("runs/mlp-digits-1")
    make("runs/linear-iris-1")
    Path("notes.txt").write_text("")
    Path("empty").mkdir()
    Path("folder").mkdir()
    Path("folder/a.csv").write_text("")
    for path, expected in {
        "runs/mlp-digit-1": r"nothing is there.*Did you mean 'runs/mlp-digits-1'",
        "mlp-digits-1": r"nothing is there.*Did you mean 'runs/mlp-digits-1'",
        "notes.txt": "it is a file",
        "empty": "it is an empty folder",
        "folder": "it holds a.csv",
        "runs": r"it is a folder of 2 runs.*Try: runs/",
    }.items():
        with pytest.raises(InputError, match=expected) as caught:
            Run.open(path)
        assert "\n" not in str(caught.value)


def test_open_without_any_run_says_how_to_make_one():
    with pytest.raises(InputError, match="zoo train mlp --data digits"):
        Run.open("nowhere")


def test_config_round_trip_keeps_order_and_types():
    run = make("run")
    config = {"z": 1e-05, "a": {"units": (64, 32), "on": True, "none": None, "ß": "é: [x]"}}
    run.write_config(config)
    expected = {"z": 1e-05, "a": {"units": [64, 32], "on": True, "none": None, "ß": "é: [x]"}}
    assert Run.open("run").config == expected
    assert list(run.config) == ["z", "a"]


def test_metrics_take_arrays_and_what_is_not_finite():
    np = pytest.importorskip("numpy")
    run = make("run")
    assert run.metrics is None
    run.write_metrics({"a": np.float32(0.5), "m": np.eye(2, dtype=int), "nan": [float("nan")]})
    assert run.metrics == {"a": 0.5, "m": [[1, 0], [0, 1]], "nan": [None]}
    json.loads(run.metrics_path.read_text(), parse_constant=pytest.fail)


def test_log_keeps_every_bit_and_absent_values():
    run = make("run")
    assert run.log == []
    rows = [
        {"epoch": 1, "loss": 0.1 + 0.2, "val_loss": 1e-300},
        {"epoch": 2, "loss": float("inf"), "val_loss": None},
    ]
    run.append_log(rows[0])
    Run.open("run").append_log({"epoch": 2, "loss": float("inf")})
    assert run.log == rows
    assert run.log_path.read_text().count("epoch") == 1


def test_log_refuses_a_new_column():
    run = make("run")
    run.append_log({"epoch": 1})
    with pytest.raises(ValueError, match=r"Received: \['accuracy'\]"):
        Run.open("run").append_log({"epoch": 2, "accuracy": 1.0})
    assert run.log == [{"epoch": 1}]


def test_log_can_go_back_to_a_checkpoint():
    run = make("run")
    for epoch in (1, 2, 3):
        run.append_log({"epoch": epoch, "loss": 1.0 / epoch})
    run.rewrite_log(run.log[:2])
    run.append_log({"epoch": 3, "loss": 0.25})
    assert [row["loss"] for row in run.log] == [1.0, 0.5, 0.25]
    run.rewrite_log([])
    run.append_log({"epoch": 1, "mae": 2.0})
    assert run.log == [{"epoch": 1, "mae": 2.0}]


def test_half_a_last_line_is_left_out():
    run = make("run")
    run.log_path.write_text("epoch,loss\n1,0.5\n2,0.4")
    assert run.log == [{"epoch": 1, "loss": 0.5}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.yaml", b"a: ["),
        ("config.yaml", b"- a"),
        ("config.yaml", b"\xff\xfe"),
        ("metrics.json", b'{"a": '),
        ("metrics.json", b"[]"),
        ("metrics.json", b'{"scores": 3}'),
        ("metrics.json", b'{"scores": null}'),
        ("metrics.json", b'{"scores": {"accuracy": "high"}}'),
        ("metrics.json", b'{"scores": {"accuracy": true}}'),
        ("metrics.json", b'{"scores": {}, "tables": [1]}'),
        ("log.csv", b"epoch,loss\n1\n2,0.5\n"),
    ],
)
def test_damaged_files_are_one_line_errors(name, content):
    run = make("run")
    (run.path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}'.* Expected") as caught:
        _ = run.config, run.metrics, run.log
    assert "\n" not in str(caught.value)


def test_a_second_process_is_told_who_has_the_run():
    run = make("run")
    code = (
        "import os\nfrom zoo.runs import Run\n"
        "with Run('run').locked(): print(os.getpid(), flush=True); input()"
    )
    holder = child(code)
    pid = int(holder.stdout.readline())
    with pytest.raises(InputError, match=f"in use by process {pid}"), run.locked():
        pass
    holder.kill()  # a lock dies with its process, however that ends
    holder.communicate()
    with run.locked(), pytest.raises(InputError, match=f"process {os.getpid()}"), run.locked():
        pass
    with run.locked():
        pass


def test_an_error_inside_the_lock_is_not_disguised():
    run = make("run")
    with pytest.raises(FileNotFoundError), run.locked():
        open("nothing")  # noqa: SIM115


def test_list_runs_skips_what_is_no_run_and_counts_numbers():
    for number in (10, 9, 1):
        make(f"runs/mlp-digits-{number}")
    Path("runs/junk").mkdir()
    Path("runs/file").write_text("")
    assert [run.name for run in list_runs()] == ["mlp-digits-1", "mlp-digits-9", "mlp-digits-10"]
    with pytest.raises(InputError, match="Cannot list 'nowhere'"):
        list_runs("nowhere")


def test_kind_of():
    make("runs/a")
    Path("saved").mkdir()
    Path("saved/saved_model.pb").write_bytes(b"")
    with zipfile.ZipFile("model.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    assert [kind_of(p) for p in ("runs/a", "saved", "model.keras")] == [
        "run",
        "savedmodel",
        "keras",
    ]
    Path("empty.keras").write_bytes(b"")
    for path in ("empty.keras", "nothing", "runs"):
        with pytest.raises(InputError, match="neither a run nor an artifact"):
            kind_of(path)


def test_write_atomic_keeps_the_old_file_when_there_is_no_room():
    Path("file").write_text("old")
    code = (
        "import resource, signal\nfrom zoo.runs import write_atomic\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "write_atomic('file', 'x' * 100_000)\n"
    )
    _, errors = child(code).communicate()
    assert "WriteError: Cannot write 'file': File too large" in errors
    assert Path("file").read_text() == "old"
    assert os.listdir() == ["file"]


def test_a_reader_never_meets_half_a_file():
    write_atomic("file", "a" * 100_000)
    code = (
        "from zoo.runs import write_atomic\nprint(flush=True)\n"
        "while True:\n    for letter in 'ab': write_atomic('file', letter * 100_000)\n"
    )
    writer = child(code)
    writer.stdout.readline()
    contents = set()
    end = time.monotonic() + 5
    while time.monotonic() < end and len(contents) < 2:
        contents.add(Path("file").read_text())
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    contents.add(Path("file").read_text())
    assert contents == {"a" * 100_000, "b" * 100_000}


def test_nothing_heavy_is_imported():
    code = (
        "import sys, zoo.runs, zoo.reports, zoo.reports.summary\n"
        "print([m for m in ('numpy', 'pandas', 'keras', 'matplotlib', 'yaml') if m in sys.modules])"
    )
    output, errors = child(code).communicate()
    assert output.strip() == "[]", errors


def test_a_run_that_was_not_trained_to_its_end(zoo, tmp_path):
    run = tmp_path / "run"
    assert zoo("train", "mlp", "--data", "iris", "--epochs", 1, "--run", run)[0] == 0
    (run / "model.safetensors").unlink()
    code, out, err = zoo("evaluate", run)
    assert (code, out) == (2, "")
    assert err == (
        f"Error: The run '{run}' has no weights: it was not trained to its end. Expected a "
        f"finished run. Try `zoo train --resume {run}`.\n"
    )
