"""zoo generate: text from a prompt, pictures in a grid."""

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from zoo.cli.common import json_option, note_stale, print_json, refuse_existing, say
from zoo.errors import InputError

OF_TEXT = (
    "prompt", "tokens", "temperature", "top_k", "top_p", "repetition_penalty", "beams", "stop",
    "chat", "attention",
)  # fmt: skip
DRAWN = ("temperature", "top_k", "top_p", "repetition_penalty", "seed", "count")  # not with beams
TURN = "\n\n"  # ends an answer unless --stop says another text
OF_PICTURES = ("label",)
OF_FILES = ("image", "back")


@click.command("generate")
@click.argument("source", metavar="RUN|ARTIFACT")
@click.option("--prompt", default="", metavar="TEXT", help="Text to continue.")
@click.option(
    "--tokens", type=click.IntRange(1, 100_000), default=200, show_default=True,
    help="How many tokens to write at most.",
)  # fmt: skip
@click.option(
    "--temperature", type=click.FloatRange(0.0, 10.0), default=0.8, show_default=True,
    help="0 always takes the likeliest; higher is more varied.",
)  # fmt: skip
@click.option(
    "--top-k", type=click.IntRange(0), default=0, show_default=True,
    help="Draw from so many of the likeliest tokens; 0 from all.",
)  # fmt: skip
@click.option(
    "--top-p", type=click.FloatRange(0.0, 1.0, min_open=True), default=1.0, show_default=True,
    help="Draw from the fewest tokens that have this share of the probability.",
)  # fmt: skip
@click.option(
    "--repetition-penalty", type=click.FloatRange(0.1, 10.0), default=1.0, show_default=True,
    help="Above 1 makes tokens less likely that the text has had.",
)  # fmt: skip
@click.option(
    "--beams", type=click.IntRange(1, 100), default=1, show_default=True,
    help="Draw nothing, but search the likeliest text, following so many beginnings.",
)  # fmt: skip
@click.option(
    "--stop", multiple=True, metavar="TEXT", help="End before this text; repeat for several."
)
@click.option(
    "--count", type=click.IntRange(1, 10_000), default=None,
    help="How many texts or pictures.  [default: 1 text, 64 pictures]",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True,
    help="The same seed makes the same texts or pictures.",
)  # fmt: skip
@click.option(
    "--chat", is_flag=True,
    help="Answer each line of stdin, all before it in mind, each until a blank line or --stop.",
)  # fmt: skip
@click.option("--attention", metavar="FILE", help="Draw where each head looked in the text (PNG).")
@click.option("--class", "label", default="", metavar="NAME", help="The class of the pictures.")
@click.option(
    "--image", multiple=True, metavar="PATH",
    help="Picture, folder of pictures, or video to turn into another; repeat for several.",
)  # fmt: skip
@click.option("--back", is_flag=True, help="Turn pictures of the second kind into the first.")
@click.option(
    "--out", metavar="PATH",
    help="Where pictures go: a grid (.png), arrays (.npz), a walk from each to the next (.gif), or "
    "a new folder; of --image a .png, a silent .mp4, or a new folder.  [default: generated.png "
    "among the run's plots; of --image translated, or translated.mp4, here]",
)  # fmt: skip
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    source: str,
    prompt: str,
    tokens: int,
    temperature: float,
    top_k: int,
    top_p: float,
    repetition_penalty: float,
    beams: int,
    stop: tuple[str, ...],
    chat: bool,
    attention: str | None,
    count: int | None,
    seed: int,
    label: str,
    image: tuple[str, ...],
    back: bool,
    out: str | None,
    as_json: bool,
) -> None:
    """Make text or pictures with a trained model.

    \b
    zoo generate runs/gpt-nano-python-docs-1 --prompt "The return value "
    zoo generate runs/lstm-python-docs-1 --count 3 --top-p 0.9 --stop "."
    zoo generate runs/gpt-nano-tiny-shakespeare-1 --chat
    zoo generate runs/dcgan-digits-1 --out digits.png
    zoo generate runs/cgan-digits-1 --class 7 --count 1000 --out sevens.npz
    zoo generate runs/pix2pix-maps-1 --image drawings/ --out photos/
    """
    if attention is not None and not attention.lower().endswith(".png"):
        raise InputError(
            f"--attention received '{attention}'. Expected a file ending in .png. Try "
            f"{attention}.png."
        )
    if "" in stop:
        raise InputError("--stop received ''. Expected a text of one character at least.")
    if out == "":
        raise InputError("--out received ''. Expected a path. Try without it.")
    refuse_existing(out, "--out")
    from zoo import api
    from zoo.predictors import writing

    note_stale(source)
    predictor = api.load(source)
    if "generate" in predictor.functions:
        _refuse(ctx, ("out", *OF_PICTURES, *OF_FILES), "for a model that makes text")
        how = {
            "temperature": temperature, "top_k": top_k, "top_p": top_p,
            "repetition_penalty": repetition_penalty, "seed": seed,
        }  # fmt: skip
        if beams > 1:
            _refuse(ctx, DRAWN, "with --beams, which draws nothing")
            how = {"beams": beams}
        if chat:
            _refuse(ctx, ("count", "attention"), "with --chat")
            _chat(predictor, prompt, tokens, stop or (TURN,), how, as_json)
            return
        for note in writing.notes(predictor, prompt):
            say(f"Note: {note}")
        if attention is not None:
            writing.attention(predictor, prompt)  # refuses before anything is written
        stream = predictor.stream([prompt] * (count or 1), tokens, stop=stop, **how)
        texts = _write(prompt, stream, count or 1, as_json)
        if attention is not None:
            _draw_attention(predictor, prompt + texts[0], attention)
        return
    if predictor.translates:
        _refuse(ctx, OF_TEXT + OF_PICTURES + ("count", "seed"), "for a model that turns pictures")
        _translate(predictor, image, back, out, as_json)
        return
    if not predictor.makes_pictures:
        raise InputError(
            f"'{source}' was trained for {predictor.task.name}, which generates nothing. "
            "Expected a model for language-modelling or image-synthesis. Try `zoo predict`."
        )
    _refuse(ctx, OF_TEXT + OF_FILES, "for a model that makes pictures")
    from zoo import pictures

    path = Path(out or _default_path(source))
    pictures.refuse(path)
    count = count or pictures.usual(path)
    size = pictures.write(predictor, path, count, seed, label)
    if as_json:
        print_json({"path": str(path), "count": count, "size": size})
        return
    say(f"{count:,} picture{'s' * (count != 1)} of {size[0]} x {size[1]} pixels")
    click.echo(path)


