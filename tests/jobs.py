"""`zoo` commands in real processes, started fast: one process imports TensorFlow, and forks.

It forks before it has computed anything, so that a child is as fresh as a new interpreter. What a
test wants to go wrong inside a child is source text, run there before the command: `inject`.
"""

import json
import os
import signal
import subprocess
import sys

from zoo.runs import Run

SERVER = """
import json, os, signal, sys, time

import keras
import tensorflow as tf
import zoo.cli
from zoo import api, files, runs
from zoo.cli import train
from zoo.training import checkpoints, loop, work
from zoo.training.loop import Trainer


def run(job):
    os.chdir(job["folder"])
    os.environ.update(job["environment"])
    for number, name in ((1, job["output"] + ".out"), (2, job["output"] + ".err")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job of the shell ignores it
    code = 99
    try:
        if not job["finish"]:
            work.finish = lambda *_: None
        exec(job["inject"], {**globals(), **job["values"]})
        zoo.cli.main(job["arguments"])
    except SystemExit as error:
        code = error.code
    except BaseException:
        import traceback
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


print("ready", flush=True)
for line in sys.stdin:
    job = json.loads(line)
    if isinstance(job, int):  # the process to wait for
        _, status = os.waitpid(job, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
        continue
    pid = os.fork()
    if pid == 0:
        run(job)
    print(pid, flush=True)
"""


def start(environment=None):
    """Start the process that forks, with these variables set; wait until it is ready."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **(environment or {})},
    )  # fmt: skip
    assert server.stdout.readline() == "ready\n"
    return server


class Jobs:
    """Runs `zoo` commands in a folder, each in a process of its own.

    Args:
        server: what `start` returned.
        folder: where the commands run.
    """

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        (folder / ".jobs").mkdir()
        self.outputs = {}

    def __call__(self, *arguments, **options):
        """Run a command; return exit code (negative for a signal), stdout and stderr."""
        self.begin(*arguments, **options)
        return self.end()

    def begin(self, *arguments, inject="", values=None, finish=False, environment=None):
        """Start a command; return its process id.

        Args:
            *arguments: of `zoo`.
            inject: Python run in the process before the command, with `values` as its globals.
            values: plain values for `inject`.
            finish: whether what follows training (evaluation, pictures, report) is done too.
            environment: variables to set.
        """
        output = str(self.folder / ".jobs" / str(len(self.outputs)))
        job = {
            "folder": str(self.folder), "arguments": list(map(str, arguments)), "inject": inject,
            "values": values or {}, "finish": finish, "environment": environment or {},
            "output": output,
        }  # fmt: skip
        self.pid = int(self._ask(job))
        self.outputs[self.pid] = output
        return self.pid

    def end(self, pid=None):
        """Wait for a command, the last begun; return its exit code, stdout and stderr."""
        pid = pid or self.pid
        code = int(self._ask(pid))
        texts = []
        for name in (".out", ".err"):
            with open(self.outputs[pid] + name, encoding="utf-8") as file:
                texts.append(file.read())
        return code, *texts

    def _ask(self, job):
        print(json.dumps(job), file=self.server.stdin, flush=True)
        return self.server.stdout.readline()

    def run(self, name):
        return Run(self.folder / name)


KILLED = -signal.SIGKILL


def state(run):
    """Return all that must be identical: weights, the last checkpoint, and the log but for time."""
    from safetensors.numpy import load_file

    from zoo.training.checkpoints import Checkpoints

    tensors, rest, _ = Checkpoints(run.checkpoints).load()
    rest["position"].pop("seconds")
    rest.pop("record")  # names the command and the hour
    log, rest["log"] = (
        [{k: v for k, v in row.items() if k != "seconds"} for row in rows]
        for rows in (run.log, rest["log"])
    )
    weights = load_file(run.model_weights)
    return {**tensors, **{f"model {k}": v for k, v in weights.items()}}, rest, log


def same(first, second):
    """Assert that two states are identical to the bit."""
    (tensors, *rest), (its_tensors, *its_rest) = first, second
    assert rest == its_rest
    assert tensors.keys() == its_tensors.keys()
    unequal = [k for k in tensors if tensors[k].tobytes() != its_tensors[k].tobytes()]
    assert not unequal


# Counts what a command does to files, in the order it does it, and notes it in `journal`. At the
# act `when`, a number or a pattern of the file's name, the source `fault` runs: with `file` and
# `data` before half a file is written, with `artifact` before TensorFlow or Keras write `path`,
# else before something whole is moved to its place.
ACTS = """
import builtins, fnmatch, re
from zoo import exporters

acts, done = 0, False


def act(kind, path, **details):
    global acts, done
    acts += 1
    path = re.sub(r"[^/]+[.]zoo-dir/|[.]([^/]+)[.][0-9]+[.]zoo-tmp", r"\\1", str(path))
    with builtins.open(journal, "a") as book:
        print(acts, kind, path, file=book)
    chosen = acts == when if isinstance(when, int) else fnmatch.fnmatch(f"{kind} {path}", when)
    if chosen and not done:
        done = True
        exec(fault, {**globals(), "kind": kind, "path": path, **details})


class Noted:
    def __init__(self, file, path, kind):
        self.file, self.path, self.kind = file, path, kind

    def write(self, data):
        act(self.kind, self.path, file=self.file, data=data)
        return self.file.write(data)

    def writelines(self, pieces):
        self.write(b"".join(pieces))

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


def noted_open(path, mode, **options):
    return Noted(builtins.open(path, mode, **options), path, "append" if "a" in mode else "write")


def noted(kind, function):
    def call(first, second, *rest, **options):
        act(kind, second)
        return function(first, second, *rest, **options)

    return call


def noted_artifact(writer):
    def write(predictor, path):
        act("write", path, artifact=lambda: writer(predictor, path), place=path)
        writer(predictor, path)

    return write


files.open = noted_open
os.rename, os.replace = noted("move", os.rename), noted("move", os.replace)
files._exchanged = noted("move", files._exchanged)
for name, (writer, file) in exporters.FORMATS.items():
    exporters.FORMATS[name] = noted_artifact(writer), file
"""
# The comparison of an export without its fresh process, where that is not what is tested.
QUICK_EXPORT = """
from zoo.exporters import parity
parity._in_fresh_process = lambda path, raw: parity.answer(parity.predictors.load(path), raw)
"""


def strays(folder):
    """Return the temporary files and folders that are left under a folder."""
    return [str(path) for path in folder.rglob(".*.zoo-*")]
