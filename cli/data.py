"""`zoo data`: the data sets there are, and what is in one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click

from zoo import registry
from zoo.config import Data, check
from zoo.datasets import catalog
from zoo.datasets.base import PAIRED
from zoo.errors import InputError

from .common import json_option, plugin_option, print_json, print_table
from .options import given, option

SHOWN = 40  # rows of a table; --json shows all
_ELSEWHERE = ("data", "sequence_length")
BALANCES = {
    "segmentation": "Balance, in shares of all pixels",
    "detection": "Boxes of each class",
}
_DEFAULTS = {"on_bad_example": "skip"}  # who looks wants to see all, and what is bad


@click.group()
def command() -> None:
    """List the data sets, and look into one of them or into a file of yours."""


def _data_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of `zoo train` that say how data is read."""
    for entry in reversed([e for e in fields(Data) if e.name not in _ELSEWHERE]):
        function = option(entry, _DEFAULTS.get(entry.name, entry.default))(function)
    return function


@command.command("list")
@plugin_option
@json_option
def list_command(plugins: tuple[str, ...], as_json: bool) -> None:
    """List the named data sets."""
    registry.load_plugins(plugins)
    rows = catalog.rows()
    if as_json:
        shown = ("name", "kind", "tasks", "examples", "summary", "source", "licence")
        print_json([{name: getattr(row, name) for name in shown} for row in rows])
        return
    print_table(
        ("data set", "kind", "examples", "tasks", "summary"),
        [(r.name, r.kind, r.examples, ", ".join(r.tasks), r.summary) for r in rows],
    )


