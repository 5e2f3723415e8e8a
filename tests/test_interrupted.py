"""SIGTERM and SIGINT outside the training loop: one line, the code of the signal, nothing left."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import jobs
import pytest
from jobs import same, state, strays
from test_whole_files import contents

from zoo import cli
from zoo.runs import Run

TRAIN = (
    "train", "mlp", "--data", "iris", "--set", "units=4", "--epochs", "2", "--run", "run",
)  # fmt: skip
CONTINUE = "Error: Interrupted. Continue with `zoo train --resume run`."
# Sends a signal to the process when a function is done, or when it is called.
SEND = """
import importlib, tempfile

module, _, name = target.partition(":")
owner = importlib.import_module(module)
*path, name = name.split(".")
for part in path:
    owner = getattr(owner, part)
function = getattr(owner, name)


def sends(*arguments, **options):
    if early:
        os.kill(os.getpid(), number)
    result = function(*arguments, **options)
    os.kill(os.getpid(), number)
    return result


setattr(owner, name, sends)
tempfile.tempdir = "temporary"
"""


class Zoo(jobs.Jobs):
    """Runs a command that gets a signal at a function, and checks what all of them share."""

    def interrupted(self, *arguments, target, number=signal.SIGTERM, early=False, inject=""):
        """Return the lines on stderr."""
        (self.folder / "temporary").mkdir(exist_ok=True)
        before = contents(self.folder)
        code, out, err = self(
            *arguments,
            inject=SEND + inject,
            values={"target": target, "number": number, "early": early},
            finish=True,
        )
        assert (code, out) == (128 + number, ""), err
        left = [path.name for path in (self.folder / "temporary").iterdir()]
        # TensorFlow removes these when a process exits, which a forked one here does not do.
        assert not [name for name in left if not name.startswith("__autograph_generated_file")]
        assert strays(self.folder) == []
        left = contents(self.folder)
        assert all(left[path] == content for path, content in before.items())
        *progress, line = err.splitlines()
        assert not [text for text in progress if not text or "Error" in text or "File" in text]
        return line


@pytest.fixture
def zoo(server, tmp_path):
    return Zoo(server, tmp_path)


@pytest.fixture(scope="module")
def alone(server, tmp_path_factory):
    """Return a run left alone."""
    folder = tmp_path_factory.mktemp("alone")
    code, _, err = Zoo(server, folder)(*TRAIN, finish=True)
    assert code == 0, err
    return folder / "run"


@pytest.mark.parametrize(
    ("target", "number"),
    [
        ("zoo.datasets:load", signal.SIGTERM),
        ("zoo.datasets:load", signal.SIGINT),
        ("zoo.training.session:build", signal.SIGTERM),
        ("os:fsync", signal.SIGTERM),  # the first file of the run is being written
    ],
)
def test_before_there_is_a_run(zoo, target, number):
    assert zoo.interrupted(*TRAIN, target=target, number=number) == "Error: Interrupted."
    assert not contents(zoo.folder)


@pytest.mark.parametrize(
    ("target", "number"),
    [
        ("zoo.tasks.classification:Classification.evaluate", signal.SIGINT),
        pytest.param("zoo.reports.style:png", signal.SIGTERM, marks=pytest.mark.slow),
    ],
)
def test_after_training_it_says_how_to_go_on(zoo, alone, target, number):
    assert zoo.interrupted(*TRAIN, target=target, number=number) == CONTINUE
    code, _, err = zoo("train", "--resume", "run", finish=True)
    assert code == 0, err
    same(state(zoo.run("run")), state(Run(alone)))
    assert zoo.run("run").metrics == Run(alone).metrics


LATER = {
    "evaluate": (("evaluate", "run"), "zoo.tasks.classification:Classification.evaluate"),
    "predict": (("predict", "run", "flowers.csv", "--out", "x.csv"), "os:fsync"),
    "report": (("report", "run"), "zoo.reports.page:page"),
    "export": (("export", "run"), "zoo.exporters.savedmodel:card.text"),
    "export to keras": (("export", "run", "--format", "keras"), "zoo.serving:Served.save"),
    "compare": (("runs", "compare", "run", "other"), "zoo.reports.style:png"),
    "list": (("runs", "list", "."), "zoo.runs:list_runs"),
    "check": (("check", "mlp"), "zoo.conformance.reloading:_write"),
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] if n in ("check", "compare") else []) for n in LATER],
)
def test_later_commands(zoo, alone, name):
    for run in ("run", "other"):
        shutil.copytree(alone, zoo.folder / run)
    (zoo.folder / "flowers.csv").write_text(
        "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n"
    )
    arguments, target = LATER[name]
    assert zoo.interrupted(*arguments, target=target) == "Error: Interrupted."


def test_the_fresh_process_of_an_export_ends_too(zoo, alone):
    shutil.copytree(alone, zoo.folder / "run")
    note = "function = lambda process, *a: open('.jobs/child', 'w').write(str(process.pid))\n"
    line = zoo.interrupted("export", "run", target="subprocess:Popen._communicate", inject=note)
    assert line == "Error: Interrupted."
    child = Path("/proc", (zoo.folder / ".jobs" / "child").read_text(), "stat")
    assert not child.exists() or child.read_text().split()[2] == "Z"  # ended, if not yet collected


def test_whatever_becomes_of_it_it_was_an_interruption(zoo):
    swallowed = """
