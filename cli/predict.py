"""zoo predict: answers for examples of one's own."""

import contextlib
import os
import sys
import tempfile
from typing import IO, Any

import click

from zoo.cli.common import json_option, note_stale, refuse_existing
from zoo.errors import InputError
from zoo.untrusted import read_bytes, refuse_remote

LARGEST_STDIN = 1 << 30  # bytes


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

    A detector answers with a line a box, its edges in pixels.

    \b
    zoo predict runs/mlp-iris-1 flowers.csv
    zoo predict runs/mlp-iris-1 - < flowers.csv
    zoo predict runs/mlp-digits-1 three.png
    """
    from zoo import api

    refuse_existing(out, "--out")
    note_stale(source)
    predictor = api.load(source)
    if data == "-":
        outputs = _from_stdin(predictor, stdin_kind)
    else:
        outputs = _picture(predictor, data) if _is_picture(data) else api.predict(predictor, data)
    if predictor.task.name == "detection":
        outputs = _boxes(outputs)
    text = _table(outputs, predictor.spec.classes, as_json)
    if out is None:
        click.echo(text, nl=False)
        return
    from zoo.files import write_atomic

    write_atomic(out, text)
    click.echo(out)


def _from_stdin(predictor: Any, kind: str) -> dict[str, Any]:
    """Answer what comes from stdin, kept in a file for as long as that takes."""
    from zoo import api

    if sys.stdin.isatty():
        raise InputError("No file was given and nothing comes from stdin. Expected a file.")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"stdin.{kind}")
        with open(path, "wb") as file:
            _copy(sys.stdin.buffer, file)
        try:
            return api.predict(predictor, path)
        except InputError as error:
            message = str(error).replace(path, "stdin")
            raise InputError(f"{message} Stdin was read as {kind}: see --stdin-kind.") from None


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy all there is, a piece at a time; what never ends is refused."""
    copied = 0
    while piece := source.read(1 << 20):
        copied += target.write(piece)
        if copied > LARGEST_STDIN:
            raise InputError(
                f"Received more than {LARGEST_STDIN:,} bytes from stdin. Expected a table. "
                "Try a file."
            )


def _is_picture(path: str) -> bool:
    from zoo.datasets.pictures import SUFFIXES

    return path.lower().endswith(SUFFIXES)


def _picture(predictor: Any, path: str) -> dict[str, Any]:
    if predictor.spec.kind != "image":
        raise InputError(
            f"Received the picture '{path}' for a model of data of kind '{predictor.spec.kind}'. "
            f"Expected {', '.join(c.name for c in predictor.spec.inputs)}. Try a file with these."
        )
    import numpy as np

    from zoo.datasets.pictures import LARGEST_FILE, upright

    refuse_remote(path)
    try:
        content = read_bytes(path, LARGEST_FILE)
    except OSError as error:
        raise InputError(
            f"Cannot read '{path}': {error.strerror}. Expected a PNG or JPEG. Try another path."
        ) from error
    with contextlib.suppress(Exception):  # where Pillow cannot read it, the model says so itself
        content = upright(content)
    return predictor({predictor.spec.inputs[0].name: np.array([content], dtype=object)})


def _boxes(outputs: dict[str, Any]) -> dict[str, Any]:
    """Return one row a box, and the row of its picture."""
    import numpy as np

    real = np.arange(outputs["boxes"].shape[1]) < outputs["count"][:, None]
    edges = zip(("top", "left", "bottom", "right"), outputs["boxes"][real].T, strict=True)
    return {
        "row": np.nonzero(real)[0],
        "label": outputs["labels"][real],
        "score": outputs["scores"][real],
        **dict(edges),
    }


def _table(outputs: dict[str, Any], classes: tuple[str, ...], as_json: bool) -> str:
    """Return one line an example, as CSV or JSON.

    An output with a number a class becomes a column a class, as `probability_setosa`, and so does a
    mask: `share_cat` of its pixels; one with any other row of numbers is numbered. Pictures are
    left out.
    """
    import pandas as pd

    columns: dict[str, Any] = {}
    for name, values in outputs.items():
        if name == "png":
            continue
        if values.ndim == 1:
            columns[name] = values
        elif name == "mask":
            shares = {c: (values == code).mean(axis=(1, 2)) for code, c in enumerate(classes)}
            columns |= {f"share_{c}": share for c, share in shares.items()}
        elif name == "probabilities":
            columns |= {f"probability_{c}": values[:, i] for i, c in enumerate(classes)}
        elif values.ndim == 2:
            columns |= {f"{name}_{i}": values[:, i] for i in range(values.shape[1])}
    table = pd.DataFrame(columns)
    if as_json:
        return table.to_json(orient="records", lines=True, force_ascii=False, double_precision=15)
    return table.to_csv(index=False)
