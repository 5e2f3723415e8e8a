"""Errors a user can see, each with its exit code.

A message is one line: what was received, what was expected, what to try.
"""

import difflib
import re
from collections.abc import Iterable

_SECRETS = (
    (re.compile(r"(:/{1,2})[^/\s'\"]+@"), r"\1***@"),
    (
        re.compile(
            r"([?&;#][\w.%-]*(?:token|key|secret|passw|pwd|auth|sig|credential)[\w.%-]*=)"
            r"[^&;#\s'\"]+",
            re.IGNORECASE,
        ),
        r"\1***",
    ),
)


def redacted(text: str) -> str:
    """Return a text with the secrets of URLs as `***`: `user:password@`, `?token=...`."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class ZooError(Exception):
    """Base of every error that is reported as one line, without a traceback or secrets."""

    exit_code = 1

    def __init__(self, message: str):
        super().__init__(redacted(message))


class InputError(ZooError):
    """Bad input or usage: a file, a column, an option, a name."""

    exit_code = 2


class WriteError(InputError):
    """Something cannot be written: there is no room, no right, no such folder."""


class DivergenceError(ZooError):
    """The loss became NaN or infinite; the last finite state was kept."""

    exit_code = 3


class MismatchError(ZooError):
    """What should come out alike does not."""

    exit_code = 4


class ExportMismatchError(MismatchError):
    """An exported artifact does not answer as the run it came from."""


class Interrupted(ZooError):
    """A signal came; where a model was being trained, after writing a checkpoint."""

    def __init__(self, message: str, signal_number: int):
        super().__init__(message)
        self.exit_code = 128 + signal_number


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest known names, or ``""``."""
    matches = difflib.get_close_matches(str(name), list(known), n=2, cutoff=0.5)
    if not matches:
        return ""
    return " Did you mean " + " or ".join(repr(match) for match in matches) + "?"


def unknown(what: str, name: str, known: Iterable[str], look: str = "") -> InputError:
    """Build the error for a name that is not among the known ones.

    Args:
        what: the noun, "model" or "data set".
        name: the name received.
        known: the names that would have been accepted.
        look: the command that lists them; without it the names are listed here.
    """
    known = list(known)
    expected = f"Run `{look}` to see all." if look else f"Expected one of: {', '.join(known)}."
    return InputError(f"Unknown {what} '{name}'.{nearest(name, known)} {expected}")


def missing_extra(package: str, extra: str, purpose: str) -> InputError:
    """Build the error for an optional dependency that is not installed."""
    return InputError(
        f"{purpose} needs the package '{package}', which is not installed. "
        f"Try: pip install 'keras-zoo[{extra}]'"
    )
