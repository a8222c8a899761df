"""Whom a user may see: people are found by their folder's name, those of others not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from facechain_ext.api.errors import NotFound, Taken
from facechain_ext.api.operation import Call
from facechain_ext.base.errors import PersonNotFound
from facechain_ext.base.host import HostPaths
from facechain_ext.library.manifest import MANIFEST
from facechain_ext.library.names import checked, identity, tidy
from facechain_ext.library.people import Damaged, Person

SLUG = re.compile(r"[^\W_][\w \-().]{0,99}")
"""A folder of the library; hidden ones are no people."""

SLUG_HELP = "The person's id: `slug` in the answers."


def everybody(call: Call) -> list[Person | Damaged]:
    """Return all whom the user may see, by slug."""
    everybody = call.services.studio.library.everybody()
    return (
        [e for e in everybody if is_visible(call, e)] if call.services.config.owners else everybody
    )


def is_visible(call: Call, who: Person | Damaged) -> bool:
    """Tell whether the user may see somebody; whose a damaged manifest is cannot be told."""
    if not call.services.config.owners:
        return True
    return isinstance(who, Person) and who.manifest.owner == call.owner


def person_at(call: Call) -> Person:
    """Return the person of an address; raises PersonNotFound, or what is wrong with a damaged one.

    The same sentence whether there is nobody, or somebody else's.
    """
    folder = _folder_at(call)
    person = Person.read(folder)
    if not is_visible(call, person):
        raise _nobody(folder.name)
    return person


def found_at(call: Call) -> Person | Damaged:
    """Return who is at an address, damaged or not; raises PersonNotFound."""
    folder = _folder_at(call)
    for who in everybody(call):
        if who.slug == folder.name:
            return who
    raise _nobody(folder.name)


def _folder_at(call: Call) -> Path:
    slug = call.path["slug"]
    folder = call.services.studio.library.root / slug
    if SLUG.fullmatch(slug) is None or not (folder / MANIFEST).is_file():
        raise _nobody(slug)
    return folder


def _nobody(slug: str) -> PersonNotFound:
    return PersonNotFound(f"There is no person {slug[:60]!a} here.")


def known_as(call: Call, who: Person | Damaged) -> str:
    """Return what the library and the queue call this one and nobody else.

    Their name; of copies of one folder the slug. Raises Taken where that is somebody's name.
    """
    everybody = call.services.studio.library.everybody()
    for name in (called(who), who.slug):
        if all(each.slug == who.slug or not _is(name, called(each)) for each in everybody):
            return name
    raise Taken(f"Several people are called {called(who)!r}. Rename one of their folders.")


def called(who: Person | Damaged) -> str:
    """Return somebody's name, as far as it can be read."""
    return who.manifest.name if isinstance(who, Person) else who.name or who.slug


def person_named(call: Call, wanted: str, *, may_be_new: bool) -> str:
    """Return the name of somebody who is there, or of somebody new."""
    everybody = call.services.studio.library.everybody()
    seen = [who for who in everybody if is_visible(call, who)]
    for who in seen:
        if who.slug == wanted:
            return known_as(call, who)
    if any(_is(called(who), wanted) for who in seen):
        return tidy(wanted)
    if not may_be_new:
        raise PersonNotFound(f"There is no person {wanted[:60]!a} here.")
    if len(seen) < len(everybody) and any(_is(called(who), wanted) for who in everybody):
        raise Taken(f"{wanted!r} is taken. Choose another name.")
    return checked(wanted)


def _is(name: str, other: str) -> bool:
    return identity(name) == identity(other)


def file_of(files: Iterable[Path], stem: str, what: str) -> Path:
    """Return one of some files by its stem; raises NotFound."""
    found = next((path for path in files if path.stem == stem), None)
    if found is None:
        raise NotFound(f"There is no {what} {stem[:60]!a} here.")
    return found


def public_name(paths: HostPaths, path: Path) -> str:
    """Return what a file is called in answers: its place below the folder that it lies in."""
    for folder, name in (
        (paths.people_dir, "people"),
        (paths.output_dir, "portraits"),
        (paths.lora_dir, "lora"),
        (paths.data_dir, "data"),
    ):
        if path.is_relative_to(folder):
            return PurePosixPath(name, *path.relative_to(folder).parts).as_posix()
    return path.name
