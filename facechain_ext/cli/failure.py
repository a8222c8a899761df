"""How the command line fails: one line, an exit code, and a log of what nobody foresaw."""

from __future__ import annotations

import platform
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path

from facechain_ext import __version__
from facechain_ext.base.errors import Cancelled, FaceChainError, describe, quoted

DONE, UNFORESEEN, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: done; a fault of ours; bad input or what stands in the way; stopped."""

LOG = "last-error.log"


def explain(error: BaseException, data_dir: Path | None) -> tuple[str, int]:
    """Return the line that tells of an error, and the exit code."""
    if isinstance(error, KeyboardInterrupt):
        return "Stopped.", INTERRUPTED
    if isinstance(error, Cancelled):
        return str(error), INTERRUPTED
    if isinstance(error, FaceChainError):
        return str(error), BAD_INPUT
    if isinstance(error, OSError):
        return describe(error), BAD_INPUT
    if isinstance(error, MemoryError):
        return "There is not enough memory for this: try smaller or fewer pictures.", BAD_INPUT
    return _unforeseen(error, data_dir), UNFORESEEN


def _unforeseen(error: BaseException, data_dir: Path | None) -> str:
    what = f"{type(error).__name__}: {quoted(str(error))}"
    log = _keep(error, data_dir)
    place = "The log could not be written." if log is None else f"Please report it with {log}"
    return f"This is a fault of the program, not yours ({what}). {place}"


def _keep(error: BaseException, data_dir: Path | None) -> Path | None:
    """Write the traceback to the data folder, where there is one, or a temporary file."""
    system = f"facechain {__version__}, Python {sys.version}, {platform.platform()}"
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    text = f"{system}\n\n{''.join(lines)}".encode("utf-8", "backslashreplace")
    if data_dir is not None and data_dir.is_dir():
        with suppress(OSError):
            (data_dir / LOG).write_bytes(text)
            return data_dir / LOG
    with (
        suppress(OSError),
        tempfile.NamedTemporaryFile(prefix="facechain-", suffix=".log", delete=False) as stream,
    ):
        stream.write(text)
        return Path(stream.name)
    return None
