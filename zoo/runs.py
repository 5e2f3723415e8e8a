"""The run directory: what training leaves behind, and all that later commands need to be given.

    runs/<name>/  config.yaml   what was asked for, on what data, with which versions
                  log.csv       a row an epoch: epoch, step, seconds so far, learning_rate, metrics
                  metrics.json  the last evaluation
                  model.safetensors   preprocessor.json   checkpoints/
                  plots/   report.html   export/

A folder with a `config.yaml` is a run; it appears with its first files in it. Every file is
replaced as a whole (temporary name, fsync, rename), so a reader never meets half of one; only the
log grows in place, a line at a time.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.errors import InputError, WriteError, nearest
from zoo.files import damaged, finite, place, plain, read_text, write_atomic, writing
from zoo.logs import Log
from zoo.untrusted import (
    check_keys,
    check_plugins,
    parse_json,
    parse_yaml,
    refuse_remote,
    refused_kind,
)

__all__ = ["Run", "kind_of", "list_runs", "write_atomic"]

RUNS = "runs"
WRITTEN = (".lock", "log.csv", "checkpoints", "plots", "export")  # in place, or into
RECORDED = {  # what `Run.record` promises of config.yaml
    "model": str, "version": str, "device": str, "replicas": int,
    "options": dict, "data": dict, "environment": dict,
}  # fmt: skip


class Run:
    """A run directory. `Run.create` and `Run.open` check it; the constructor does not."""

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self.config_path = self.path / "config.yaml"
        self.log_path = self.path / "log.csv"
        self.metrics_path = self.path / "metrics.json"
        self.model_weights = self.path / "model.safetensors"
        self.preprocessor_path = self.path / "preprocessor.json"
        self.checkpoints = self.path / "checkpoints"
        self.plots = self.path / "plots"
        self.report_path = self.path / "report.html"
        self._log = Log(self.log_path)

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str] | None,
        model: str,
        data_name: str,
        files: Mapping[str, str] | None = None,
    ) -> Run:
        """Make a new run directory, which is there with its first files or not at all.

        Args:
            path: the directory; None for `runs/<model>-<data>-<number>` with the next number.
            model: the model's name.
            data_name: the data set's name.
            files: what it holds from the beginning, by name.

        Raises:
            InputError: the path exists, or cannot be made.
        """
        paths = _numbered(model, data_name) if path is None else _explicit(Path(path))
        try:
            return cls(place(paths, {".lock": "", **(files or {})}))
        except (OSError, WriteError) as error:
            cause = error.__cause__ if isinstance(error, WriteError) else error
            raise WriteError(
                f"Cannot make the run directory '{path or RUNS}': "
                f"{getattr(cause, 'strerror', cause)}. Expected a place that can be written to, "
                "with room left. Try another with --run DIR."
            ) from error

    @staticmethod
    def refuse_existing(path: str | os.PathLike[str]) -> None:
        """Raise an InputError where a new run cannot be made because something is there."""
        if "://" in str(path):
            raise InputError(f"--run received '{path}', a URL. Expected a folder on this machine.")
        path = Path(path)
        if os.path.lexists(path):
            raise InputError(
                f"The run directory '{path}' exists already ({_found(path)}). Expected a new name, "
                "so that nothing is overwritten. Try another with --run DIR, or leave --run out."
            )

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Run:
        """Open an existing run directory.

        Raises:
            InputError: there is no run at this path.
        """
        refuse_remote(path)
        run = cls(path)
        if not os.path.isfile(run.config_path):
            raise InputError(
                f"'{run.path}' is not a run: {_found(run.path)}. Expected a folder with a "
                f"config.yaml, as `zoo train` writes.{_nearest_run(run.path)}"
            )
        for name in WRITTEN:
            if os.path.islink(run.path / name):
                raise InputError(
                    f"'{run.path / name}' is a link, through which files elsewhere would be "
                    "changed. Expected a run's own. Replace the link by what it leads to."
                )
        return run

    @property
    def name(self) -> str:
        """The last part of the path, also where the path is `.`."""
        return self.path.name or self.path.resolve().name

    def export_path(self, kind: str) -> Path:
        """Return where an export of this format goes."""
        return self.path / "export" / kind

    @property
    def config(self) -> dict[str, Any]:
        """What was asked for, read from config.yaml."""
        try:
            config = parse_yaml(read_text(self.config_path))
        except ValueError as error:
            expected = f"YAML as `zoo train` writes it: {error}"
            raise damaged(self.config_path, expected) from error
        if not isinstance(config, dict):
            raise damaged(self.config_path, "a YAML mapping")
        return config

    @property
    def record(self) -> dict[str, Any]:
        """The configuration of a run to be loaded, measured or continued: nothing is missing."""
        config = self.config
        try:
            check_keys(config, RECORDED)
            check_keys(config["data"], {"reference": str, "fingerprint": str})
            check_plugins(config["options"].get("plugin"), self.path)
        except ValueError as error:
            raise damaged(self.config_path, f"it as `zoo train` writes it: {error}") from error
        return config

    @property
    def metrics(self) -> dict[str, Any] | None:
        """The last evaluation, None before the first."""
        if not self.metrics_path.exists():
            return None
        try:
            metrics = parse_json(read_text(self.metrics_path))
        except ValueError as error:
            raise damaged(self.metrics_path, f"JSON: {error}") from error
        if not isinstance(metrics, dict):
            raise damaged(self.metrics_path, "a JSON object")
        if not _are_scores(metrics.get("scores", {})):
            raise damaged(self.metrics_path, "'scores' to be an object of numbers or null")
        if not isinstance(metrics.get("tables", {}), dict):
            raise damaged(self.metrics_path, "'tables' to be an object")
        return metrics

    @property
    def log(self) -> list[dict[str, Any]]:
        """One dictionary an epoch: int, float, or None where a value is absent."""
        rows = self._log.rows()
        if any(isinstance(value, str) for row in rows for value in row.values()):
            raise damaged(self.log_path, "numbers in every line but the first")
        return rows

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Replace config.yaml, keeping the order of the keys."""
        write_atomic(self.config_path, config_text(config))

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Replace metrics.json; numbers that are not finite become null."""
        text = json.dumps(finite(plain(metrics)), indent=1, ensure_ascii=False)
        write_atomic(self.metrics_path, text + "\n")

    def append_log(self, row: Mapping[str, Any]) -> None:
        """Add an epoch to log.csv.

        Raises:
            ValueError: the row has a column that the header has not.
        """
        self._log.append(row)

    def rewrite_log(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace log.csv, as a run does that goes back to a checkpoint."""
        self._log.rewrite(rows)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing to this run; the lock dies with the process.

        Raises:
            InputError: another process has it.
        """
        import fcntl  # not on every system that can read a run

        with writing(self.path):
            lock = open(self.path / ".lock", "a+", encoding="utf-8")  # noqa: SIM115
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                lock.seek(0)
                raise InputError(
                    f"'{self.path}' is in use by process {lock.read() or 'unknown'}. Expected a "
                    "run nobody is writing to. Wait for it, or choose another --run DIR."
                ) from error
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield


def config_text(config: Mapping[str, Any]) -> str:
    """Return what config.yaml says, keeping the order of the keys."""
    import yaml

    return yaml.safe_dump(plain(config), sort_keys=False, allow_unicode=True, width=100)


def list_runs(directory: str | os.PathLike[str] = RUNS) -> list[Run]:
    """Return the runs in a folder, in the order of their names with numbers counted as such.

    Raises:
        InputError: there is no such folder, or it cannot be read.
    """
    try:
        names = os.listdir(directory)
    except OSError as error:
        raise InputError(
            f"Cannot list '{directory}': {error.strerror}. Expected a folder that holds runs. "
            "Try: zoo train mlp --data digits"
        ) from error
    runs = [Run(Path(directory, name)) for name in names]
    return sorted((run for run in runs if os.path.isfile(run.config_path)), key=_natural)


def kind_of(path: str | os.PathLike[str]) -> str:
    """Return what can be measured at a path: "run", "savedmodel" or "keras".

    Raises:
        InputError: none of them is there.
    """
    refuse_remote(path)
    path = Path(path)
    if os.path.isfile(path / "config.yaml"):
        return "run"
    if os.path.isfile(path / "saved_model.pb"):
        return "savedmodel"
    if path.suffix == ".keras" and os.path.isfile(path) and zipfile.is_zipfile(path):
        return "keras"
    raise InputError(
        f"'{path}' is neither a run nor an artifact: {_found(path)}. Expected a run directory, "
        f"a SavedModel folder or a .keras file.{_nearest_run(path)}"
    )


def _numbered(model: str, data_name: str) -> Iterator[Path]:
    """Yield the paths of new runs of this kind, the next number first."""
    stem = f"{_slug(model)}-{_slug(data_name)}"
    pattern = re.compile(re.escape(stem) + r"-(\d+)")
    names = os.listdir(RUNS) if os.path.exists(RUNS) else []
    matches = (pattern.fullmatch(name) for name in names)
    last = max((int(match[1]) for match in matches if match), default=0)
    for number in itertools.count(last + 1):
        yield Path(RUNS, f"{stem}-{number}")


def _explicit(path: Path) -> Iterator[Path]:
    """Yield a path for as long as nothing is there."""
    while True:
        Run.refuse_existing(path)
        yield path


def _slug(name: str) -> str:
    return re.sub(r"[^\w.]+", "-", name).strip("-.")[:50] or "data"


def _natural(run: Run) -> list[Any]:
    words = re.split(r"(\d+)", run.name)  # text, number, text, number, ...
    return [int(word) if i % 2 else word for i, word in enumerate(words)]


def _found(path: Path) -> str:
    """Say what is at a path, for the middle of an error."""
    if not os.path.exists(path):
        return "nothing is there"
    if not os.path.isdir(path):
        return f"it is {refused_kind(path)[0] or 'a file'}"
    if os.path.isfile(path / "config.yaml"):
        return "it is a run"
    if os.path.isfile(path / "saved_model.pb"):
        return "it is a SavedModel"
    if runs := list_runs(path):
        return f"it is a folder of {len(runs)} runs"
    names = sorted(os.listdir(path))
    more = ", ..." if len(names) > 3 else ""
    return f"it holds {', '.join(names[:3])}{more}" if names else "it is an empty folder"


def _nearest_run(path: Path) -> str:
    """Return `" Did you mean 'runs/mlp-digits-1'?"`, or how to see what there is."""
    folders = dict.fromkeys(
        folder for folder in (path, path.parent, Path(RUNS)) if os.path.isdir(folder)
    )
    runs = [str(run) for folder in folders for run in list_runs(folder)]
    if not runs:
        return " Try: zoo train mlp --data digits"
    if os.path.isdir(path) and Path(runs[0]).parent == path:
        return f" Try: {runs[-1]}"
    wanted = [str(path), str(Path(RUNS, path.name))]
    return next(filter(None, (nearest(name, runs) for name in wanted)), " Try: zoo runs list")


def _are_scores(scores: Any) -> bool:
    return isinstance(scores, dict) and all(
        value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
        for value in scores.values()
    )
