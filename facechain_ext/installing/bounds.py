"""Between which versions a package can be added without breaking what the webui imports."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import VERSION_PATTERN, Version

from facechain_ext.installing.environment import installed_version, lines_of, mentioned_by

HOSTS_OWN = ("diffusers", "transformers", "accelerate")
"""What a webui imports when it starts and what imports, in turn, what we add."""

BESIDE = " beside "

OPENCV = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
"""Packages of one module: a second one writes over the files of the first."""


@dataclass(frozen=True)
class Bound:
    """Versions that can be taken of a package, and what installed one says so."""

    package: str
    versions: SpecifierSet
    because_of: str

    def __str__(self) -> str:
        return f"{self.package}{self.versions}"


def bounds(names: Collection[str], limits: Path | None) -> list[Bound]:
    """List what binds the packages that are to be added.

    From below it is what the webui's own libraries ask of them where they are optional to them:
    diffusers refuses to be imported beside an older peft. From above it is a list of ours.
    """
    wanted = {canonicalize_name(name) for name in names}
    found = [*_asked(), *(_limits(limits) if limits else ())]
    return [each for each in dict.fromkeys(found) if each.package in wanted]


def contradiction(found: Iterable[Bound]) -> str:
    """Say which two bounds leave no version of a package, if any do."""
    known = [*found]
    for low in known:
        for high in known:
            if low.package == high.package and _lowest(low.versions) >= _end(high.versions):
                return (
                    f"{low.because_of} asks for {low} and {high.because_of} works with {high} alone"
                )
    return ""


def pinned(installed: Mapping[str, str]) -> Iterator[str]:
    """Write constraints; a version that pip could not parse is left out."""
    for name, number in sorted(installed.items()):
        if re.fullmatch(VERSION_PATTERN, number, re.VERBOSE | re.IGNORECASE):
            yield f"{name}=={number}"


def rivals(installed: Mapping[str, str]) -> Iterator[str]:
    """Write constraints that keep a second OpenCV away from one that is installed."""
    if not installed.keys().isdisjoint(OPENCV):
        yield from (f"{name}<0" for name in OPENCV if name not in installed)


def _asked() -> Iterator[Bound]:
    for name in HOSTS_OWN:
        for each in mentioned_by(name):
            if each.specifier:
                yield Bound(canonicalize_name(each.name), each.specifier, _in_use(name))


def _limits(path: Path) -> Iterator[Bound]:
    for line in lines_of(path):
        kept, beside = map(Requirement, line.split(BESIDE))
        here = installed_version(beside.name)
        if here is not None and beside.specifier.contains(here, prereleases=True):
            yield Bound(canonicalize_name(kept.name), kept.specifier, _in_use(beside.name))


def _in_use(name: str) -> str:
    return f"{name} {installed_version(name)}"


def _lowest(versions: SpecifierSet) -> Version:
    """Return the version that the set begins at, 0 where it has no beginning."""
    return max((Version(each.version) for each in versions if each.operator == ">="), default=ZERO)


def _end(versions: SpecifierSet) -> Version:
    """Return the version that the set ends before, a very high one where it has no end."""
    return min((Version(each.version) for each in versions if each.operator == "<"), default=NEVER)


ZERO, NEVER = Version("0"), Version("9999!0")
