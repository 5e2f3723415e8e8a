"""The house keeps its shape: one-way doors, light entrances, packages that match the folders."""

import ast
import configparser
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("keras", "tensorflow", "numpy", "pandas", "sklearn", "matplotlib")

# Which rooms a room may import; those below all may use errors, files and config.
FOUNDATION = {"errors", "files", "config", "options", "progress", "untrusted"}
DOORS = {
    "errors": set(),
    "files": set(),
    "options": set(),
    "progress": set(),
    "untrusted": set(),
    "config": {"options"},
    "logs": set(),
    "runs": {"logs"},
    "startup": set(),
    "datasets": set(),
    "registry": {"startup"},
    "layers": set(),
    "losses": {"layers"},
    "metrics": {"layers"},
    "weights": set(),
    "generation": {"layers", "preprocessing"},
    "augmentation": set(),
    "preprocessing": {"datasets"},
    "models": {"layers", "losses", "registry", "models"},
    "tasks": {"datasets", "generation", "layers", "losses", "metrics", "preprocessing"},
    "serving": {"datasets", "layers", "preprocessing", "registry", "tasks", "weights"},
    "predictors": {
        "datasets", "generation", "metrics", "preprocessing", "registry", "runs", "serving",
        "startup", "tasks", "weights",
    },
    "reports": {"runs"},
    "training": {
        "augmentation", "datasets", "layers", "pictures", "predictors", "preprocessing", "registry",
        "reports", "runs", "startup", "tasks", "translating", "weights",
    },
    "exporters": {"predictors", "runs", "serving", "startup", "training"},
    "conformance": {"losses", "registry", "startup"},
    "photos": {"datasets", "predictors", "reports"},
    "pictures": {"generation", "predictors", "reports"},
    "translating": {"datasets", "photos", "predictors", "preprocessing", "videos"},
    "videos": {"datasets", "generation"},
    "api": {
        "datasets", "exporters", "predictors", "registry", "runs", "startup", "training",
    },
}  # fmt: skip


def room_of(path: Path) -> str:
    relative = path.relative_to(ROOT)
    if relative.parts[0] in ("cli", "datasets"):
        return relative.parts[0]
    return relative.parts[1].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Return the rooms of `zoo` a file imports, wherever in the file it does."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module == "zoo":
            names = [f"zoo.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("zoo.")}
    return found


FILES = sorted([*ROOT.glob("zoo/*/*.py"), *ROOT.glob("zoo/*.py"), *ROOT.glob("datasets/*.py")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_doors_open_one_way(path):
    room = room_of(path)
    if room == "__init__":
        return
    allowed = DOORS[room] | FOUNDATION | {room}
    assert imported_rooms(path) <= allowed, f"{room} may import {sorted(allowed)}"


def test_no_cycles():
    seen: set[str] = set()

    def visit(room: str, path: tuple[str, ...]) -> None:
        assert room not in path, " -> ".join((*path, room))
        if room in seen:
            return
        for other in DOORS[room] - {room}:
            visit(other, (*path, room))
        seen.add(room)

    for room in DOORS:
        visit(room, ())


def test_packages_are_the_folders():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    folders = {"zoo", "zoo.cli", "zoo.datasets"}
    folders |= {f"zoo.{path.parent.name}" for path in ROOT.glob("zoo/*/__init__.py")}
    assert listed == folders


@pytest.mark.parametrize(
    "statement",
    [
        "import zoo",
        "import zoo.config, zoo.errors, zoo.files, zoo.runs",
        "import zoo.registry; zoo.registry.list_models()",
        "import zoo.datasets; zoo.datasets.names()",
        "import zoo.reports",
        "import zoo.cli.train, zoo.cli.evaluate, zoo.cli.predict, zoo.cli.export",
    ],
)
def test_light_entrances(statement):
    code = f"import sys; {statement}; print([m for m in {HEAVY} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr


def test_tasks_are_named_alike():
    """Options, data sets and tasks may not import each other, so each has the list."""
    from zoo import config, tasks
    from zoo.datasets import base

    assert tuple(tasks.TASKS) == config.TASKS == base.TASKS
