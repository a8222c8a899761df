"""Install what the host lacks, and nothing else; the webui runs this before it starts.

What is wanted stands in requirements/runtime.txt. Whatever is installed already stays exactly as it
is: pip gets all of it as constraints. The exit status is 0 whatever happens, because without our
packages the webui works and our tab says what is missing. The host shows standard output only.

Imports the standard library and packaging, which every webui has.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

from facechain_ext.installing.adding import add
from facechain_ext.installing.environment import installed_version, read_requirements
from facechain_ext.installing.imports import import_errors

REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
WANTED = REQUIREMENTS / "runtime.txt"
LIMITS = REQUIREMENTS / "limits.txt"
STAY_AWAY = ("--skip-install", "--facechain-offline")


def main() -> None:
    """Install what is missing in one call of pip; say in one sentence what could not be had."""
    missing: list[Requirement] = []
    for wanted in read_requirements(WANTED):
        found = installed_version(wanted.name)
        if found is None:
            missing.append(wanted)
        elif not wanted.specifier.contains(found, prereleases=True):
            say(f"wants {wanted}; {wanted.name} {found} is installed and stays as it is.")
    if not missing:
        return
    names = " and ".join(wanted.name for wanted in missing)
    if told_to_stay_away():
        say(f"{names} not installed, as installing is turned off. {CONSEQUENCE}")
    elif error := add(missing, LIMITS):
        say(f"{names} could not be installed ({error}). {CONSEQUENCE}")
    else:
        errors = import_errors(wanted.name for wanted in missing)
        broken = [
            f"{name} cannot be imported here: {error}" for name, error in errors.items() if error
        ]
        say("; ".join([f"installed {names}", *broken]) + ".")


CONSEQUENCE = "The webui works as before; the FaceChain tab shows what is missing."


def say(sentence: str) -> None:
    """Print a sentence, also where the console has not all of its letters."""
    encoding = sys.stdout.encoding or "ascii"
    print(f"FaceChain: {sentence}".encode(encoding, "replace").decode(encoding), flush=True)


def told_to_stay_away() -> bool:
    """Whether the user wants nothing installed: --skip-install as the host sees it, or our flag."""
    told = shlex.split(os.environ.get("COMMANDLINE_ARGS", ""), posix=os.name != "nt")
    words = {*told, *sys.argv, *_launchers_words()}
    return not words.isdisjoint(STAY_AWAY) or _host_skips()


def _launchers_words() -> Iterator[str]:
    """Yield what the webui was started with: it hands its own flags on to no installer."""
    try:
        import psutil
    except ImportError:
        return
    try:
        for parent in psutil.Process().parents():
            yield from parent.cmdline()
    except psutil.Error:  # another user's
        return


def _host_skips() -> bool:
    try:
        from launch import args
    except ImportError:
        return False
    return bool(getattr(args, "skip_install", False))


if __name__ == "__main__":
    main()
