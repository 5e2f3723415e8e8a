"""Click options made from the dataclasses in `zoo.config`, and help that groups them."""

from collections.abc import Callable
from dataclasses import Field
from typing import Any

import click

from zoo import config

HIDDEN_DEFAULTS = (None, (), False, "")
WIDEST = 80  # characters in which choices are shown; more are told by the help


def add_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add every option of `zoo.config` to a command."""
    for _, entry in reversed(list(config.all_options())):
        command = option(entry, entry.default)(command)
    return command


def option(entry: Field, default: Any) -> Callable[..., Any]:
    """Return one option of `zoo.config`, None or () where it is not given; `default` is told."""
    text, kind = entry.metadata["help"], str(entry.type)
    if default not in HIDDEN_DEFAULTS:
        text = f"{text}  [default: {default}]"
    if entry.metadata["choices"] and _metavar(entry)[0] != "[":
        text = f"{text} One of: {', '.join(entry.metadata['choices'])}."
    flags = ["--" + entry.name.replace("_", "-"), entry.name]
    if kind == "bool":
        return click.option(*flags, is_flag=True, default=None, help=text)
    return click.option(
        *flags, default=None, multiple=kind.startswith("tuple"), metavar=_metavar(entry), help=text
    )


def _metavar(entry: Field) -> str:
    meta, kind = entry.metadata, str(entry.type)
    choices = "[" + "|".join(meta["choices"]) + "]"
    if meta["choices"] and len(choices) <= WIDEST:
        return choices
    if meta["kind"]:
        shown = {"duration": "TIME", "interval": "STEPS|TIME", "picture size": "SIZE"}
        return shown.get(meta["kind"], "LIST")
    if entry.name in ("validation", "test", "run", "plugin"):
        return "PATH"
    if entry.name == "set":
        return "NAME=VALUE"
    return {"int": "N", "float": "NUMBER"}.get(kind.split(" ")[0], "NAME")


def given(values: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in values.items() if value not in (None, ())}


class GroupedCommand(click.Command):
    """Prints its options under the groups of `zoo.config`, its own ones last."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        grouped: dict[str, list[tuple[str, str]]] = {"Options": []}
        group_of = {entry.name: group.__doc__ for group, entry in config.all_options()}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):  # no argument
                grouped.setdefault(group_of.get(parameter.name) or "Options", []).append(record)
        for title, records in sorted(grouped.items(), key=lambda item: item[0] == "Options"):
            with formatter.section(title):
                formatter.write_dl(records, col_max=26)
