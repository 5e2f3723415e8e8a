"""Random files and words, and the promise that every one of them is answered or refused properly.

The cases are the same in every run: a failure can be repeated by running the test again.
"""

import contextlib
import io
import signal
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo import cli
from zoo.errors import InputError

DOCUMENTED = (0, 2, 3, 4, 130, 143)
LONGEST = 60  # seconds that any case may take before it counts as hanging
TEXT = st.text(st.sampled_from(string.printable + "é�\0\ud7ff😀"), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


def cases(fast, slow):
    """Return the mark of a test that runs few cases always and thousands when it may be slow."""
    return pytest.mark.parametrize("cases", [fast, pytest.param(slow, marks=pytest.mark.slow)])


def check(promise, strategy, cases, record_property):
    """Keep a promise for so many cases; note how many there were."""
    done = 0

    @settings(
        max_examples=cases, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def run(case):
        nonlocal done
        done += 1
        with in_time():
            promise(case)

    run()
    assert done >= cases
    record_property("fuzz cases", done)


@contextlib.contextmanager
def in_time():
    """Raise where a case hangs."""

    def hangs(number, frame):
        raise TimeoutError(f"took more than {LONGEST} s")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run(*arguments):
    """Run a command that must keep what is promised of every one; return code, stdout, stderr."""
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", errors) for errors in (None, "replace")]
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        try:
            cli.main(list(arguments))
        except SystemExit as error:
            code = error.code or 0
    for stream in streams:
        stream.flush()
    out, err = (stream.buffer.getvalue().decode() for stream in streams)
    assert code in DOCUMENTED, err[-3000:]
    assert "Traceback" not in err, err[-3000:]
    if code:
        assert out == "", out
        assert err.splitlines()[-1].startswith("Error: "), err
    return code, out, err


def refused(action):
    """Do something that must succeed, or say in one line why not; return the line."""
    try:
        action()
    except InputError as error:
        message = str(error)
    else:
        return ""
    assert "\n" not in message
    return message


@st.composite
def mutated(draw, seeds):
    """Draw real bytes with a few pieces changed, put in, taken out, repeated or cut off."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["change", "insert", "delete", "repeat", "cut"]))
        piece = draw(st.binary(min_size=1, max_size=8))
        length = draw(st.integers(1, 64))
        if kind == "change":
            data[at : at + len(piece)] = piece
        elif kind == "insert":
            data[at:at] = piece
        elif kind == "delete":
            del data[at : at + length]
        elif kind == "repeat":
            data[at:at] = data[at : at + length] * draw(st.integers(1, 20))
        elif draw(st.integers(0, 3)) == 0:
            del data[at:]
    return bytes(data)


@st.composite
def spoiled(draw, value):
    """Draw a plain value with some of its parts replaced, taken out or renamed."""
    for _ in range(draw(st.integers(1, 3))):
        value = _spoiled(draw, value)
    return value


def _spoiled(draw, value):
    if not value or not isinstance(value, (dict, list)) or draw(st.integers(0, 9)) == 0:
        return draw(JSON)
    if isinstance(value, list):
        at = draw(st.integers(0, len(value) - 1))
        if draw(st.booleans()):
            return value[:at] + value[at + 1 :]
        return [*value[:at], _spoiled(draw, value[at]), *value[at + 1 :]]
    name = draw(st.sampled_from(sorted(value)))
    if draw(st.integers(0, 4)) == 0:
        return {key: item for key, item in value.items() if key != name}
    return {**value, name: _spoiled(draw, value[name])}
