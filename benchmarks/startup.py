"""How long the commands take that need no TensorFlow, against `python -c "import keras"`."""

from __future__ import annotations

import argparse
import subprocess
from functools import partial

import click

from benchmarks import common
from benchmarks.common import KERAS, PYTHON, ZOO, Goal

HEAVY = ("keras", "tensorflow", "numpy", "pandas")
WATCHED = f"""
import sys
from zoo.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    heavy = [name for name in {HEAVY} if name in sys.modules]
    sys.exit(f"imported {{', '.join(heavy)}}" if heavy else end.code)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    repetitions = parser.parse_args().repetitions
    asked = commands()
    heavy = [" ".join(command) for command in asked if imports(command)]
    contenders = {"import keras": partial(seconds, KERAS)}
    contenders |= {f"zoo {' '.join(c)}": partial(seconds, [ZOO, *c]) for c in asked}
    times = common.interleave(contenders, repetitions)
    ratios = {name: common.ratio(taken, times["import keras"]) for name, taken in times.items()}
    slowest = max(list(ratios)[1:], key=ratios.__getitem__)
    rows = [
        [f"`{name}`", common.spread([1000 * t for t in taken]), f"{ratios[name]:.3f}"]
        for name, taken in times.items()
    ]
    common.report(
        "startup",
        "Start-up",
        [
            Goal(f"slowest, `{slowest}` / `import keras`", ratios[slowest], "<=", 0.1),
            Goal("commands that import " + ", ".join(HEAVY), len(heavy), "<=", 0),
        ],
        f"Wall time of a process, {repetitions} interleaved repetitions.\n\n"
        + common.table(["command", "ms, median (least to most)", "of `import keras`"], rows)
        + (f"\n\nHeavy imports: {', '.join(heavy)}" if heavy else ""),
    )


def commands() -> list[list[str]]:
    """Return `--help`, `list`, `show mlp` and the help of every command at any depth."""
    from zoo.cli import zoo

    found = [["--help"], ["list"], ["show", "mlp"]]

    def walk(command: click.Command, path: list[str]) -> None:
        if path:
            found.append([*path, "--help"])
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                child = command.get_command(context, name)
                assert child is not None
                walk(child, [*path, name])

    walk(zoo, [])
    return found


def seconds(command: list[str]) -> float:
    return common.run(command).seconds


def imports(command: list[str]) -> bool:
    """Tell whether a command imports what takes long."""
    child = subprocess.run(
        [PYTHON, "-c", WATCHED, *command], capture_output=True, text=True, cwd=common.ROOT
    )
    if child.returncode and "imported" not in child.stderr:
        raise SystemExit(f"zoo {' '.join(command)} failed: {child.stderr.strip()[-300:]}")
    return bool(child.returncode)


if __name__ == "__main__":
    main()
