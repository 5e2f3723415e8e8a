"""Faults that are real: a full disk, a read-only one, a folder that goes, no memory, two at once.

After each a user reads one line, nothing is half-written and nothing that was there is lost; once
the fault is gone, `zoo train --resume RUN` ends identical to a run left alone.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path

import jobs
import pytest
from jobs import KILLED, same, state, strays
from test_whole_files import check_whole, contents

from zoo.errors import WriteError
from zoo.runs import Run
from zoo.training.checkpoints import Checkpoints

MLP = (
    "mlp", "--data", "iris", "--set", "units=64,64", "--epochs", "3", "--checkpoint-every", "3",
)  # fmt: skip
TRAIN = ("train", *MLP, "--run", "disk/run")
RESUME = ("train", "--resume", "disk/run")
# Leaves room on the disk for half of what is to be written, as the disk counts it.
FILL = """
room = len(data) // 2 // 4096 * 4096 if "data" in globals() else 8192
disk = os.statvfs("disk")
with open("disk/filler", "wb") as filler:
    os.posix_fallocate(filler.fileno(), 0, max(disk.f_bavail * disk.f_frsize - room, 1))
"""


class Zoo(jobs.Jobs):
    """Runs commands in which a fault happens at an act of `jobs.ACTS`."""

    def count(self):
        """Note that there was a fault."""

    def begin(self, *arguments, when=0, fault="", before="", **values):
        self.journal = self.folder / ".jobs" / "journal"
        self.journal.write_text("")
        if fault or before:
            self.count()
        return super().begin(
            *arguments,
            inject=jobs.QUICK_EXPORT + jobs.ACTS + before,
            values={"journal": str(self.journal), "when": when, "fault": fault, **values},
            finish=True,
        )


@pytest.fixture
def zoo(server, tmp_path, record_property):
    zoo = Zoo(server, tmp_path)
    zoo.count = lambda: record_property("faults survived", 1)
    return zoo


@pytest.fixture(scope="module")
def alone(server, tmp_path_factory):
    """Return the folder of a run left alone."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "disk").mkdir()
    code, _, err = Zoo(server, folder)(*TRAIN)
    assert code == 0, err
    return folder / "disk"