def _translate(
    predictor: Any, image: tuple[str, ...], back: bool, out: str | None, as_json: bool
) -> None:
    """Turn pictures in files into others."""
    from zoo import translating
    from zoo.datasets.videos import is_video

    video = len(image) == 1 and is_video(image[0])
    path = Path(out or ("translated.mp4" if video else "translated"))
    size, count = translating.write(predictor, image, path, back)
    if as_json:
        print_json({"path": str(path), "count": count, "size": size})
        return
    what = "frame" if video else "picture"
    say(f"{count:,} {what}{'s' * (count != 1)} of {size[0]} x {size[1]} pixels")
    click.echo(path)


def _refuse(ctx: click.Context, names: tuple[str, ...], where: str) -> None:
    """Refuse options that say nothing there."""
    for name in names:
        if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
            shown = "class" if name == "label" else name.replace("_", "-")
            raise InputError(f"--{shown} was given {where}. Expected none. Try without it.")


def _write(prompt: str, stream: Iterator[list[str]], count: int, as_json: bool) -> list[str]:
    """Print texts: a single one as it is made, several once they are whole; return them."""
    shown, texts = "", [""] * count
    if count == 1 and not as_json:
        click.echo(prompt, nl=False)
    for texts in stream:
        if count == 1 and not as_json and texts[0].startswith(shown):
            click.echo(texts[0][len(shown) :], nl=False)
            shown = texts[0]
    if as_json:
        print_json({"prompt": prompt, "texts": texts})
    elif count == 1:
        click.echo()
    else:
        for number, text in enumerate(texts, start=1):
            click.echo(f"--- {number}\n{prompt}{text}")
    return texts


def _chat(
    predictor: Any, context: str, tokens: int, stop: tuple[str, ...], how: dict, as_json: bool
) -> None:
    """Answer lines of stdin; the model reads all that was said before."""
    from zoo.predictors import writing

    notes: list[str] = []
    for turn in itertools.count():
        if sys.stdin.isatty():
            click.echo("> ", nl=False, err=True)
        line = sys.stdin.readline()
        if not line:
            return
        context += line
        if not notes:  # said once
            notes = writing.notes(predictor, context)
            for note in notes:
                say(f"Note: {note}")
        drawn = {**how, "seed": how["seed"] + turn} if "seed" in how else how
        stream = predictor.stream([context], tokens, stop=stop, **drawn)
        (text,) = _write(line.rstrip("\n") if as_json else "", stream, 1, as_json)
        context += text + stop[0]


def _draw_attention(predictor: Any, text: str, path: str) -> None:
    """Write a picture of where each head looks in a text."""
    from zoo import reports
    from zoo.predictors import writing

    reports.save(reports.draw("attention", *writing.attention(predictor, text)), path)
    say(f"Where each head looked: {path}")


def _default_path(source: str) -> str:
    """Return a path among a run's own pictures, or here for an artifact."""
    folder = os.path.join(source, "plots")
    return os.path.join(folder, "generated.png") if os.path.isdir(folder) else "generated.png"
