"""SIGINT and SIGTERM end training after the step at hand; a second one ends it at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

from zoo.errors import Interrupted

# What a second signal may wait for Python, which hears of it only between two calls.
PATIENCE = 1.0  # seconds


AT_ONCE = "Interrupted at once: the steps since the last checkpoint are lost."


class Signals:
    """Remembers a signal while training runs; outside the main thread it does nothing.

    Python runs a handler between two bytecodes only, so a long compiled call would keep a second
    signal waiting. A thread that the system wakes at once ends the process in that case: all files
    are whole at any time, and only the steps since the last checkpoint are lost.

    Args:
        advice: a sentence on how to continue, with a space before it.
    """

    def __init__(self, advice: str = "") -> None:
        self.advice = advice
        self.received: int | None = None
        self._before: dict[int, Any] = {}
        self._pipe: tuple[int, int] | None = None
        self._over = threading.Event()

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._receive)
            self._pipe = os.pipe()
            os.set_blocking(self._pipe[1], False)
            self._wakeup = signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._pipe is not None:
            self._over.set()
            signal.set_wakeup_fd(self._wakeup)
            os.write(self._pipe[1], b"\0")
            self._thread.join()
            for end in self._pipe:
                os.close(end)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            raise Interrupted(AT_ONCE, number)
        self.received = number

    def _watch(self) -> None:
        """Tell of the first signal; with the second, end what Python does not end in time."""
        assert self._pipe is not None
        heard = 0
        while True:
            number = os.read(self._pipe[0], 1)[0]
            if self._over.is_set():
                return
            if number not in self._before:
                continue
            heard += 1
            if heard == 1:
                sys.stderr.write("Stopping after this step; once more to stop at once.\n")
            elif not self._over.wait(PATIENCE):
                sys.stderr.write(f"Error: {AT_ONCE}{self.advice}\n")
                sys.stderr.flush()
                os._exit(128 + number)
