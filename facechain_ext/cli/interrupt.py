"""Ctrl-C on the command line: the first asks the job to stop, the second ends it at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from facechain_ext.cli.streams import say


class Cancels(Protocol):
    """What can be asked to stop, as a host can."""

    def cancel(self) -> None: ...


@contextmanager
def stopping(work: Cancels) -> Iterator[None]:
    """Turn the first Ctrl-C into a cancel, so that what was done is saved.

    Only a program's main thread hears of it; elsewhere nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(number: int, frame: FrameType | None) -> None:
        say("Stopping after this step; Ctrl-C again to end at once.")
        work.cancel()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