@command.command("show")
@click.argument("reference", metavar="REF")
@_data_options
@click.option(
    "--augment", metavar="LIST", help="Draw examples beside what these changes make of them, which "
    "`zoo train` takes too, as flip,crop:0.5.",
)  # fmt: skip
@click.option("--out", metavar="FILE", help="Where that goes (PNG).  [default: augmented.png]")
@plugin_option
@json_option
def show_command(
    reference: str,
    augment: str | None,
    out: str | None,
    plugins: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Audit REF, the name of a data set (also tfds:NAME) or a file or folder of yours.

    Sizes, types, balance, missing values, constant and duplicate columns, rows shared between
    splits, rows that cannot be read, and the fingerprint.

    \b
    zoo data show iris
    zoo data show digits --augment shift,rotate --out shifted.png
    """
    registry.load_plugins(plugins)
    known = {entry.name: entry for entry in fields(Data)}
    asked = {**_DEFAULTS, **given(options)}
    checked = {name: check(known[name], value) for name, value in asked.items()}
    if augment is not None or out is not None:
        path = _draw(reference, checked, augment, out)
        print_json({"path": path}) if as_json else click.echo(path)
        return
    report = _audit(reference, checked)
    if as_json:
        print_json(report)
    else:
        _print(report)


def _draw(reference: str, options: dict[str, Any], augment: str | None, out: str | None) -> str:
    """Draw augmented examples; return the path of the picture."""
    path = out or "augmented.png"
    if augment is None:
        raise InputError(f"--out received '{path}' without --augment. Expected both.")
    if not path.lower().endswith(".png"):
        raise InputError(f"--out received '{path}'. Expected a file ending in .png.")
    from zoo import datasets, reports
    from zoo.startup import start

    start("cpu")
    from zoo.training import preview

    figure = preview.draw(datasets.load(reference, **options), augment)
    return str(reports.save(figure, path))


def _audit(reference: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the audit, of a table without a target too: looking comes before choosing."""
    from zoo import datasets
    from zoo.datasets import sides
    from zoo.datasets.audit import audit
    from zoo.datasets.targets import NoTarget
    from zoo.startup import start

    if reference.startswith(catalog.TFDS):
        start("cpu")  # TensorFlow reads it
    if not {"task", "pairs", "data_b"} & set(options) and sides.has_splits(reference):
        options = {**options, "task": sides.UNPAIRED}
    try:
        return audit(datasets.load(reference, **options))
    except NoTarget:
        if options.get("task"):
            raise
    found = datasets.load(reference, **{**options, "task": "reconstruction"})
    report = audit(found, whole_rows=True)
    report["task"] = None
    report["notes"].append("no target chosen: name one with --target")
    return report


def _print(report: dict[str, Any]) -> None:
    _print_head(report)
    if "columns" in report:
        _section("Columns")
        _print_cut(
            ("column", "role", "kind", "missing", "distinct", "values"),
            [_column_row(column) for column in report["columns"]],
        )
    for array in report.get("arrays", ()):
        _print_array(array)
    if "files" in report:
        _print_files(report["files"])
    for side in report.get("sides", ()):
        if "files" in side:
            _print_files(side["files"], f"Pictures of {side['name']}")
        else:
            _print_array(side["array"])
    if "text" in report:
        _print_text(report["text"])
    if "series" in report:
        _print_series(report["series"])
    if "balance" in report:
        _print_balance(report)
    _section("Checks")
    for line in _findings(report):
        click.echo(f"  {line}")


def _print_head(report: dict[str, Any]) -> None:
    sizes = report["splits"]
    total = sum(sizes.values())
    splits = ", ".join(f"{name} {size:,} ({size / total:.0%})" for name, size in sizes.items())
    task = report["task"] or "none"
    if report["targets"] and "sides" not in report:
        task += f" of {', '.join(report['targets'][:5])}"
    lines = [
        ("kind", report["kind"]),
        ("task", task),
        ("examples", f"{total:,}: {splits}"),
        ("source", report["provenance"]),
        ("licence", report["licence"]),
        ("fingerprint", report["fingerprint"]),
    ]
    click.echo(report["name"])
    for name, value in lines:
        click.echo(f"  {name:<12} {value}")


def _section(title: str) -> None:
    click.echo(f"\n{title}")


def _print_cut(header: tuple[str, ...], rows: list[tuple]) -> None:
    print_table(header, rows[:SHOWN])
    if len(rows) > SHOWN:
        click.echo(f"... and {len(rows) - SHOWN:,} more; --json shows all")


def _column_row(column: dict[str, Any]) -> tuple:
    values = ""
    if column.get("minimum") is not None:
        low, mean, high = (_short(column[key]) for key in ("minimum", "mean", "maximum"))
        values = f"{low} to {high}, mean {mean}"
    if column.get("infinite"):
        values += f"{', ' if values else ''}{column['infinite']:,} infinite"
    if column.get("top"):
        values = ", ".join(f"{value[:20]} ({count:,})" for value, count in column["top"][:3])
    kind = f"date {column['format']}" if column.get("format") else column["kind"]
    distinct = column["distinct"]
    return column["name"], column["role"], kind, column["missing"], distinct, values


def _short(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def _print_array(array: dict[str, Any]) -> None:
    _section(f"Array {array['name']}")
    shape = " x ".join(map(str, array["shape"]))
    low, mean, high = (_short(array[key]) for key in ("minimum", "mean", "maximum"))
    click.echo(f"  {'shape':<12} {shape} ({array['type']})")
    click.echo(f"  {'values':<12} {low} to {high}, mean {mean}")
    click.echo(f"  {'constant':<12} {array['constant']:,} of its values are always the same")


def _print_files(files: dict[str, Any], title: str = "Pictures") -> None:
    _section(title)
    low, high, seen = (" x ".join(map(str, files[k])) for k in ("smallest", "largest", "seen"))
    sizes = f"all {low}" if files["sizes"] == 1 else f"{files['sizes']:,}, from {low} to {high}"
    click.echo(f"  {'files':<12} {files['files']:,}, {files['gray']:,} of them gray")
    click.echo(f"  {'sizes':<12} {sizes}")
    click.echo(f"  {'model sees':<12} {seen}; --image-size says another")


def _print_text(text: dict[str, Any]) -> None:
    _section("Text")
    splits = ", ".join(f"{name} {count:,}" for name, count in text["split_characters"].items())
    longest = f"{text['shortest']:,} to {text['longest']:,} characters each"
    click.echo(f"  {'documents':<12} {text['documents']:,}, {longest}")
    click.echo(f"  {'characters':<12} {text['characters']:,}: {splits}")
    click.echo(f"  {'alphabet':<12} {text['distinct_characters']:,} different characters")


def _print_series(series: dict[str, Any]) -> None:
    _section("Times")
    count, group = series["count"], series["group"]
    rows = ", ".join(f"{name} {size:,}" for name, size in series["rows_of_splits"].items())
    lines = [
        ("column", f"{series['time']}, one each {series['step']}"),
        ("from, to", f"{series['first']} to {series['last']}"),
        ("rows", f"{series['rows']:,}" + (f" of {count:,} series by {group}" if group else "")),
        ("in splits", rows),
        ("an example", f"{series['history']} steps to look back on, {series['horizon']} ahead"),
        ("season", f"{series['season']} steps"),
    ]
    for name, value in lines:
        click.echo(f"  {name:<12} {value}")


def _print_balance(report: dict[str, Any]) -> None:
    balance = report["balance"]
    names = list(balance["train"])
    if report["task"] not in ("regression", *PAIRED):
        _section(BALANCES.get(report["task"], "Balance"))
        rows = [(name, *(part[name] for part in balance.values())) for name in names]
        _print_cut(("class", *balance), rows)
        return
    _section("Targets" if report["task"] == "regression" else "Targets, in characters")
    keys = ("minimum", "mean", "maximum", "deviation")
    _print_cut(
        ("target", "split", *keys),
        [(n, split, *(p[n][key] for key in keys)) for n in names for split, p in balance.items()],
    )


def _rows(count: int, split: str = "") -> str:
    noun = f"{split} row".strip()
    return f"{count:,} {noun} repeats" if count == 1 else f"{count:,} {noun}s repeat"


def _findings(report: dict[str, Any]) -> list[str]:
    """Say in words what was looked for, and found or not."""
    lines: list[str] = []
    if "series" in report:
        names = [column["name"] for column in report["columns"] if column["constant"]]
        lines = [f"always the same: {', '.join(names)}"] * bool(names) + report["notes"]
        return lines or ["no gaps in time, and no column that is always the same"]
    for splits, count in report["shared_rows"].items():
        if count:
            first, second = splits.split(" and ")
            lines.append(f"{_rows(count, second)} the inputs of a {first} row: leakage")
    if not lines:
        lines.append("no rows are shared between splits")
    if (duplicates := report.get("duplicate_rows")) is not None:
        lines.append(
            f"{_rows(duplicates)} the inputs of another" if duplicates else "no row repeats another"
        )
    for names in report.get("duplicate_columns", ()):
        lines.append(f"columns that say the same: {', '.join(names)}")
    if "columns" in report and not report["duplicate_columns"]:
        lines.append("no column repeats another")
    return lines + report["notes"]
