"""zoo generate: text from a prompt, pictures in a grid."""

import os

import click

from zoo.cli.common import say
from zoo.errors import InputError


@click.command("generate")
@click.argument("source", metavar="RUN|ARTIFACT")
@click.option("--prompt", default="", help="Text to continue.")
@click.option(
    "--tokens", type=click.IntRange(1, 100_000), default=200, show_default=True,
    help="How many tokens to write.",
)  # fmt: skip
@click.option(
    "--temperature", type=click.FloatRange(0.0, 10.0), default=0.8, show_default=True,
    help="0 always takes the likeliest; higher is more varied.",
)  # fmt: skip
@click.option(
    "--count", type=click.IntRange(1, 10_000), default=None,
    help="How many texts or pictures.  [default: 1 text, 64 pictures]",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option("--out", metavar="FILE", help="Where the grid of pictures goes (PNG).")
def command(
    source: str,
    prompt: str,
    tokens: int,
    temperature: float,
    count: int | None,
    seed: int,
    out: str | None,
) -> None:
    """Make text or pictures with a trained model.

    \b
    zoo generate runs/gpt-nano-python-docs-1 --prompt "The return value "
    zoo generate runs/dcgan-digits-1 --out digits.png
    """
    from zoo import api

    predictor = api.load(source)
    if "generate" in predictor.functions:
        texts = predictor.generate([prompt] * (count or 1), tokens, temperature, seed)
        for text in texts:
            click.echo(prompt + text)
        return
    if "count" not in predictor.served:
        raise InputError(
            f"'{source}' was trained for {predictor.task.name}, which generates nothing. Expected a "
            "model for language-modelling or image-synthesis. Try `zoo predict`."
        )
    pictures = predictor.make(count or 64, seed)["image"]
    from zoo import reports

    path = out or _default_path(source)
    reports.save(reports.draw("samples", pictures), path)
    say(f"{len(pictures)} pictures of {pictures.shape[1]} x {pictures.shape[2]} pixels")
    click.echo(path)


def _default_path(source: str) -> str:
    folder = os.path.join(source, "plots")
    return os.path.join(folder, "generated.png") if os.path.isdir(folder) else "generated.png"
