"""zoo predict: answers for examples of one's own."""

import os
import sys
import tempfile
from typing import IO, Any

import click

from zoo.cli.common import json_option, note_stale, refuse_existing, say
from zoo.errors import InputError
from zoo.untrusted import refuse_remote

LARGEST_STDIN = 1 << 30  # bytes


@click.command("predict")
@click.argument("source", metavar="RUN|ARTIFACT")
@click.argument("data", metavar="[FILE|FOLDER]...", nargs=-1)
@click.option("--out", metavar="FILE", help="Write the table there instead of on stdout.")
@click.option("--draw", metavar="DIR", help="Draw each picture with its answer, into a new folder.")
@click.option("--grad-cam", is_flag=True, help="Draw where a classifier looked, too.")
@click.option(
    "--nearest", metavar="FILE", help="For vectors of texts: name the nearest text in FILE."
)
@click.option(
    "--stdin-kind",
    type=click.Choice(["csv", "jsonl", "txt"]),
    help="What comes from stdin; by default csv, for a model of texts txt, a text a line.",
)
@json_option
def command(
    source: str, data: tuple[str, ...], out: str | None, draw: str | None, grad_cam: bool,
    nearest: str | None, stdin_kind: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Answer every example of a FILE (- for stdin) with a line of CSV, or of JSON.

    Pictures may be several, and folders of them. A detector answers with a line a box, its edges in
    pixels, a forecaster with a line a step that follows the file's last.

    \b
    zoo predict runs/mlp-iris-1 flowers.csv
    zoo predict runs/mlp-iris-1 - < flowers.csv
    echo "A dog runs." | zoo predict runs/transformer-tiny-multi30k-1 -
    zoo predict runs/mlp-digits-1 three.png
    zoo predict runs/dlinear-load-1 recent.csv
    zoo predict runs/minilm-pairs-1 questions.txt --nearest answers.txt
    zoo predict runs/resnet18-photos-1 cat.jpg holidays/ --draw drawn
    """
    from zoo import api

    refuse_existing(out, "--out")
    refuse_existing(draw, "--draw")
    if grad_cam and draw is None:
        raise InputError("--grad-cam was given without --draw. Expected a folder to draw into.")
    note_stale(source)
    predictor = api.load(source)
    if nearest is not None:
        from zoo.predictors import texts

        outputs = texts.nearest(predictor, data, nearest, say)
    else:
        if predictor.translates:
            raise InputError(
                f"'{source}' turns pictures into others. Expected a model that answers examples. "
                f"Try `zoo generate {source} --image PATH`."
            )
        outputs = _answers(predictor, data, draw, grad_cam, stdin_kind)
    if predictor.task.name == "detection":
        outputs = _boxes(outputs)
    if predictor.task.name == "forecasting":
        outputs = _steps(outputs)
    text = _table(outputs, predictor.spec.classes, as_json)
    if out is None:
        click.echo(text, nl=False)
        return
    from zoo.files import write_atomic

    write_atomic(out, text)
    click.echo(out)


def _answers(
    predictor: Any, data: tuple[str, ...], draw: str | None, grad_cam: bool, stdin_kind: str | None
) -> dict[str, Any]:
    """Answer pictures, whose files are then named, or one file of another kind."""
    from zoo import api

    for path in data:
        refuse_remote(path)
    from zoo import photos

    found = photos.find(data)
    if found:
        split = photos.read(predictor, found)
        outputs = predictor.predict(split)
        if draw is not None:
            photos.draw(predictor, split, outputs, draw, grad_cam)
        return {"file": _paths(found), **outputs}
    if draw is not None or len(data) > 1:
        raise InputError(
            f"Received {' and '.join(data) or 'nothing'}. Expected pictures, or folders of them"
            f"{', for --draw' if draw else ', where there are several'}. Try other paths."
        )
    if data in ((), ("-",)):
        return _from_stdin(predictor, stdin_kind)
    return api.predict(predictor, data[0], say=say)


def _paths(found: list[Any]) -> Any:
    import numpy as np

    names = [os.fsencode(path).decode(errors="replace") for path in found]
    return np.array(names, dtype=object)


def _from_stdin(predictor: Any, kind: str | None) -> dict[str, Any]:
    """Answer what comes from stdin, kept in a file for as long as that takes."""
    from zoo import api

    if sys.stdin.isatty():
        raise InputError("No file was given and nothing comes from stdin. Expected a file.")
    kind = kind or ("txt" if predictor.spec.kind == "text" else "csv")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"stdin.{kind}")
        with open(path, "wb") as file:
            _copy(sys.stdin.buffer, file)
        try:
            return api.predict(predictor, path, say=say)
        except InputError as error:
            message = str(error).replace(path, "stdin").rstrip(".")
            raise InputError(f"{message}. Stdin was read as {kind}: see --stdin-kind.") from None


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


def _boxes(outputs: dict[str, Any]) -> dict[str, Any]:
    """Return one row a box, and of which picture: its file, or its row."""
    import numpy as np

    real = np.arange(outputs["boxes"].shape[1]) < outputs["count"][:, None]
    edges = zip(("top", "left", "bottom", "right"), outputs["boxes"][real].T, strict=True)
    rows = np.nonzero(real)[0]
    return {
        **({"file": outputs["file"][rows]} if "file" in outputs else {"row": rows}),
        "label": outputs["labels"][real],
        "score": outputs["scores"][real],
        **dict(edges),
    }


def _steps(outputs: dict[str, Any]) -> dict[str, Any]:
    """Return one row a step of each series that is continued."""
    horizon = max(values.shape[1] for values in outputs.values() if values.ndim == 2)
    return {
        name: values.ravel() if values.ndim == 2 else values.repeat(horizon)
        for name, values in outputs.items()
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
