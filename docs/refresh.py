"""Run the commands of a page and put their real output back into it.

    python docs/refresh.py docs/course.md

Lines of indented blocks that start with `$` are run in one temporary folder, python blocks too.
What follows a command is replaced by what it printed, and a picture with a path in its title, as
`![text](pictures/x.png "runs/y/plots/z.png")`, is copied from there.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

COMMAND = "    $ "
PICTURE = re.compile(r'!\[[^]]*\]\((?P<to>pictures/[\w.-]+) "(?P<made>[^"]+)"\)')
# What differs from run to run, or from machine to machine, is not worth showing.
SKIPPED = re.compile(r"^(Device: |Epoch \d+)")


def run(command: str, folder: Path) -> str:
    """Run a shell command in a folder; return its output, or fail with it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        command, shell=True, cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PATH": path, "COLUMNS": "100"},
    )  # fmt: skip
    if result.returncode:
        raise SystemExit(f"{command}\n{result.stdout}{result.stderr}")
    lines = (result.stderr + result.stdout).splitlines()
    return "\n".join(line for line in lines if line.strip() and not SKIPPED.match(line))


def refresh(page: Path, folder: Path) -> str:
    """Return the page with fresh output; copy its pictures."""
    fresh, inside, python = [], False, None
    for line in page.read_text().splitlines():
        if python is not None:
            if line == "```":
                run_python("\n".join(python), folder)
            python = None if line == "```" else [*python, line]
        elif line == "```python":
            python = []
        if inside and line.startswith("    ") and not line.startswith(COMMAND):
            continue  # old output
        inside = line.startswith(COMMAND)
        fresh.append(line)
        if inside:
            output = run(line.removeprefix(COMMAND), folder)
            fresh += ["    " + text for text in output.splitlines()]
            inside = True
        for found in PICTURE.finditer(line):
            (page.parent / found["to"]).parent.mkdir(exist_ok=True)
            shutil.copy(folder / found["made"], page.parent / found["to"])
    return "\n".join(fresh) + "\n"


def run_python(code: str, folder: Path) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as temporary:
            text = refresh(Path(name), Path(temporary))
        Path(name).write_text(text)
