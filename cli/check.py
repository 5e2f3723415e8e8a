"""`zoo check`: whether a model keeps to what is promised of every model."""

import click

from zoo import registry
from zoo.startup import start

from .common import json_option, plugin_option, print_json, print_table, say


@click.command()
@click.argument("name")
@plugin_option
@json_option
@click.pass_context
def command(ctx: click.Context, name: str, plugins: tuple[str, ...], as_json: bool) -> None:
    """Check a model, of yours with --plugin: build, training, precision, seeds, saving, export.

    Exits with 2 if a check fails.
    """
    registry.load_plugins(plugins)
    registry.get(name)
    say("Building, training, saving and reloading it; a small build takes a quarter of a minute")
    start("cpu")
    from zoo import conformance

    results = conformance.check([name], plugins)[name]
    if as_json:
        print_json({"model": name, "checks": [vars(result) for result in results]})
    else:
        print_table(
            ("check", "result", "found"),
            [(r.check, "ok" if r.passed else "FAILED", r.message) for r in results],
        )
    if not all(result.passed for result in results):
        ctx.exit(2)
