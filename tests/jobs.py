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
    pid = os.fork()
    if pid == 0:
        run(job)
    print(pid, flush=True)
    _, status = os.waitpid(pid, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


def start():
    """Start the process that forks; wait until it is ready."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert server.stdout.readline() == "ready\n"
    return server


class Jobs:
    """Runs `zoo` commands in a folder, each in a process of its own, one at a time.

    Args:
        server: what `start` returned.
        folder: where the commands run.
    """

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        (folder / ".jobs").mkdir()
        self.output = str(folder / ".jobs" / "last")

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
        job = {
            "folder": str(self.folder), "arguments": list(map(str, arguments)), "inject": inject,
            "values": values or {}, "finish": finish, "environment": environment or {},
            "output": self.output,
        }  # fmt: skip
        print(json.dumps(job), file=self.server.stdin, flush=True)
        self.pid = int(self.server.stdout.readline())
        return self.pid

    def end(self):
        """Wait for the command that was begun; return its exit code, stdout and stderr."""
        code = int(self.server.stdout.readline())
        texts = []
        for name in (".out", ".err"):
            with open(self.output + name, encoding="utf-8") as file:
                texts.append(file.read())
        return code, *texts

    def run(self, name):
        return Run(self.folder / name)


KILLED = -signal.SIGKILL
