"""Install what the host lacks, and nothing else; the webui runs this before it starts.

What is wanted stands in requirements/runtime.txt. Whatever is installed already stays exactly as it
is: pip gets all of it as constraints. The exit status is 0 whatever happens, because without our
packages the webui works and our tab says what is missing. The host shows standard output only.

Imports the standard library and packaging, which every webui has.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import VERSION_PATTERN, InvalidVersion, Version

REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
WANTED = REQUIREMENTS / "runtime.txt"
OLD_HOST = REQUIREMENTS / "old-host.txt"
NEW_TRANSFORMERS = Version("5")
STAY_AWAY = ("--skip-install", "--facechain-offline")
WHEELS_ONLY = ("--only-binary=:all:", "--prefer-binary")
PIP_INSTALL = ("-m", "pip", "install", "--no-input", "--retries=2", *WHEELS_ONLY)


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
    elif error := install(missing):
        say(f"{names} could not be installed ({error}). {CONSEQUENCE}")
    else:
        say(f"installed {names}.")


CONSEQUENCE = "The webui works as before; the FaceChain tab shows what is missing."


def say(sentence: str) -> None:
    print(f"FaceChain: {sentence}")


def read_requirements(path: Path) -> Iterator[Requirement]:
    """Parse the lines that hold for this Python and system."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if text := line.partition("#")[0].strip():
            wanted = Requirement(text)
            if wanted.marker is None or wanted.marker.evaluate():
                yield wanted


def installed_version(name: str) -> Version | None:
    """Return the version in use; 0 where it is installed and says nothing that can be compared."""
    try:
        return Version(version(name))
    except PackageNotFoundError:
        return None
    except (InvalidVersion, TypeError):  # TypeError: no version at all
        return Version("0")


def told_to_stay_away() -> bool:
    """Whether the user wants nothing installed: --skip-install as the host sees it, or our flag."""
    words = shlex.split(os.environ.get("COMMANDLINE_ARGS", ""), posix=os.name != "nt")
    return any(flag in (*words, *sys.argv) for flag in STAY_AWAY) or _host_skips()


def _host_skips() -> bool:
    try:
        from launch import args
    except ImportError:
        return False
    return bool(getattr(args, "skip_install", False))


def install(missing: Sequence[Requirement]) -> str:
    """Call pip once, changing nothing that is installed; returns why it failed, or nothing."""
    with TemporaryDirectory(prefix="facechain-") as folder:
        pins = Path(folder) / "installed.txt"
        pins.write_text("\n".join(pinned(everything_installed())), encoding="utf-8")
        limits = ["-c", str(pins), *_limits(), *_index()]
        done = subprocess.run(
            [sys.executable, *PIP_INSTALL, *limits, *map(str, missing)],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    return "" if done.returncode == 0 else _reason(done.stdout + done.stderr)


def everything_installed() -> dict[str, str]:
    """Map every installed package to its version; the first on the path is the one in use."""
    found: dict[str, str] = {}
    for distribution in distributions():
        name = distribution.metadata["Name"]
        if name and distribution.version:
            found.setdefault(canonicalize_name(name), distribution.version)
    return found


def pinned(installed: Mapping[str, str]) -> Iterator[str]:
    """Write constraints; a version that pip could not parse is left out."""
    for name, number in sorted(installed.items()):
        if re.fullmatch(VERSION_PATTERN, number, re.VERBOSE | re.IGNORECASE):
            yield f"{name}=={number}"


def _limits() -> Iterable[str]:
    transformers = installed_version("transformers")
    old = transformers is not None and transformers < NEW_TRANSFORMERS
    return ("-c", str(OLD_HOST)) if old else ()


def _index() -> Iterable[str]:
    """Use the index that the host was told to use."""
    index = os.environ.get("INDEX_URL", "")
    return ("--index-url", index) if index else ()


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines[-1:] or ["pip gave no reason"])[0].rstrip(".")


if __name__ == "__main__":
    main()
