"""What commands share: results on stdout as a table or JSON, messages on stderr."""

import json
import math
import os
from collections.abc import Iterable, Sequence
from typing import Any

import click

from zoo.errors import InputError, redacted
from zoo.untrusted import printable

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
plugin_option = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    metavar="FILE",
    help="Python file that registers models or data sets of your own; repeatable.",
)


def say(message: str) -> None:
    """Print a message for the person watching, on stderr."""
    click.echo(printable(redacted(message)), err=True)


def refuse_existing(path: str | None, option: str) -> None:
    """Refuse to write a table over a file, which may well be the one it was made from."""
    if path is not None and os.path.lexists(path):
        raise InputError(
            f"{option} received '{path}', which exists already. Expected a new name, so that "
            "nothing is overwritten."
        )


def print_json(value: Any) -> None:
    """Print a value as JSON on stdout; NaN and infinity become null."""
    click.echo(json.dumps(_finite(value), indent=2, ensure_ascii=False))


def print_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print aligned columns on stdout; numbers to the right, text to the left."""
    cells = [[_cell(value) for value in row] for row in rows]
    numeric = [all(_is_number(row[i]) for row in cells) for i in range(len(header))]
    widths = [max([len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(header)]
    for row in [list(header), *cells]:
        aligned = (
            value.rjust(width) if right else value.ljust(width)
            for value, width, right in zip(row, widths, numeric, strict=True)
        )
        click.echo("  ".join(aligned).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 1e6 else f"{value:.4g}"
    return printable(str(value))


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "").replace("-", "0", 1))
    except ValueError:
        return False
    return True


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def note_stale(source: str) -> None:
    """Say where a run has been trained on since its weights were written."""
    from zoo.reports.summary import stale
    from zoo.runs import Run

    if os.path.isfile(os.path.join(source, "config.yaml")) and (note := stale(Run(source))):
        say(f"Note: {note}")
