"""zoo export: an artifact that stands alone."""

from typing import Any

import click

from zoo.cli.common import json_option, note_stale, print_json, say


@click.command("export")
@click.argument("run", metavar="RUN")
@click.option(
    "--format", "kind", type=click.Choice(["savedmodel", "keras"]), default="savedmodel",
    show_default=True, help="What to write.",
)  # fmt: skip
@click.option("--out", metavar="PATH", help="Where to.  [default: RUN/export/FORMAT]")
@json_option
def command(run: str, kind: str, out: str | None, as_json: bool) -> None:
    """Write RUN as a SavedModel or .keras file that takes raw input, and verify it.

    The artifact is loaded in a fresh process and compared with the run on real examples; a
    difference above the tolerance is an error (exit code 4).

    \b
    zoo export runs/mlp-digits-1
    zoo export runs/mlp-digits-1 --format keras
    """
    from zoo import api

    note_stale(run)
    result: dict[str, Any] = api.export(run, kind, out, say=say)
    if as_json:
        print_json(result)
        return
    say(
        f"Compared with the run on {result['examples']} examples in a fresh process: largest "
        f"difference {result['largest_difference']:.2g}, tolerance {result['tolerance']:.2g}"
    )
    click.echo(result["path"])
