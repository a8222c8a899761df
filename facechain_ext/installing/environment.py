"""What is installed, read from metadata alone: nothing is imported."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distributions, metadata, requires, version
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version


def read_requirements(path: Path) -> Iterator[Requirement]:
    """Parse the lines that hold for this Python and system."""
    for text in lines_of(path):
        wanted = Requirement(text)
        if wanted.marker is None or wanted.marker.evaluate():
            yield wanted


def lines_of(path: Path) -> Iterator[str]:
    """Yield what stands in a list of packages, without its comments."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if text := line.partition("#")[0].strip():
            yield text


def installed_version(name: str) -> Version | None:
    """Return the version in use; 0 where it is installed and says nothing that can be compared."""
    try:
        return Version(version(name))
    except PackageNotFoundError:
        return None
    except (InvalidVersion, TypeError):  # TypeError: no version at all
        return Version("0")


def everything_installed() -> dict[str, str]:
    """Map every installed package to its version; the first on the path is the one in use."""
    importlib.invalidate_caches()  # pip adds to it in a process of its own
    found: dict[str, str] = {}
    for distribution in distributions():
        name = distribution.metadata["Name"]
        if name and distribution.version:
            found.setdefault(canonicalize_name(name), distribution.version)
    return found


def required_by(name: str) -> Iterator[Requirement]:
    """Yield what an installed package cannot do without here."""
    return (each for each in _asked_by(name) if _holds(each, [""]))


def mentioned_by(name: str) -> Iterator[Requirement]:
    """Yield what an installed package asks for here, what is optional to it included."""
    try:
        extras = metadata(name).get_all("Provides-Extra") or []
    except PackageNotFoundError:
        return iter(())
    return (each for each in _asked_by(name) if _holds(each, ["", *extras]))


def unmet(names: Iterable[str]) -> list[str]:
    """Say which requirements of installed packages are not met by what is installed."""
    return [f"{name} requires {each.name}{each.specifier}" for name, each in lacking(names)]


def lacking(names: Iterable[str]) -> list[tuple[str, Requirement]]:
    """List what installed packages require and is not there, or not in such a version."""
    found = []
    for name in names:
        for each in required_by(name):
            here = installed_version(each.name)
            if here is None or not each.specifier.contains(here, prereleases=True):
                found.append((name, each))
    return found


def reach(names: Iterable[str]) -> set[str]:
    """Follow what installed packages require to the end; they are among what is returned."""
    seen: set[str] = set()
    ahead = [*names]
    while ahead:
        name = canonicalize_name(ahead.pop())
        if name not in seen:
            seen.add(name)
            ahead += [each.name for each in required_by(name)]
    return seen


def _asked_by(name: str) -> Iterator[Requirement]:
    try:
        lines = requires(name) or []
    except PackageNotFoundError:
        return iter(())
    return filter(None, map(_parsed, lines))


def _parsed(line: str) -> Requirement | None:
    """Read a requirement; None for one of an old package that pip leaves out, too."""
    try:
        return Requirement(line)
    except InvalidRequirement:
        return None


def _holds(asked: Requirement, extras: Iterable[str]) -> bool:
    marker = asked.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)
