"""What is printed: whatever the console can write, and never a reason for work to fail."""

from __future__ import annotations

import io
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def forgiving_output() -> Iterator[None]:
    """Let stdout escape the letters that its encoding lacks; a reader may stop reading."""
    stdout = sys.stdout
    before = stdout.errors if isinstance(stdout, io.TextIOWrapper) else None
    if isinstance(stdout, io.TextIOWrapper):
        stdout.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        _flush_or_drop()
        if isinstance(stdout, io.TextIOWrapper):
            stdout.reconfigure(errors=before)


def put(text: str) -> None:
    """Print a result to stdout; raises OSError where it cannot be had, as on a full disk.

    A reader that has seen enough, as `head` has, is no error.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _drop_stdout()
    except OSError:
        _drop_stdout()
        raise


def say(line: str) -> None:
    """Print a line to stderr, where somebody may read it; work goes on where nobody does."""
    if sys.stderr is None:
        return
    # ValueError: closed. RuntimeError: Ctrl-C came while another line was being written.
    with suppress(OSError, ValueError, RuntimeError):
        print(plain(line), file=sys.stderr, flush=True)


def plain(text: str) -> str:
    """Escape what would end the line, move the cursor or change colours, as names of files can."""
    return text if text.isprintable() else "".join(map(_plain, text))


def plain_texts(value: Any) -> Any:
    """Escape the same in all texts of a result, keys apart."""
    if isinstance(value, dict):
        return {key: plain_texts(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_texts(part) for part in value]
    return plain(value) if isinstance(value, str) else value


def writable(text: str) -> bool:
    """Tell whether stdout's encoding has all letters of a text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def agreed(question: str) -> bool:
    """Ask on the terminal; where nobody can answer, nobody agrees."""
    try:
        if sys.stdin is None or not sys.stdin.isatty():
            return False
        print(f"{plain(question)} [y/N] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in {"y", "yes"}
    except (OSError, ValueError):
        return False


def _plain(character: str) -> str:
    unfit = unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
    return ascii(character)[1:-1] if unfit else character


def _flush_or_drop() -> None:
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        _drop_stdout()


def _drop_stdout() -> None:
    """Send what is left to nowhere, so that Python does not complain when it ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
