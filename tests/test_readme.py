"""The README's commands do what it shows, in the order it shows them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()

pytestmark = pytest.mark.slow


def shell_commands(text: str) -> list[str]:
    """Return the `zoo` commands of indented blocks, in order."""
    return re.findall(r"^    (?:\$ )?(zoo .*)$", text, re.MULTILINE)


def python_blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_commands(tmp_path):
    commands = shell_commands(README)
    assert len(commands) >= 12
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in commands:
        result = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, f"{command}\n{result.stderr}"


def test_python(tmp_path):
    blocks = python_blocks(README)
    assert blocks
    result = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
