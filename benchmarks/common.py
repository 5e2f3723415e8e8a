"""What the benchmarks share: children that are timed, medians, Markdown. Standard library only.

A parent that imports little also keeps the peak memory of its children honest: Linux counts the
memory of the process that starts a child into the child's own maximum.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PYTHON = sys.executable
ZOO = str(Path(sys.executable).with_name("zoo"))
KERAS = [PYTHON, "-c", "import keras"]
LOAD = os.getloadavg()[0]  # processes that wanted a core during the last minute
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}


@dataclass(frozen=True)
class Child:
    """A child process that ended well."""

    seconds: float
    megabytes: float  # largest resident memory
    output: str


@dataclass(frozen=True)
class Goal:
    """A number to reach."""

    what: str
    measured: float
    sign: str  # ">=" or "<="
    bound: float
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.measured >= self.bound if self.sign == ">=" else self.measured <= self.bound

    def row(self) -> list[str]:
        """Return it as a row of the table of goals."""
        sign = "at least" if self.sign == ">=" else "at most"
        unit = f" {self.unit}" if self.unit else ""
        measured, bound = (f"{number(value)}{unit}" for value in (self.measured, self.bound))
        return [self.what, measured, f"{sign} {bound}", "yes" if self.met else "**no**"]


def run(command: Sequence[str], folder: str | os.PathLike[str] = ROOT) -> Child:
    """Run a command in a folder, and measure it from start to end.

    Raises:
        SystemExit: it failed; says how.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            cwd=folder,
            env=os.environ | QUIET,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            last = _last_line(errors)
            sys.exit(f"{shlex.join(command)} ended with {process.returncode}: {last}")
        output.seek(0)
        return Child(seconds, usage.ru_maxrss / 1024, output.read().decode())


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    return "".join(errors.read().decode(errors="replace").strip().splitlines()[-1:])


def interleave(
    contenders: Mapping[str, Callable[[], Any]], repetitions: int
) -> dict[str, list[Any]]:
    """Call all contenders one after the other, so many times: A B C A B C ..."""
    results: dict[str, list[Any]] = {name: [] for name in contenders}
    for repetition in range(repetitions):
        for name, contender in contenders.items():
            note(f"repetition {repetition + 1} of {repetitions}: {name}")
            results[name].append(contender())
    return results


def ratio(above: Iterable[float], below: Iterable[float]) -> float:
    """Return the median of the ratios within each repetition."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def spread(values: Sequence[float]) -> str:
    """Return the median, and from where to where the repetitions went."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{number(middle)} ({number(low)} to {number(high)})"


def number(value: float) -> str:
    """Write a number with four digits that matter."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def note(message: str) -> None:
    """Say on stderr how far it is."""
    print(message, file=sys.stderr, flush=True)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def report(name: str, title: str, goals: Sequence[Goal], text: str) -> None:
    """Print the results as Markdown and keep them as `results/NAME.md`."""
    parts = [f"# {title}", f"`python -m benchmarks.{name}` on {machine()}"]
    if goals:
        parts.append(table(["what", "measured", "wanted", "met"], [goal.row() for goal in goals]))
    page = "\n\n".join([*parts, text.strip()]) + "\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(page, encoding="utf-8")
    print(page)


def machine() -> str:
    """Say in one line what this was measured on."""
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    model = found[1].strip() if found else platform.machine()
    software = [f"Python {platform.python_version()}"]
    for package in ("keras", "tensorflow", "pandas"):
        try:
            software.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    cores = len(os.sched_getaffinity(0))
    busy = f"load {LOAD:.1f} at the start"
    return f"{model}, {cores} cores, {busy}, {', '.join(software)}, {time.strftime('%Y-%m-%d')}"


class Worker:
    """A child that stays warm and answers one line with one number at a time."""

    def __init__(self, python: str, module: str, arguments: Sequence[str] = ()):
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [python, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            cwd=ROOT,
            env=os.environ | QUIET,
        )
        self.names: list[str] = json.loads(self._line())

    def measure(self, name: str) -> float:
        """Return a contender's number."""
        assert self.process.stdin is not None
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return float(self._line())

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"A worker ended early: {_last_line(self.errors)}")
        return line

    def close(self) -> None:
        """End the child."""
        self.process.communicate()
        self.errors.close()


def answer(contenders: Mapping[str, Callable[[], float]]) -> None:
    """Be a worker: name the contenders, then run those asked for on stdin."""
    print(json.dumps(list(contenders)), flush=True)
    for line in sys.stdin:
        print(contenders[line.strip()](), flush=True)
