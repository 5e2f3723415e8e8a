"""`zoo runs`: what was trained so far, and how runs differ."""

from pathlib import Path
from typing import Any

import click

from zoo.cli.common import json_option, print_json, print_table, say
from zoo.errors import InputError, MismatchError
from zoo.runs import RUNS, Run, list_runs

COLUMNS = ("run", "model", "data", "task", "epochs", "score", "validation", "seconds", "date")
WIDEST = 32


@click.group("runs")
def command() -> None:
    """List runs, compare some of them, or verify that one comes out the same again."""


@command.command("list")
@click.argument("directory", metavar="[DIR]", default=RUNS)
@json_option
def list_command(directory: str, as_json: bool) -> None:
    """List the runs in a folder, `runs` unless said otherwise.

    The score is the last evaluation's, the validation value that of the best epoch.
    """
    from zoo.reports.summary import summarize

    lines = []
    for run in list_runs(directory):
        try:
            lines.append(summarize(run))
        except InputError as error:
            say(f"Skipped: {error}")
    if as_json:
        print_json(lines)
    elif lines:
        print_table(COLUMNS, [_line(line) for line in lines])
    else:
        say(f"No runs in '{directory}'. Try: zoo train mlp --data digits")


@command.command("compare")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option(
    "--out", metavar="FILE", help="Picture of the curves; default compare.png beside RUN."
)
@json_option
def compare_command(runs: tuple[str, ...], out: str | None, as_json: bool) -> None:
    """Compare runs: settings that differ, scores and time, and their curves in one picture.

    \b
    zoo runs compare runs/mlp-digits-1 runs/linear-digits-1
    """
    from zoo import reports
    from zoo.reports.summary import differences, summarize

    opened = _distinct(runs)
    path = _picture_path(out, opened[0])
    settings = differences(opened)
    scores = _scores(opened)
    lines = [summarize(run) for run in opened]
    labels = _labels(opened)
    logs = {label: run.log for label, run in zip(labels, opened, strict=True)}
    reports.save(reports.draw("comparison", logs), path)
    if as_json:
        print_json({"runs": lines, "differences": settings, "scores": scores, "picture": str(path)})
        return
    table = {key: [_text(value) for value in values] for key, values in settings.items()}
    table |= {"split": [line["split"] for line in lines], **scores}
    table |= {"epochs": [line["epochs"] for line in lines]}
    table |= {"seconds": [_seconds(line["seconds"]) for line in lines]}
    print_table(["", *labels], [[key, *values] for key, values in table.items()])
    click.echo(path)


@command.command("verify")
@click.argument("run", metavar="RUN")
@json_option
def verify_command(run: str, as_json: bool) -> None:
    """Repeat a slice of RUN and say whether it comes out identical, bit for bit.

    The slice is what was trained between its last two checkpoints, or all of a run with only one:
    weights, optimizer, random states and log are compared. Nothing is written. Exit code 4 where
    something differs.

    \b
    zoo runs verify runs/mlp-digits-1
    """
    from zoo import api

    result = api.verify(run, say=say)
    steps = f"steps {result['first_step']} to {result['last_step']}"
    if as_json:
        print_json(result)
    if not result["identical"]:
        names = ", ".join(result["differences"][:3])
        raise MismatchError(
            f"'{run}' did not come out the same: {len(result['differences'])} of "
            f"{result['arrays']} arrays and logs differ after {steps}, as {names}. Expected none "
            "on the same processor, versions and data. Was it trained with other ones?"
        )
    if not as_json:
        click.echo(f"identical: {steps}, {result['arrays']} arrays and the log, bit for bit")


def _line(line: dict[str, Any]) -> list[Any]:
    shown = {
        **line,
        "run": Path(line["run"]).name,
        "score": _named(line["score"], line["value"], line["split"]),
        "validation": _named(line["validation"], line["validation_value"]),
        "seconds": _seconds(line["seconds"]),
    }
    return [shown[column] for column in COLUMNS]


def _named(name: str | None, value: float | None, split: str | None = None) -> str | None:
    if name is None:
        return None
    number = "-" if value is None else f"{value:.4f}"
    return f"{name} {number} ({split})" if split else f"{name} {number}"


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f}"


def _distinct(paths: tuple[str, ...]) -> list[Run]:
    runs = {Path(path).resolve(): Run.open(path) for path in paths}
    if len(runs) < 2:
        raise InputError(
            f"Received {len(runs)} run to compare. Expected at least two. Try: zoo runs list"
        )
    return list(runs.values())


def _picture_path(out: str | None, first: Run) -> Path:
    path = Path(out) if out else first.path.parent / "compare.png"
    if path.suffix.lower() != ".png":
        raise InputError(f"--out received '{path}'. Expected a file ending in .png.")
    if path.is_dir():
        raise InputError(f"--out received '{path}', a folder. Expected a file ending in .png.")
    return path


def _scores(runs: list[Run]) -> dict[str, list[float | None]]:
    scores = [(run.metrics or {}).get("scores", {}) for run in runs]
    names = dict.fromkeys(name for one in scores for name in one)
    return {name: [one.get(name) for one in scores] for name in names}


def _labels(runs: list[Run]) -> list[str]:
    names = [run.name for run in runs]
    return names if len(set(names)) == len(names) else [str(run) for run in runs]


def _text(value: Any) -> Any:
    """Return a setting as it was given, cut where it would push the other columns away."""
    if value is None or isinstance(value, (bool, int)):
        return value
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
