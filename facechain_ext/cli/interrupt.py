"""Ctrl-C on the command line: the first asks the job to stop, the second ends it at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from facechain_ext.base.host import Host
from facechain_ext.cli.streams import say


@contextmanager
def stopping(host: Host) -> Iterator[None]:
    """Turn the first Ctrl-C into the host's cancel, so that what was done is saved.

    Only a program's main thread hears of it; elsewhere nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(number: int, frame: FrameType | None) -> None:
        say("Stopping after this step; Ctrl-C again to end at once.")
        host.cancel()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
