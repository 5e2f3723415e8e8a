"""What one option is: its default, its help, the values it takes, and how a wrong one is refused.

Standard library only. `zoo.config` lists the options.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import Field, field
from typing import Any

from zoo.errors import InputError, unknown

AUGMENTATIONS = (
    "flip", "flip-vertical", "shift", "zoom", "crop", "rotate", "randaugment", "augmix",
    "brightness", "contrast", "color", "erase", "noise", "mixup", "cutmix",
)  # fmt: skip
ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu")
LOSSES = (
    "mse", "mae", "huber", "binary_crossentropy", "categorical_crossentropy", "focal", "dice",
    "dice_crossentropy",
)  # fmt: skip
OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "adagrad", "lion")
SCHEDULES = ("constant", "cosine", "step", "exponential", "inverse_sqrt")
TASKS = (
    "classification", "multi-label", "regression", "segmentation", "detection",
    "sequence-to-sequence", "summarization", "sentence-embedding", "reconstruction",
    "language-modelling", "image-synthesis", "image-to-image", "unpaired-image-to-image",
    "forecasting",
)  # fmt: skip
SMALLEST_SIDE, LARGEST_SIDE = 4, 4096  # pixels


def option(
    default: Any,
    text: str,
    *,
    choices: tuple[str, ...] = (),
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    kind: str = "",
) -> Any:
    """Declare an option: its default, its help and the values it takes.

    `low` and `high` are inclusive bounds, `above` an exclusive one; `kind` names what a string
    must parse as, a name of `PARSERS`.
    """
    metadata: dict[str, Any] = {"help": text, "choices": choices, "kind": kind}
    metadata |= {"low": low, "high": high, "above": above}
    return field(default=default, metadata=metadata)


def check(entry: Field, value: Any) -> Any:
    """Return the value an option takes, or raise an InputError that says what it expects."""
    kind = str(entry.type)
    shown = "--" + entry.name.replace("_", "-")
    if value is None:
        if "None" in kind or value == entry.default:
            return value
        raise InputError(f"{shown} received nothing. Expected {expected(entry)}.")
    try:
        value = _typed(kind, value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{shown} received {_shown(value)}. Expected {expected(entry)}.") from None
    meta = entry.metadata
    if meta["choices"] and value not in meta["choices"]:
        raise unknown(f"value for {shown}", str(value), meta["choices"])
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not _within(value, meta):
        raise InputError(f"{shown} received {value}. Expected {expected(entry)}.")
    if meta["kind"]:
        PARSERS[meta["kind"]](value, shown)
    return value


def _shown(value: Any) -> str:
    """Write a value of the wrong type: itself where that is short, else what it is."""
    plain = isinstance(value, (str, int, float, list, tuple, dict)) and len(repr(value)) <= 100
    return repr(value) if plain else f"a {type(value).__name__}"


def _typed(kind: str, value: Any) -> Any:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if kind.startswith("tuple"):
        return (value,) if isinstance(value, str) else tuple(str(item) for item in value)
    if kind.startswith("bool"):
        if not isinstance(value, bool):
            raise TypeError
        return value
    if kind.startswith("int"):
        if isinstance(value, bool) or int(value) != float(value):
            raise ValueError
        return int(value)
    if kind.startswith("float"):
        if isinstance(value, bool) or not math.isfinite(float(value)):
            raise ValueError
        return float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise TypeError
    return value


def _within(value: float, meta: Mapping[str, Any]) -> bool:
    return not (
        (meta["low"] is not None and value < meta["low"])
        or (meta["high"] is not None and value > meta["high"])
        or (meta["above"] is not None and value <= meta["above"])
    )


def expected(entry: Field) -> str:
    """Say in words what an option takes."""
    meta = entry.metadata
    if meta["choices"]:
        return "one of: " + ", ".join(meta["choices"])
    kind = str(entry.type)
    noun = {"int": "a whole number", "float": "a number", "bool": "true or false"}.get(
        kind.split(" ")[0], "text"
    )
    if meta["above"] is not None:
        noun += f" above {meta['above']:g}"
    if meta["low"] is not None:
        noun += f" of at least {meta['low']:g}"
    if meta["high"] is not None:
        noun += f" and at most {meta['high']:.10g}"
    return noun


def seconds(text: str, shown: str = "time") -> float:
    """Return a duration such as 90s, 10m or 2h in seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)", text.strip())
    if not match or float(match[1]) == 0:
        raise InputError(f"{shown} received '{text}'. Expected a duration such as 90s, 10m or 2h.")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def interval(text: str, shown: str = "interval") -> tuple[int | None, float | None]:
    """Return `(steps, None)`, `(None, seconds)` or `(None, None)` for "500", "30s" or "auto"."""
    if text.strip() == "auto":
        return None, None
    if text.strip().isdigit() and int(text) > 0:
        return int(text), None
    try:
        return None, seconds(text)
    except InputError:
        raise InputError(
            f"{shown} received '{text}'. Expected a number of steps such as 500, "
            "a duration such as 30s or 10m, or auto."
        ) from None


def augmentations(text: str, shown: str = "augment") -> dict[str, float | None]:
    """Return "flip,shift:0.1" as names with their strengths, None where not given."""
    result: dict[str, float | None] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, strength = part.partition(":")
        if name not in AUGMENTATIONS:
            raise unknown(f"augmentation in {shown}", name, AUGMENTATIONS)
        try:
            value = float(strength) if strength else None
        except ValueError:
            value = math.nan
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise InputError(f"{shown} received '{part}'. Expected a strength such as shift:0.1.")
        result[name] = value
    return result


def layers(text: str, shown: str = "freeze") -> None:
    """Refuse what is neither "backbone" nor a number of layers."""
    if text != "backbone" and not (text.isdigit() and int(text) > 0):
        raise InputError(f"{shown} received '{text}'. Expected backbone, or a number of layers.")


def picture_size(text: str, shown: str = "image size") -> tuple[int, int]:
    """Return height and width for "96" or "240x320"."""
    match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text.strip())
    size = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if min(size) < SMALLEST_SIDE or max(size) > LARGEST_SIDE:
        raise InputError(
            f"{shown} received '{text}'. Expected pixels a side, from {SMALLEST_SIDE} to "
            f"{LARGEST_SIDE}, as 96, or height x width, as 240x320."
        )
    return size


def quantiles(text: str, shown: str = "quantiles") -> tuple[float, ...]:
    """Return "0.1,0.5,0.9" as numbers; they rise, and the median is one of them."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if 0.5 not in found or found != tuple(sorted({q for q in found if 0 < q < 1})):
        raise InputError(
            f"{shown} received '{text}'. Expected rising numbers between 0 and 1, of which 0.5 is "
            "one, as 0.1,0.5,0.9."
        )
    return found


PARSERS = {
    "duration": seconds,
    "interval": interval,
    "augmentations": augmentations,
    "layers": layers,
    "picture size": picture_size,
    "quantiles": quantiles,
}
