"""`zoo report`: the pictures and the page of a run, drawn again."""

import click

from zoo.cli.common import json_option, note_stale, print_json
from zoo.runs import Run


@click.command("report")
@click.argument("run", metavar="RUN")
@json_option
def command(run: str, as_json: bool) -> None:
    """Draw the pictures and write the page (report.html) of a run again.

    \b
    zoo report runs/mlp-digits-1
    """
    from zoo import reports

    opened = Run.open(run)
    note_stale(run)
    page = reports.write(opened)
    if as_json:
        pictures = sorted(str(path) for path in opened.plots.glob("*.png"))
        print_json({"report": str(page), "pictures": pictures})
    else:
        click.echo(page)
