"""Calls of pip, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from facechain_ext.installing.process import run_python

LONGEST = 30 * 60
"""Seconds after which pip is stopped; an index that does not answer gives up long before."""

WHEELS_ONLY = ("--only-binary=:all:", "--prefer-binary")
QUIET = ("--no-input", "--disable-pip-version-check")

UNREACHED = re.compile(r"after connection broken by '(\w+)")
"""What pip writes when it tries once more, and why."""
NOTHING_FOUND = "(from versions: none)"


@dataclass(frozen=True)
class Answer:
    """Whether pip did what it was told, and what it wrote."""

    done: bool
    output: str

    @property
    def contradictory(self) -> bool:
        """Whether pip found no versions that go together."""
        return "ResolutionImpossible" in self.output

    @property
    def stumbled(self) -> bool:
        """Whether pip broke off at a version of another package that it cannot read, as it does
        from 24.1 on once all is installed and it looks round for conflicts."""
        return "InvalidVersion" in self.output

    @property
    def reason(self) -> str:
        """The first error that pip names, else the last that it wrote; without a full stop.

        That nothing of a name was found means little where the index could not be asked.
        """
        broken = UNREACHED.search(self.output)
        if broken and NOTHING_FOUND in self.output:
            return f"there is no connection to the index of packages ({broken[1]})"
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        return (errors or lines[-1:] or ["pip gave no reason"])[0].rstrip(".")


def install(*arguments: str) -> Answer:
    """Install wheels from the index that the webui was told to use."""
    index = os.environ.get("INDEX_URL", "")
    source = ("--index-url", index) if index else ()
    return _pip("install", "--retries=2", *WHEELS_ONLY, *source, *arguments)


def uninstall(names: Iterable[str]) -> Answer:
    """Remove packages, and nothing but these."""
    return _pip("uninstall", "--yes", *names)


def _pip(command: str, *arguments: str) -> Answer:
    try:
        done = run_python("-m", "pip", command, *QUIET, *arguments, seconds=LONGEST)
    except subprocess.TimeoutExpired:
        return Answer(False, f"ERROR: pip had not finished after {LONGEST // 60} minutes")
    return Answer(done.returncode == 0, done.stdout + done.stderr)
