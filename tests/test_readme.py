"""The README's commands do what it shows, in the order it shows them."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()

pytestmark = pytest.mark.slow


def shell_commands(text: str) -> list[str]:
    """Return the `zoo` commands of indented blocks: those behind a `$`."""
    return [line.strip()[2:] for line in text.splitlines() if line.startswith("    $ zoo ")]


def python_blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_commands(tmp_path):
    main = "import sys; from zoo.cli import main; main(sys.argv[1:])"
    commands = shell_commands(README)
    assert len(commands) >= 5
    for command in commands:
        arguments = shlex.split(command, comments=True)[1:]
        result = subprocess.run(
            [sys.executable, "-c", main, *arguments], cwd=tmp_path, capture_output=True, text=True
        )
        assert result.returncode == 0, f"{command}\n{result.stderr}"


def test_python(tmp_path):
    blocks = python_blocks(README)
    assert blocks
    result = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