def function(*arguments, **options):
    pass


def converts(*arguments, **options):
    try:
        sends()
    except KeyboardInterrupt:
        raise RuntimeError("a library's own words") from None


setattr(owner, name, converts)
"""
    line = zoo.interrupted(*TRAIN, target="zoo.datasets:load", inject=swallowed)
    assert line == "Error: Interrupted."


# In a new interpreter: the signal comes with the import of a module.
FRESH = """
import os, signal, sys

def hook(event, arguments):
    if event == "import" and arguments[0] == {module!r}:
        os.kill(os.getpid(), signal.SIGTERM)

sys.addaudithook(hook)
from zoo.cli import main
main(sys.argv[1:])
"""

OTHER_MODULES = (
    "numpy", "tensorflow.python._pywrap_tensorflow_internal", "h5py", "keras.src.layers",
    "pandas._libs.tslibs", "google.protobuf",
)  # fmt: skip


@pytest.mark.parametrize(
    "module",
    [
        "pandas",
        "tensorflow.python.framework.ops",
        *(pytest.param(module, marks=pytest.mark.slow) for module in OTHER_MODULES),
    ],
)
def test_while_tensorflow_starts(tmp_path, module):
    (tmp_path / "temporary").mkdir()
    process = subprocess.run(
        [sys.executable, "-c", FRESH.format(module=module), *TRAIN],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
        capture_output=True,
        text=True,
    )
    assert (process.returncode, process.stdout) == (143, "")
    assert process.stderr == "Error: Interrupted.\n"
    assert not contents(tmp_path)
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("handler", [signal.SIG_DFL, signal.SIG_IGN, print])
def test_handlers_are_left_as_they_were(monkeypatch, number, handler):
    seen = []
    monkeypatch.setattr(cli, "zoo", Seen(number, seen))
    before = signal.signal(number, handler)
    try:
        with pytest.raises(SystemExit):
            cli.main([])
        assert signal.getsignal(number) is handler
    finally:
        signal.signal(number, before)
    # Only the usual one is replaced: who ignores a signal, as `nohup` does, means it.
    assert (seen[0] is handler) == (handler is not signal.SIG_DFL)


class Seen:
    """A command that notes the handler of a signal."""

    def __init__(self, number, seen):
        self.number, self.seen = number, seen

    def main(self, **options):
        self.seen.append(signal.getsignal(self.number))


def test_a_thread_installs_no_handler(monkeypatch):
    seen = []
    monkeypatch.setattr(cli, "zoo", Seen(signal.SIGTERM, seen))

    def run():
        with pytest.raises(SystemExit):
            cli.main([])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]
