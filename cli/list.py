"""`zoo list`: the models there are."""

import click

from zoo import registry
from zoo.errors import nearest, unknown

from .common import json_option, plugin_option, print_json, print_table, say


@click.command()
@click.argument("pattern", default="*")
@click.option("--family", help="Only this family: dense, cnn, rnn, transformer, gan, forecasting.")
@click.option("--task", help="Only models that can do this task.")
@plugin_option
@json_option
def command(
    pattern: str, family: str | None, task: str | None, plugins: tuple[str, ...], as_json: bool
) -> None:
    """List models whose name matches PATTERN, such as 'mlp' or '*-nano'."""
    registry.load_plugins(plugins)
    names = registry.list_models()
    _check("family", family, [registry.get(name).family for name in names])
    _check("task", task, [task for name in names for task in registry.get(name).tasks])
    for broken in registry.broken_entry_points:
        say(f"Warning: the models of an installed package cannot be loaded: {broken}")
    rows = [registry.get(name) for name in registry.list_models(pattern, family, task)]
    if as_json:
        print_json(
            [
                {"name": r.name, "family": r.family, "tasks": r.tasks, "summary": r.summary}
                for r in rows
            ]
        )
    elif rows:
        print_table(
            ("model", "family", "tasks", "summary"),
            [(r.name, r.family, ", ".join(r.tasks), r.summary) for r in rows],
        )
    else:
        _say_none(pattern, names)


def _check(what: str, value: str | None, known: list[str]) -> None:
    if value is not None and value not in known:
        raise unknown(what, value, sorted(set(known)))


def _say_none(pattern: str, names: list[str]) -> None:
    say(f"No model matches '{pattern}'.{nearest(pattern, names)} Run `zoo list` to see all.")