@pytest.fixture
def disk(tmp_path):
    """Mount a file system of four megabytes, in which a fault can be real."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=4m", "zoo", folder)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def mount(*arguments):
    try:
        subprocess.run(["mount", *map(str, arguments)], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = (getattr(error, "stderr", None) or str(error)).strip()
        pytest.skip(f"a file system of the test's own cannot be mounted here: {reason}")


def refused(result, *said):
    """Assert that a command ended with one line and exit code 2."""
    code, out, err = result
    assert (code, out) == (2, ""), err
    *progress, line = err.splitlines()
    assert line.startswith("Error: ")
    assert not [text for text in progress if "Error" in text or "Traceback" in text]
    assert [text for text in said if text not in line] == [], line
    return line


def full(zoo, disk, *arguments, when):
    """Run a command on a disk that fills up before an act; return its line."""
    before = contents(disk)
    line = refused(zoo(*arguments, when=when, fault=FILL), "No space left on device")
    (disk / "filler").unlink()
    assert strays(disk) == []
    left = contents(disk)
    old = before.keys() - left.keys()
    assert not old or (all("checkpoints/" in path for path in old) and begun(disk))
    for path in left:
        check_whole(disk / path)
    assert all(left[path] == content for path, content in before.items() if Path(path).name in when)
    return line


def begun(disk):
    """Whether there is a checkpoint to continue from; it loads, and so does the one before."""
    return Checkpoints(disk / "run" / "checkpoints").load()[2] == []


TRAINED = (
    "write*config.yaml", "write*step-000000003*.safetensors", "write*step-000000003.json",
    "append*log.csv", "write*step-000000006*.safetensors", "write*model.safetensors",
    "write*curves.png", "write*report.html",
)  # fmt: skip


@pytest.mark.slow
def test_a_disk_that_fills_up_while_training(zoo, disk, alone):
    for when in TRAINED:
        there = (disk / "run").exists()
        line = full(zoo, disk, *(RESUME if there else TRAIN), when=when)
        if (disk / "run").exists():
            assert when.split("*")[1] in line
            assert line.endswith("Then continue with `zoo train --resume disk/run`.")
        else:
            assert when == TRAINED[0]
            assert "Cannot make the run directory 'disk/run': No space left on device." in line
            assert "Try another with --run DIR." in line
            assert not list(disk.iterdir())
    assert zoo(*RESUME)[0] == 0
    same(state(Run(disk / "run")), state(Run(alone / "run")))


def test_a_line_of_the_log_that_does_not_fit_is_taken_back(disk):
    run = Run.create(disk / "run", "mlp", "iris")
    with open(disk / "filler", "wb") as filler:
        size = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - 4096
        os.posix_fallocate(filler.fileno(), 0, size)  # one page is left
    with pytest.raises(WriteError, match=r"log\.csv'.*No space left"):
        append_rows(run, 1000)
    written = len(run.log)
    assert 100 < written < 1000
    assert run.log_path.read_text().endswith("\n")
    assert [row["epoch"] for row in run.log] == [*range(1, written + 1)]
    (disk / "filler").unlink()
    run.append_log({"epoch": written + 1, "loss": 1.0})
    assert run.log[-1] == {"epoch": written + 1, "loss": 1.0}


def append_rows(run, count):
    for i in range(count):
        run.append_log({"epoch": i + 1, "loss": 0.1234567890123})


LATER = {
    "evaluate": (
        ("evaluate", "disk/run", "--csv", "disk/scores.csv"), ("metrics.json", "scores.csv"),
    ),
    "report": (("report", "disk/run"), ("curves.png", "confusion.png", "report.html")),
    "savedmodel": (
        ("export", "disk/run"), ("export/savedmodel", "zoo.json", "card.md", "parity.json"),
    ),
    "keras": (("export", "disk/run", "--format", "keras"), ("model.keras", "model.parity.json")),
    "predict": (
        ("predict", "disk/run", "disk/flowers.csv", "--out", "disk/answers.csv"), ("answers.csv",),
    ),
    "compare": (("runs", "compare", "disk/run", "disk/other"), ("compare.png",)),
}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] * (n not in ("report", "predict"))) for n in LATER],
)
def test_a_disk_that_fills_up_in_later_commands(zoo, disk, alone, name):
    arguments, written = LATER[name]
    shutil.copytree(alone / "run", disk / "run")
    shutil.copytree(alone / "run", disk / "other")
    (disk / "flowers.csv").write_text(
        "sepal_length,sepal_width,petal_length,petal_width\n" + "5.1,3.5,1.4,0.2\n" * 100
    )
    for file in written:
        line = full(zoo, disk, *arguments, when=f"write*{file}")
        assert Path(file).name in line or name == "savedmodel"
    code, _, err = zoo(*arguments)
    assert code == 0, err
    assert strays(disk) == []


# The only place for temporary files is the disk, which has no room at all.
NO_TEMPORARY = f"""
import tempfile
tempfile.tempdir, tempfile._candidate_tempdir_list = None, lambda: ["disk"]
data = b""
{FILL}
del data
"""


def test_no_room_for_temporary_files(zoo, disk):
    for arguments in (("train", *MLP, "--run", "run"), ("check", "mlp")):
        line = refused(zoo(*arguments, before=NO_TEMPORARY))
        assert "No usable temporary directory found" in line
        (disk / "filler").unlink()
    assert not zoo.run("run").path.exists()


READ_ONLY = """
import subprocess
subprocess.run(["mount", "--bind", "disk/run", "disk/run"], check=True)
subprocess.run(["mount", "-o", "remount,bind,ro", "disk/run"], check=True)
"""


@pytest.mark.slow
def test_a_disk_that_becomes_read_only(zoo, disk, alone):
    result = zoo(*TRAIN, when="append*log.csv", fault=READ_ONLY)
    try:
        said = ("Cannot write 'disk/run/", "Read-only file system", "zoo train --resume disk/run")
        refused(result, *said)
        before = contents(disk)
        refused(zoo(*RESUME), "Cannot write 'disk/run'", "Read-only file system")
        refused(zoo("report", "disk/run"), "Cannot write 'disk/run/plots/curves.png'")
        assert contents(disk) == before
        assert strays(disk) == []
    finally:
        subprocess.run(["umount", disk / "run"], check=True)
    mount("-o", "remount,ro", disk)
    refused(zoo("train", *MLP, "--run", "disk/new"), "Cannot make the run directory 'disk/new'")
    mount("-o", "remount,rw", disk)
    assert zoo(*RESUME)[0] == 0
    same(state(Run(disk / "run")), state(Run(alone / "run")))


@pytest.mark.parametrize(
    "when", ["append*log.csv", pytest.param("write*.png", marks=pytest.mark.slow)]
)
def test_a_folder_that_is_moved_away(zoo, tmp_path, alone, when):
    (tmp_path / "disk").mkdir()
    fault = "os.rename('disk/run', 'away')"
    result = zoo(*TRAIN, when=when, fault=fault)
    refused(result, "Cannot write 'disk/run/", "No such file", "'disk/run' is gone: train again.")
    assert not list((tmp_path / "disk").iterdir())  # it is not made again
    (tmp_path / "away").rename(tmp_path / "disk" / "run")
    assert zoo(*RESUME)[0] == 0
    assert strays(tmp_path) == []
    same(state(zoo.run("disk/run")), state(Run(alone / "run")))


def test_two_processes_on_one_run(zoo, tmp_path, alone):
    (tmp_path / "disk").mkdir()
    wait = "while not os.path.exists('go'): time.sleep(0.01)"
    first = zoo.begin(*TRAIN, when="append*log.csv", fault=wait)
    book = zoo.journal
    while "append" not in book.read_text():
        time.sleep(0.01)
    before = contents(tmp_path)
    refused(zoo(*RESUME), f"'disk/run' is in use by process {first}", "Wait for it")
    refused(zoo(*TRAIN), "'disk/run' exists already (it is a run)")
    assert contents(tmp_path) == before
    (tmp_path / "go").touch()
    assert zoo.end(first)[0] == 0
    same(state(zoo.run("disk/run")), state(Run(alone / "run")))


@pytest.fixture
def small_memory():
    """Make a memory control group, empty until a child enters it; return it and its limit."""
    root, limit = Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"
    if not root.is_dir():
        root, limit = root.parent, "memory.max"
    group = root / f"zoo-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"a memory control group cannot be made here: {error.strerror}")
    if not (group / limit).exists():
        group.rmdir()
        pytest.skip("memory is not controlled by group here")
    yield group, limit
    group.rmdir()


# The process enters the group alone, and asks for four times of what the group may have.
NO_MEMORY = """
open(f"{group}/cgroup.procs", "w").write(str(os.getpid()))
for swap in ("memory.swappiness", "memory.swap.max"):
    if os.path.exists(f"{group}/{swap}"):
        open(f"{group}/{swap}", "w").write("0")
