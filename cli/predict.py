"""zoo predict: answers for examples of one's own."""

import os
import sys
import tempfile
from typing import Any

import click

from zoo.cli.common import json_option
from zoo.errors import InputError


@click.command("predict")
@click.argument("source", metavar="RUN|ARTIFACT")
@click.argument("data", metavar="FILE", default="-")
@click.option("--out", metavar="FILE", help="Write the table there instead of on stdout.")
@click.option(
    "--stdin-kind",
    type=click.Choice(["csv", "jsonl"]),
    default="csv",
    show_default=True,
    help="What comes from stdin.",
)
@json_option
def command(source: str, data: str, out: str | None, stdin_kind: str, as_json: bool) -> None:
    """Answer every example of FILE (- for stdin) with a line of CSV, or of JSON.

    \b
    zoo predict runs/mlp-iris-1 flowers.csv
    zoo predict runs/mlp-iris-1 - < flowers.csv
    zoo predict runs/mlp-digits-1 three.png
    """
    from zoo import api

    with tempfile.TemporaryDirectory() as folder:
        path = _received(folder, stdin_kind) if data == "-" else data
        outputs = _answers(api, source, path)
    text = _table(outputs, as_json)
    if out is None:
        click.echo(text, nl=False)
        return
    from zoo.files import write_atomic

    write_atomic(out, text)
    click.echo(out)


def _received(folder: str, kind: str) -> str:
    if sys.stdin.isatty():
        raise InputError("No file was given and nothing comes from stdin. Expected a file.")
    path = os.path.join(folder, f"stdin.{kind}")
    with open(path, "wb") as file:
        file.write(sys.stdin.buffer.read())
    return path


def _answers(api: Any, source: str, path: str) -> dict[str, Any]:
    if path.lower().endswith((".png", ".jpg", ".jpeg")):
        return _picture(api, source, path)
    return api.predict(source, path)


def _picture(api: Any, source: str, path: str) -> dict[str, Any]:
    predictor = api.load(source)
    if predictor.spec.kind != "image":
        raise InputError(
            f"Received the picture '{path}' for a model of data of kind '{predictor.spec.kind}'. "
            f"Expected the columns {', '.join(c.name for c in predictor.spec.inputs)}."
        )
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise InputError(f"Cannot read '{path}': {error.strerror}. Expected a PNG or JPEG.") from error
    import numpy as np

    return predictor({predictor.spec.inputs[0].name: np.array([content], dtype=object)})


def _table(outputs: dict[str, Any], as_json: bool) -> str:
    """Return one line an example: a column an output, several for `probabilities`."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for name, values in outputs.items():
        if values.dtype == object and len(values) and isinstance(values.ravel()[0], bytes):
            continue  # picture bytes: `zoo generate` writes those
        if values.ndim == 1:
            columns[name] = values
        elif values.ndim == 2:
            names = outputs.get("classes", range(values.shape[1]))
            columns |= {f"{name}_{n}": values[:, i] for i, n in enumerate(names)}
    table = pd.DataFrame(columns)
    if as_json:
        return table.to_json(orient="records", lines=True)
    return table.to_csv(index=False)
