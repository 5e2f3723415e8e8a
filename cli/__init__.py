"""The command line. One thin module a command; heavy imports happen inside the callbacks."""

import contextlib
import errno
import importlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any, NoReturn

import click

from zoo.errors import Interrupted, WriteError, ZooError, redacted
from zoo.untrusted import printable

COMMANDS = {
    "train": "zoo.cli.train",
    "evaluate": "zoo.cli.evaluate",
    "predict": "zoo.cli.predict",
    "generate": "zoo.cli.generate",
    "export": "zoo.cli.export",
    "list": "zoo.cli.list",
    "show": "zoo.cli.show",
    "check": "zoo.cli.check",
    "data": "zoo.cli.data",
    "runs": "zoo.cli.runs",
    "report": "zoo.cli.report",
}


class Commands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS]  # `list` is the module of that command once it is imported

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(COMMANDS[cmd_name]).command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; a reader that has gone is no mistake, a full disk is not ours."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still in the buffer goes nowhere
            return 0
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
            if not full and "temporary directory" not in str(error.strerror):
                raise
            raise WriteError(
                f"Cannot write: {error.strerror}. Expected room to write to."
            ) from None
        except KeyboardInterrupt as error:
            how = " ".join(getattr(error, "__notes__", []))
            raise Interrupted(f"Interrupted. {how}", signal.SIGINT) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="keras-zoo", prog_name="zoo")
def zoo() -> None:
    """Train, evaluate and export Keras models.

    \b
    zoo train mlp --data digits           train; the last line printed is the run's folder
    zoo evaluate runs/mlp-digits-1        measure it on the test split
    zoo export runs/mlp-digits-1          write a SavedModel that takes raw input
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with a documented code.

    0 done, 1 a bug of ours, 2 bad input or usage, 3 training diverged, 4 export mismatch,
    130 or 143 interrupted, while training after a checkpoint.
    """
    with _interruptible() as came:
        try:
            code = zoo.main(args=arguments, prog_name="zoo", standalone_mode=False)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message())
            sys.exit(0)
        except click.UsageError as error:
            context = f" Try `{error.ctx.command_path} --help`." if error.ctx else ""
            fail(error.format_message() + context, 2)
        except click.ClickException as error:
            fail(error.format_message(), 2)
        except Interrupted as error:
            fail(str(error), 128 + came[0] if came else error.exit_code)
        except Exception as error:
            if came or isinstance(error, click.Abort):  # whatever has become of the interruption
                fail("Interrupted.", 128 + came[0] if came else 130)
            if isinstance(error, ZooError):
                fail(str(error), error.exit_code)
            click.echo(redacted(traceback.format_exc()), err=True, nl=False)
            sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


@contextlib.contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Let SIGTERM unwind everything as Ctrl-C does, so that temporary files are removed.

    Gives a list to which a signal is added when it comes. Training has handlers of its own.
    """
    came: list[int] = []

    def receive(number: int, frame: FrameType | None) -> None:
        came.append(number)
        raise KeyboardInterrupt

    usual: tuple[Any, ...] = (signal.SIG_DFL, signal.default_int_handler)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    ours = [n for n in before if before[n] in usual]  # who ignores one, as `nohup`, means it
    if threading.current_thread() is not threading.main_thread():
        ours = []
    for number in ours:
        signal.signal(number, receive)
    try:
        yield came
    finally:
        for number in ours:
            signal.signal(number, before[number])


def fail(message: str, code: int) -> NoReturn:
    """Print one line on stderr and exit."""
    click.echo(f"Error: {printable(redacted(' '.join(message.split())))}", err=True)
    sys.exit(code)
