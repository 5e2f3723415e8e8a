"""zoo evaluate: scores of a run or an artifact."""

import os
from typing import Any

import click

from zoo.cli.common import (
    json_option,
    note_stale,
    print_json,
    print_table,
    printable,
    refuse_existing,
    say,
)


@click.command("evaluate")
@click.argument("source", metavar="RUN|ARTIFACT")
@click.option("--data", metavar="NAME|FILE", help="Measure on this; default the run's own data.")
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    help="Split of the run's own data.  [default: test]",
)
@click.option(
    "--extractor", metavar="RUN",
    help="For generated pictures: the run of a classifier whose features they are compared by, or "
    "inception-v3.",
)  # fmt: skip
@click.option(
    "--csv",
    "csv_path",
    metavar="FILE",
    help="Write the table of classes or targets, or the scores where there is none.",
)
@json_option
def command(
    source: str, data: str | None, split: str | None, extractor: str | None, csv_path: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Measure a run, a SavedModel or a .keras file.

    A FILE is used whole; of a data set's NAME it is the test split.

    \b
    zoo evaluate runs/mlp-digits-1
    zoo evaluate runs/mlp-digits-1/export/savedmodel --data digits
    zoo evaluate runs/dcgan-digits-1 --extractor runs/cnn-small-digits-1
    """
    refuse_existing(csv_path, "--csv")
    from zoo import api
    from zoo.reports import page
    from zoo.runs import Run, kind_of

    kind = kind_of(source)
    note_stale(source)
    result = api.evaluate(source, data, split=split, extractor=extractor, say=say)
    if kind == "run" and result["split"] == "test":
        run = Run.open(source)
        last = run.log[-1].get("step") if run.log else None
        run.write_metrics({**result, "step": (run.metrics or {}).get("step", last)})
        if extractor is not None:
            page.write(run)  # with the scores, and the pictures that are nearest
    rows = result["tables"].get("per_class") or result["tables"].get("per_target") or []
    if csv_path is not None:
        _write_csv(csv_path, result["scores"], rows)
    if as_json:
        print_json(result)
        return
    examples = f"{result['examples']:,} example{'s' * (result['examples'] != 1)}"
    click.echo(
        f"{source}: {result['task']} on {examples} of {result['data']}"
        + (f" ({result['split']})" if result["split"] else "")
    )
    for note in result.get("notes", ()):
        say(f"Data: {note}")
    if result["task"] == "forecasting":
        say("Scores: mse and mae in standard deviations of training, per target in own units")
    print_table(["score", "value"], result["scores"].items())
    for table in (rows, *(result["tables"].get(name) for name in ("baselines", "quantiles"))):
        if table:
            click.echo()
            print_table(list(table[0]), [list(row.values()) for row in table])
    for sample in result["tables"].get("samples", ()):
        click.echo()
        for name, text in sample.items():
            click.echo(f"{name:<10}{printable(text)}")
    if "confusion" in result["tables"]:
        click.echo()
        _print_confusion(result["tables"]["confusion"])


def _print_confusion(confusion: dict[str, Any], most: int = 20) -> None:
    classes = confusion["classes"]
    if len(classes) > most:
        click.echo(f"Confusion matrix of {len(classes)} classes: use --json, or see the report.")
        return
    click.echo("Rows are the actual class, columns the predicted one.")
    rows = zip(classes, confusion["matrix"], strict=True)
    print_table(["", *classes], [[name, *counts] for name, counts in rows])


def _write_csv(path: str, scores: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    import pandas as pd

    from zoo.files import write_atomic

    table = pd.DataFrame(rows) if rows else pd.DataFrame([scores])
    write_atomic(os.fspath(path), table.to_csv(index=False))
