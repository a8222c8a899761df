"""The people library on disk: one folder per person, atomic changes, real deletion.

The manifest's name says who a person is (`names.identity`); folders have slugs of their own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from itertools import chain
from pathlib import Path

from facechain_ext.base.errors import Busy, InvalidInput, PersonNotFound, quoted
from facechain_ext.imaging.files import files_in
from facechain_ext.library import archive, settling
from facechain_ext.library.locking import locked
from facechain_ext.library.manifest import MANIFEST, Manifest, Run
from facechain_ext.library.names import (
    checked,
    fits,
    free_slug,
    identity,
    slugify,
    tidy,
    typed_as_slug,
)
from facechain_ext.library.person import LOCK, NEW, PATIENCE, Person
from facechain_ext.library.places import Damaged, Places

__all__ = ["MANIFEST", "Damaged", "Manifest", "PeopleLibrary", "Person", "Run", "slugify"]


MOST_NAMED = 20
"""People whom a sentence lists."""


@dataclass(frozen=True)
class PeopleLibrary(Places):
    """All people under one root folder; lora_dir and output_dir are where their results go."""

    def people(self) -> list[Person]:
        """Everybody who can be read, by folder name; `damaged` has the others."""
        return [person for person in self.everybody() if isinstance(person, Person)]

    def trained(self) -> list[Person]:
        """Everybody who can be read and has a LoRA."""
        return [person for person in self.people() if person.latest_run is not None]

    def damaged(self) -> list[Damaged]:
        """Those whose manifest is damaged or newer than this version, with what is wrong."""
        return [person for person in self.everybody() if isinstance(person, Damaged)]

    @contextmanager
    def changing(self, patience: float | None = PATIENCE) -> Iterator[None]:
        """Hold the library's lock, with nothing left half done by those who held it before.

        That is looked for where somebody ended without giving a lock back, or in the middle.
        """
        with self._held(patience):
            yield

    @contextmanager
    def _held(self, patience: float | None, *, settle: bool = False) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True)
        with locked(self.root / LOCK, patience=patience) as taken:
            if taken is None:
                if settle:
                    settling.settle(self)
            elif settling.settle_hidden(self) or taken.was_left or settle:
                taken.stays = not settling.settle(self)
            yield

    def settle(self) -> None:
        """Finish or take back what a crash left; nothing where there is no library yet, where
        nobody may write, or while somebody else changes it, who has done the same."""
        if os.access(self.root, os.W_OK):
            with suppress(Busy, PermissionError), self._held(0, settle=True):
                pass

    def get(self, name: str) -> Person:
        """Find a person by name, or by slug where nobody has that name.

        Raises PersonNotFound naming who is there, InvalidInput for one who is damaged.
        """
        found = self._find(name)
        if isinstance(found, Damaged):
            raise found.error
        return found

    def _find(self, name: str) -> Person | Damaged:
        everybody = self.everybody()
        if found := _named(everybody, name):
            return found
        slug = typed_as_slug(name)
        if found := next((person for person in everybody if person.slug == slug), None):
            return found
        named = [f"{_called(person)} ({person.slug})" for person in everybody[:MOST_NAMED]]
        more = [f"{len(everybody) - MOST_NAMED:,} more"] if len(everybody) > MOST_NAMED else []
        others = ", ".join([*named, *more]) or "nobody yet"
        raise PersonNotFound(f"Nobody is called {quoted(name)} here. Known: {others}.")

    def create_or_get(self, name: str, trigger_word: str, owner: str = "") -> Person:
        """Add a person, or take the existing one with this trigger word from now on.

        Raises InvalidInput where that one is somebody else's.
        """
        with self.changing():
            if found := self._already(name):
                require_owner(found, owner)
                return found.save(trigger_word=trigger_word)
            with self.draft(name, trigger_word, owner) as draft:
                return self.adopt(draft)

    def _already(self, name: str) -> Person | None:
        """Find a person by name alone; raises the error of one who is damaged."""
        found = _named(self.everybody(), name)
        if isinstance(found, Damaged):
            raise found.error
        return found

    def require_owner(self, name: str, owner: str) -> None:
        """Raise InvalidInput where somebody else has a person of that name."""
        if known := self._already(name):
            require_owner(known, owner)

    @contextmanager
    def draft(self, name: str, trigger_word: str, owner: str = "") -> Iterator[Person]:
        """Make a person whom nobody sees until `adopt`; what is not adopted is removed.

        owner: whose they are if they are new; empty for everybody's.
        """
        name = checked(name)
        folder, held = settling.new_draft(self.root)
        try:
            created = datetime.now(timezone.utc).isoformat()
            yield Person(folder, Manifest(name, trigger_word, created, owner=owner)).save()
        finally:
            settling.discard_draft(folder, held)

    def adopt(self, draft: Person) -> Person:
        """Take a draft in: as somebody new, or its photos and crops in place of the person's.

        A draft's attributes and trigger word count from now on; trainings stay. Raises InvalidInput
        where the person is somebody else's.
        """
        with self.changing():
            known = self._already(draft.manifest.name)
            if known is None:
                folder = self.root / self._free_slug(draft.manifest.name)
                draft.folder.replace(folder)
                return settling.settle_person(self, Person.read(folder))
            require_owner(known, draft.manifest.owner)
            settling.bring(draft.folder, known.folder / NEW)
            return known.take_new()

    def current(self, person: Person) -> Person:
        """Return a person as they are now, a draft as whom it becomes; raises PersonNotFound."""
        if person.is_draft:
            return self.adopt(person)
        with person.changing() as now:
            return now

    def _free_slug(self, name: str) -> str:
        there = {path.name.lower() for path in self.root.iterdir()}
        return free_slug(name, lambda s: s in there or (self.output_dir / s).exists())

    def rename(self, name: str, new_name: str) -> Person:
        """Change a person's name and folder; finished LoRAs keep their file names.

        While a training writes into the folder it keeps its name, and gets the new one later.
        """
        new_name = checked(new_name)
        with self.changing():
            person = self.get(name)
            other = _named(self.everybody(), new_name)
            if other is not None and other.folder != person.folder:
                raise InvalidInput(f"{new_name!r} is taken: {other.slug} has that name already.")
            if fits(person.slug, new_name):
                return person.save(name=new_name)
            moving = (person.slug, self._free_slug(new_name))
            return settling.finish_move(self, person.save(name=new_name, moving=moving))

    def delete(self, name: str) -> list[Path]:
        """Remove photos, crops, runs, LoRAs and portraits of a person, damaged or not.

        Returns what was removed. Raises InvalidInput where another program holds some of it, which
        then goes with the next change of the library.
        """
        with self.changing():
            person = self._find(name)
            try:
                gone, elsewhere = settling.put_aside(self, person)
                settling.remove(gone)
            except OSError as error:
                raise InvalidInput(
                    f"Not all of {_called(person)} could be removed ({error}). Close what shows "
                    "their files and delete again, or change anything else: the rest then goes too."
                ) from error
            return [*elsewhere, person.folder]

    def files(self, name: str) -> list[Path]:
        """Return every file that deleting the person would remove."""
        person = self._find(name)
        folders = person.folder, *self.portrait_folders(person)
        return [*chain.from_iterable(map(files_in, folders)), *self.lora_files(person)]

    def portraits_folder(self, name: str) -> Path:
        """Return where this person's portraits go unless told otherwise."""
        return self.output_dir / self.get(name).slug

    def place_for(self, name: str, nobodys: str) -> Path:
        """Return the same, or the folder beside it of what is made of nobody in the library."""
        return self.portraits_folder(name) if name else self.output_dir / nobodys

    def export(self, name: str, archive_path: Path) -> Path:
        """Write everything about a person, finished LoRAs included, to one zip file."""
        with self.changing():
            return archive.export(self, self.get(name), archive_path)

    def import_(
        self, source: Path, name: str = "", lora_folder: str = "", owner: str = ""
    ) -> Person:
        """Take in an export, zipped or unpacked, its LoRAs and portraits put back.

        name: instead of the one it was exported under. lora_folder: inside lora_dir. owner: whose
        they are from now on. Raises InvalidInput for what is no export, is damaged, or has a name
        that is taken.
        """
        folder, held = settling.new_draft(self.root)
        try:
            manifest = archive.unpack(source, folder, lora_folder)
            draft = Person(folder, replace(manifest, name=checked(name or manifest.name)))
            with self.changing():
                if (taken := _named(self.everybody(), draft.manifest.name)) is not None:
                    raise InvalidInput(
                        f"{draft.manifest.name!r} is taken: {taken.slug} has that name already. "
                        "Import under another name."
                    )
                new = archive.with_free_loras(self, draft).manifest
                changes = {"name": new.name, "runs": new.runs, "owner": owner}
                return self.adopt(draft.save(**changes, moving=()))
        finally:
            settling.discard_draft(folder, held)


def require_owner(person: Person, owner: str) -> None:
    """Raise InvalidInput where an owner would change what is somebody else's."""
    if owner and person.manifest.owner != owner:
        raise InvalidInput(f"{person.manifest.name!r} is taken; choose another name.")


def _named(everybody: list[Person | Damaged], name: str) -> Person | Damaged | None:
    """Find who has a name; of copies of one folder the one whose slug was typed."""
    wanted = identity(name)
    found = [p for p in everybody if identity(_called(p)) == wanted]
    if len(found) > 1:
        typed = [person for person in found if person.slug == tidy(name)]
        if not typed:
            folders = ", ".join(person.slug for person in found)
            raise InvalidInput(f"Several folders are called {name!r}: {folders}. Name the folder.")
        found = typed
    return found[0] if found else None


def _called(person: Person | Damaged) -> str:
    return person.manifest.name if isinstance(person, Person) else person.name or person.slug
