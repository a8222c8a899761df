"""Locks between processes that vanish with the process that holds them."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from facechain_ext.base.errors import Busy, FaceChainError, InvalidInput

LOOKS_PER_SECOND = 50


@dataclass
class Claim:
    """A file that this process holds, and nobody else, until `release` or its end.

    was_left: whether it was there before, as somebody leaves it who ends without `release`.
    stays: whether to leave it so, for others to see that something was not finished.
    """

    path: Path
    descriptor: int
    was_left: bool = False
    stays: bool = False

    def release(self) -> None:
        """Let go, and leave no file behind unless it stays."""
        if self.stays:
            os.close(self.descriptor)
        elif sys.platform == "win32":  # a file that is open anywhere cannot be removed
            os.close(self.descriptor)
            with suppress(OSError):
                self.path.unlink()
        else:
            self.path.unlink(missing_ok=True)
            os.close(self.descriptor)


def claim(path: Path) -> Claim | None:
    """Take hold of a file, made where it is missing; None while somebody else holds it.

    Raises InvalidInput on a file system that has no locks.
    """
    while True:
        try:
            descriptor, was_left = _open(path)
        except PermissionError:
            if sys.platform == "win32" and path.exists():  # being removed by its holder
                return None
            raise
        if not _lock(descriptor, path):
            os.close(descriptor)
            return None
        if _is_at(path, descriptor):
            return Claim(path, descriptor, was_left)
        os.close(descriptor)  # removed by its holder between our two steps


def _open(path: Path) -> tuple[int, bool]:
    """Open a file, made where it is missing; tell whether it was there."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), False
    except FileExistsError:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600), True


def is_claimed(path: Path) -> bool:
    """Tell whether somebody holds a file; one that was left behind by a crash is removed."""
    if not path.exists():
        return False
    taken = claim(path)
    if taken is not None:
        taken.release()
    return taken is None


@dataclass
class _Hold:
    """How this process holds a lock: by which thread, how often, and the claim."""

    thread: threading.RLock = field(default_factory=threading.RLock)
    depth: int = 0
    claim: Claim | None = None


_holds: dict[Path, _Hold] = {}
_holds_lock = threading.Lock()


@contextmanager
def locked(path: Path, *, patience: float | None = None) -> Iterator[Claim | None]:
    """Hold a lock that other threads and processes wait for; yields it, None where the thread had
    it already.

    The thread that has it may take it again. Where it was left, or this ends in what is no
    sentence, it stays unless `stays` is taken back. patience: seconds to wait, None for ever.
    Raises Busy when they are over.
    """
    with _holds_lock:
        hold = _holds.setdefault(path, _Hold())
    until = None if patience is None else time.monotonic() + patience
    if not hold.thread.acquire(timeout=-1 if patience is None else patience):
        raise _busy(path)
    try:
        if hold.depth == 0:
            hold.claim = _wait_for(path, until)
            hold.claim.stays = hold.claim.was_left
        hold.depth += 1
        try:
            yield hold.claim if hold.depth == 1 else None
        except FaceChainError:  # it was refused, not broken off
            raise
        except BaseException:
            if hold.claim is not None:
                hold.claim.stays = True
            raise
        finally:
            hold.depth -= 1
            if hold.depth == 0 and hold.claim is not None:
                hold.claim.release()
                hold.claim = None
    finally:
        hold.thread.release()


def _wait_for(path: Path, until: float | None) -> Claim:
    while (taken := claim(path)) is None:
        if until is not None and time.monotonic() > until:
            raise _busy(path)
        time.sleep(1 / LOOKS_PER_SECOND)
    return taken


def _busy(path: Path) -> Busy:
    return Busy(
        f"Another FaceChain is changing {path.parent.name} just now. Try again when it is done."
    )


def _lock(descriptor: int, path: Path) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        os.close(descriptor)
        raise InvalidInput(
            f"Files in {path.parent} cannot be locked ({error.strerror}). Keep the data on a file "
            "system with locks, which two programs at once need."
        ) from error
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    """Tell whether a path still leads to an open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
