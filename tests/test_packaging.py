"""The built wheel works on its own in an empty folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Build a wheel from a copy of the sources and install it into a folder of its own."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).split()
    for name in tracked:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "--quiet"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "-w", str(source / "dist"), str(source)], check=True
    )
    (wheel,) = (source / "dist").glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(wheel)], check=True)
    return target


def run(installed, folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_trains_and_exports_from_the_wheel(installed, tmp_path):
    where = run(
        installed, tmp_path, "-c", "import zoo, zoo.cli; print(zoo.__file__, zoo.cli.__file__)"
    )
    assert all(path.startswith(str(installed)) for path in where.stdout.split()), where.stdout
    main = "import sys; from zoo.cli import main; main(sys.argv[1:])"
    trained = run(
        installed, tmp_path, "-c", main, "train", "mlp", "--data", "iris", "--epochs", "2"
    )
    assert trained.returncode == 0, trained.stderr
    exported = run(installed, tmp_path, "-c", main, "export", trained.stdout.strip())
    assert exported.returncode == 0, exported.stderr
    assert (tmp_path / exported.stdout.strip() / "saved_model.pb").is_file()


def test_does_not_install_other_top_level_packages(installed):
    """A package called `datasets` or `cli` would overwrite somebody else's."""
    names = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert names - {"bin"} == {"zoo"}
