"""`zoo show`: one model, its paper, its arguments, its layers."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from zoo import registry
from zoo.errors import InputError
from zoo.registry import REQUIRED, Argument, Row
from zoo.startup import start

from .common import json_option, plugin_option, print_json, print_table


@click.command()
@click.argument("name")
@click.option("--layers", is_flag=True, help="Build it and print its layers.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="An argument to build it with, such as input_shape=64 or units=32,32; repeatable.",
)
@plugin_option
@json_option
def command(
    name: str, layers: bool, settings: tuple[str, ...], plugins: tuple[str, ...], as_json: bool
) -> None:
    """Show what is known of a model, and every argument its builder takes.

    With --layers it is built for data of an example's size; --set input_shape=64 says another.
    """
    registry.load_plugins(plugins)
    row = registry.get(name)
    given = registry.check_arguments(name, registry.parse_settings(settings), data=True)
    description = _describe(row)
    if layers or given:
        description["build"] = _build(row, given)
    if as_json:
        print_json(description)
    else:
        _print(row, description)


def _describe(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "family": row.family,
        "tasks": list(row.tasks),
        "summary": row.summary,
        "paper": str(row.paper) if row.paper else None,
        "builder": row.builder if isinstance(row.builder, str) else row.builder.__qualname__,
        "parameters": _published(row),
        "training": dict(row.training),
        "arguments": [_argument(a) for a in registry.arguments(row.name)],
    }


def _published(row: Row) -> dict[str, Any] | None:
    if row.params is None:
        return None
    arguments, count = row.params
    return {"count": count, "arguments": dict(arguments)}


def _argument(argument: Argument) -> dict[str, Any]:
    required = argument.default is REQUIRED
    return {
        "name": argument.name,
        "required": required,
        "default": None if required else argument.default,
        "option": argument.option,
        "doc": argument.doc,
    }


def _build(row: Row, given: dict[str, Any]) -> dict[str, Any]:
    """Build the model and list its layers."""
    start("cpu")
    example = row.params[0] if row.params else row.tiny
    arguments = {**{name: example[name] for name in registry.DATA if name in example}, **given}
    try:
        model = registry.create(row.name, **arguments)
    except (TypeError, ValueError) as error:
        raise InputError(f"Model '{row.name}' cannot be built: {error}") from error
    return {
        "arguments": arguments,
        "parameters": model.count_params(),
        "layers": [
            {
                "layer": name,
                "type": type(layer).__name__,
                "shape": _shape(layer),
                "parameters": layer.count_params(),
            }
            for name, layer in _layers(model)
        ],
    }


def _layers(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Walk through the layers of a model and of the models inside it."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer, f"{prefix}{layer.name}/")
        elif not isinstance(layer, keras.layers.InputLayer):
            yield f"{prefix}{layer.name}", layer


def _shape(layer: Any) -> str:
    """Return a layer's output shape with B for the batch; "-" where it was never called."""
    try:
        shape = layer.output.shape
    except (AttributeError, ValueError):
        return "-"
    return "(" + ", ".join(["B", *("any" if n is None else str(n) for n in shape[1:])]) + ")"


def _print(row: Row, description: dict[str, Any]) -> None:
    click.echo(f"{row.name}: {row.summary}")
    click.echo(f"family   {row.family}")
    click.echo(f"tasks    {', '.join(row.tasks)}")
    if row.paper:
        click.echo(f"paper    {row.paper}")
    click.echo(f"builder  {description['builder']}")
    if row.params:
        click.echo(f"size     {row.params[1]:,} parameters with {_text(row.params[0])}")
    if row.training:
        click.echo(f"training {_text(row.training)}")
    if "build" in description:
        _print_build(description["build"])
    else:
        _print_arguments(description["arguments"])


def _print_arguments(arguments: list[dict[str, Any]]) -> None:
    for title, option in (("from the data", False), ("to --set", True)):
        found = [a for a in arguments if a["option"] is option]
        if found:
            click.echo()
            print_table((title, "default", "meaning"), [_row(a) for a in found])


def _row(argument: dict[str, Any]) -> tuple[str, str, str]:
    default = "required" if argument["required"] else _value(argument["default"])
    return argument["name"], default, argument["doc"]


def _print_build(build: dict[str, Any]) -> None:
    click.echo(f"built    {_text(build['arguments'])}")
    click.echo()
    print_table(
        ("layer", "type", "output", "parameters"),
        [(x["layer"], x["type"], x["shape"], f"{x['parameters']:,}") for x in build["layers"]],
    )
    click.echo(f"{build['parameters']:,} parameters in all")


def _text(values: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={_value(value)}" for name, value in values.items())


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value) or "()"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
