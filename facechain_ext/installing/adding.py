"""Add packages so that either all of them are there and nothing else is changed, or none is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from facechain_ext.installing import pip
from facechain_ext.installing.bounds import bounds, contradiction, pinned, rivals
from facechain_ext.installing.environment import (
    everything_installed,
    installed_version,
    lacking,
    reach,
    unmet,
)
from facechain_ext.installing.imports import HOSTS_OWN, import_errors

MOST_TURNS = 5
"""How far the needs of our packages are followed; diffusers' end at the third."""


def add(wanted: Sequence[Requirement], limits: Path | None = None, *, usable: bool = False) -> str:
    """Install packages beside what is installed; returns why not, or nothing.

    The webui's own imports are tried before and after: where one fails that did not before, what
    was added is taken out again. limits: what binds the packages from above, where anything does.
    usable: they must be importable themselves, too.
    """
    names = [each.name for each in wanted]
    binding = bounds(names, limits)
    if reason := contradiction(binding):
        return reason
    before = everything_installed()
    working = [name for name, error in import_errors(HOSTS_OWN).items() if not error]
    with TemporaryDirectory(prefix="facechain-") as folder:
        file = Path(folder) / "constraints.txt"
        lines = [*pinned(before), *map(str, binding), *rivals(before)]
        file.write_text("\n".join(lines), encoding="utf-8")
        reason = _install(wanted, file, before)
    added = _added(before)
    if not reason:
        reason = _harm(import_errors([*working, *(names if usable else ())]))
    return reason + _take_out(added) if reason and added else reason


def _install(wanted: Sequence[Requirement], constraints: Path, before: Mapping[str, str]) -> str:
    """Call pip; a second time without dependencies where what is installed contradicts itself.

    That will do where the requirements of what is added are met all the same. Where the webui's
    own packages lack something, it is tried first: pip would add that too, gigabytes to some.
    """
    arguments = ("-c", str(constraints), *map(str, wanted))
    if unmet(before) and _come_alone([*map(str, wanted)], constraints, before):
        return ""
    first = pip.install(*arguments)
    if first.done or (first.stumbled and _are_there(wanted, before)):
        return ""
    if first.contradictory and pip.install("--no-deps", *arguments).done:
        missing = unmet(_added(before))
        return f"{first.reason}; {' and '.join(missing)}" if missing else ""
    return first.reason


def _come_alone(missing: list[str], constraints: Path, before: Mapping[str, str]) -> bool:
    """Add what is wanted and what that needs itself, in turns, and nothing that others lack.

    Where versions of what it builds upon contradict each other, nobody can tell what more would go
    with them: there it is taken out again, as it is where something cannot be had.
    """
    for _ in range(MOST_TURNS):
        if not pip.install("--no-deps", "-c", str(constraints), *missing).done:
            break
        added = _added(before)
        missing = [f"{each.name}{each.specifier}" for _, each in lacking(added)]
        if not missing:
            return True
        if _contradictory(reach(added)):
            break
    if added := _added(before):
        pip.uninstall(added)
    return False


def _contradictory(names: Iterable[str]) -> bool:
    """Whether a package asks for another version of one that is there."""
    return any(installed_version(each.name) is not None for _, each in lacking(names))


def _are_there(wanted: Sequence[Requirement], before: Mapping[str, str]) -> bool:
    added = _added(before)
    return {canonicalize_name(each.name) for each in wanted} <= {*added} and not unmet(added)


def _added(before: Mapping[str, str]) -> list[str]:
    return sorted(everything_installed().keys() - before.keys())


def _harm(errors: Mapping[str, str]) -> str:
    new = {name: error for name, error in errors.items() if error}
    return " and ".join(f"after that {name} cannot be imported: {new[name]}" for name in new)


def _take_out(added: Iterable[str]) -> str:
    """Uninstall what was added, and say so."""
    if pip.uninstall(added).done:
        return f"; taken out again: {', '.join(added)}"
    return f"; not to be had out again but by hand: pip uninstall {' '.join(added)}"
