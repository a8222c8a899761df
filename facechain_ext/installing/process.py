"""Python in a process of its own, whose output is read whatever a console can write."""

from __future__ import annotations

import os
import subprocess
import sys


def run_python(
    *arguments: str, seconds: float, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run this Python with arguments and further environment variables, and without input.

    Raises subprocess.TimeoutExpired after so many seconds.
    """
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=seconds,
        check=False,
    )
