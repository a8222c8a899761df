"""Run work in a process of its own that is killed at one of its writes."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from facechain_ext.base.errors import FaceChainError

DONE, REFUSED, BROKEN = 0, 3, 4
"""Exit codes: the work was done, ended in a sentence, ended in a traceback."""

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def start(work: Callable[[], object], *, die_at: int = 0, under: Path | None = None) -> int:
    """Fork a process for some work and return its id.

    die_at: the write, counted from 1, before which it is killed; 0 for never. A write of a file is
    two: opening it, and bringing it to the disk, at which half of it is there. under: the folder
    that files are written in.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    code = BROKEN
    try:
        if die_at:
            _die_at(die_at, str(under))
        work()
        code = DONE
    except FaceChainError:
        code = REFUSED
    except BaseException:  # noqa: BLE001 - whatever it is, it is told by the exit code
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def wait(child: int) -> int:
    """Return a process' exit code; negative for the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _die_at(number: int, under: str) -> None:
    writes, fsync = count(1), os.fsync

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if _is_write(event, arguments, under) and next(writes) == number:
            die()

    def write_half(descriptor: int) -> None:
        if next(writes) == number:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            die()
        fsync(descriptor)

    os.fsync = write_half  # type: ignore[assignment]
    sys.addaudithook(watch)


def _is_write(event: str, arguments: tuple[Any, ...], under: str) -> bool:
    if event == "open":
        path, _, flags = arguments
        return isinstance(path, str) and path.startswith(under) and bool(flags & WRITES)
    return event in CHANGES
