"""zoo train: a model, a data set, a run."""

from datetime import timedelta
from typing import Any

import click

from zoo.cli.common import json_option, print_json, say
from zoo.cli.options import GroupedCommand, add_options, given
from zoo.config import CHANGES, LENGTHS
from zoo.errors import InputError
from zoo.untrusted import LARGEST_YAML, parse_yaml, read_bytes, refuse_remote


@click.command("train", cls=GroupedCommand)
@click.argument("model", required=False)
@add_options
@click.option("--config", "path", metavar="FILE", help="YAML of options, or a run's config.yaml.")
@click.option(
    "--resume", metavar="RUN",
    help="Continue a run; with a larger --epochs, --steps or --time-limit also one that is over.",
)  # fmt: skip
@click.option(
    "--allow-change", multiple=True, metavar="KIND", type=click.Choice(CHANGES),
    help="With --resume, go on though this changed: options, data, versions, device, callbacks.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Check all, estimate time and memory, write nothing.")
@json_option
def command(
    model: str | None,
    path: str | None,
    resume: str | None,
    allow_change: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train MODEL and print the run's folder.

    \b
    zoo train mlp --data digits
    zoo train mlp --data table.csv --target price --epochs 50
    zoo train gpt-nano --data python-docs --time-limit 5m
    zoo train --resume runs/mlp-digits-1
    zoo train --resume runs/mlp-digits-1 --epochs 200
    """
    options = given(options)
    if resume is not None:
        others = {f"the model {model}": model, "--config": path, "--run": options.pop("run", None)}
        _refuse_with_resume(resume, {**others, "--dry-run": dry_run or None})
        from zoo import api

        run = api.resume(resume, allow_change=allow_change, say=say, **options)
        _print_run(run, as_json)
        return
    if allow_change:
        raise InputError("--allow-change was given without --resume. Expected both, or neither.")
    if path is not None:
        model, options = _from_file(path, model, options)
    if model is None:
        raise InputError("No model was given. Expected a name. See `zoo list`.")
    from zoo import api

    if dry_run:
        estimate = api.plan(model, say=say, **options)
        print_json(estimate) if as_json else _print_estimate(estimate)
        return
    _print_run(api.train(model, say=say, **options), as_json)


def _refuse_with_resume(run: str, others: dict[str, Any]) -> None:
    """Refuse what cannot go with --resume."""
    for name, value in others.items():
        if value is not None:
            raise InputError(
                f"--resume {run} received also {name}. Expected the run alone: it knows how it "
                "began. Try without it."
            )


def _print_run(run: Any, as_json: bool) -> None:
    if as_json:
        print_json({"run": str(run), "metrics": run.metrics})
    else:
        click.echo(str(run))


def _from_file(
    path: str, model: str | None, options: dict[str, Any]
) -> tuple[str | None, dict[str, Any]]:
    """Return the model and options of a YAML file, those of the command line going first."""
    refuse_remote(path)
    try:
        found = parse_yaml(read_bytes(path, LARGEST_YAML).decode())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
        raise InputError(
            f"--config received '{path}': {reason}. Expected a YAML file of options. "
            "Try: zoo train --help"
        ) from error
    if not isinstance(found, dict):
        raise InputError(
            f"--config received '{path}', which holds {type(found).__name__}. Expected a YAML "
            "mapping such as 'model: mlp' and 'data: digits'."
        )
    if isinstance(found.get("options"), dict):  # a run's own record
        if found.get("resumed"):
            say(f"Note: the run of '{path}' was changed or extended on the way: {found['resumed']}")
        found = {"model": found.get("model"), **found["options"], "run": None}
    listed = found.pop("model", None)
    if not isinstance(listed, (str, type(None))):
        raise InputError(
            f"--config received '{path}', whose 'model' is a {type(listed).__name__}. Expected a "
            "name. See `zoo list`."
        )
    if model is not None and listed not in (None, model):
        raise InputError(
            f"Received the model '{model}' and, in '{path}', '{listed}'. Expected one. Try without "
            f"'{model}'."
        )
    lengths = set(LENGTHS)
    if lengths & set(options):
        found = {name: value for name, value in found.items() if name not in lengths}
    return model or listed, {**{str(name): value for name, value in found.items()}, **options}


def _print_estimate(estimate: dict[str, Any]) -> None:
    for name, value in estimate.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {item}" for key, item in value.items())
        elif name == "seconds" and value is not None:
            name, value = "time", timedelta(seconds=round(value))
        elif isinstance(value, float):
            value = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        elif isinstance(value, int):
            value = f"{value:,}"
        click.echo(f"{name.replace('_', ' '):18} {'-' if value is None else value}")