open(f"{group}/{limit}", "w").write(str(64 << 20))
held = bytearray(b"x") * (256 << 20)
"""


@pytest.mark.slow
def test_a_process_killed_for_its_memory(zoo, tmp_path, alone, small_memory):
    (tmp_path / "disk").mkdir()
    group, limit = small_memory
    when = "write*step-000000006*.safetensors"
    code, _, err = zoo(*TRAIN, when=when, fault=NO_MEMORY, group=str(group), limit=limit)
    assert code == KILLED, err
    events = "memory.events" if limit == "memory.max" else "memory.oom_control"
    assert "oom_kill 1" in (group / events).read_text()  # the system did it, to this one process
    for path in contents(tmp_path):
        check_whole(tmp_path / path)
    assert zoo(*RESUME)[0] == 0
    assert strays(tmp_path) == []
    same(state(zoo.run("disk/run")), state(Run(alone / "run")))


@pytest.mark.slow
def test_a_disk_that_fills_up_at_every_write(zoo, disk, alone):
    assert zoo(*TRAIN)[0] == 0
    acts = [line.split() for line in zoo.journal.read_text().splitlines()]
    numbers = [int(number) for number, kind, _ in acts if kind != "move"]
    assert len(numbers) > 20
    pages = 0
    for number in numbers:
        shutil.rmtree(disk / "run", ignore_errors=True)
        code, _, err = zoo(*TRAIN, when=number, fault=FILL)
        (disk / "filler").unlink()
        if code == 0:  # the line of the log fitted into a page that was there
            pages += 1
            assert acts[number - 1][1] == "append"
            continue
        refused((code, "", err), "No space left on device")
        assert strays(disk) == []
        again = RESUME if (disk / "run").exists() else TRAIN
        assert zoo(*again)[0] == 0
        same(state(Run(disk / "run")), state(Run(alone / "run")))
    assert pages <= 2
