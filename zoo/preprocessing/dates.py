"""Dates as numbers, in graph: elapsed days, and month, weekday and hour as points on circles.

Times are those of the clock on the wall: an offset from UTC is read and left out.
"""

from __future__ import annotations

import math
import re

import tensorflow as tf

from zoo.errors import InputError

_DIRECTIVES = {
    "%Y": r"(\d{4})",
    "%m": r"(\d{1,2})",
    "%d": r"(\d{1,2})",
    "%H": r"(\d{1,2})",
    "%M": r"(\d{2})",
    "%S": r"(\d{2}(?:\.\d+)?)",
}
_IGNORED = {"%z": r"(?:Z|[+-]\d{2}:?\d{2})", "%f": r"\d+"}


def features(format: str) -> tuple[str, ...]:
    """Name the numbers that a date of this `strptime` format becomes, in order."""
    hours = ("hour_sin", "hour_cos") if "%H" in format else ()
    return ("days", "month_sin", "month_cos", "weekday_sin", "weekday_cos", *hours)


def parse(strings: tf.Tensor, format: str) -> tf.Tensor:
    """Return float64 `(B, features)`; NaN throughout where a string is no date of the format."""
    pattern, order = _pattern(format)
    fits = tf.strings.regex_full_match(strings, pattern)
    safe = tf.where(fits, strings, tf.constant(_example(format)))
    part = {
        name: tf.strings.to_number(
            tf.strings.regex_replace(safe, f"^{pattern}$", rf"\{group}"), tf.float64
        )
        for group, name in enumerate(order, start=1)
    }
    one, none = tf.ones_like(part["%Y"]), tf.zeros_like(part["%Y"])
    month, day = part.get("%m", one), part.get("%d", one)
    days = _days(part["%Y"], month, day)
    hours, minutes, seconds = (part.get(name, none) for name in ("%H", "%M", "%S"))
    hour = hours + minutes / 60 + seconds / 3600
    columns = [
        days + hour / 24,
        *_circle((month - 1) / 12),
        *_circle(tf.math.floormod(days, 7) / 7),
    ]
    if "%H" in format:
        columns += _circle(hour / 24)
    values = tf.stack(columns, axis=-1)
    exists = (month >= 1) & (month <= 12) & (day >= 1) & (day <= _month_length(part["%Y"], month))
    exists &= (hours < 24) & (minutes < 60) & (seconds < 62)  # leap seconds
    return tf.where((fits & exists)[:, None], values, tf.constant(math.nan, tf.float64))


def _circle(share: tf.Tensor) -> list[tf.Tensor]:
    return [tf.sin(2 * math.pi * share), tf.cos(2 * math.pi * share)]


def _month_length(year: tf.Tensor, month: tf.Tensor) -> tf.Tensor:
    one = tf.ones_like(year)
    last = month >= 12
    following = _days(tf.where(last, year + 1, year), tf.where(last, one, month + 1), one)
    return following - _days(year, month, one)


def _days(year: tf.Tensor, month: tf.Tensor, day: tf.Tensor) -> tf.Tensor:
    """Days since 1970-01-01 in the Gregorian calendar, years counted from March."""
    year = tf.where(month <= 2, year - 1, year)
    era = tf.floor(year / 400)
    of_era = year - era * 400
    of_year = tf.floor((153 * tf.math.floormod(month + 9, 12) + 2) / 5) + day - 1
    of_era_days = of_era * 365 + tf.floor(of_era / 4) - tf.floor(of_era / 100) + of_year
    return era * 146097 + of_era_days - 719468


def _pattern(format: str) -> tuple[str, list[str]]:
    """Return a regular expression with a group a directive, and the directives in group order."""
    pieces, order = [], []
    for piece in re.split(r"(%[A-Za-z])", format):
        if piece in _DIRECTIVES:
            pieces.append(_DIRECTIVES[piece])
            order.append(piece)
        elif piece in _IGNORED:
            pieces.append(_IGNORED[piece])
        elif piece.startswith("%"):
            raise InputError(
                f"Date format '{format}' has {piece}. Expected numbers only: "
                f"{', '.join([*_DIRECTIVES, *_IGNORED])}."
            )
        else:
            pieces.append(re.escape(piece).replace("\\/", "/").replace("\\ ", " "))
    return "".join(pieces), order


def _example(format: str) -> str:
    values = {"%Y": "1970", "%z": "Z", "%f": "0"}
    return re.sub(r"%[A-Za-z]", lambda match: values.get(match[0], "01"), format)
