"""The photos that a person has, for new ones to be judged with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from facechain_ext.base.errors import InvalidInput, PersonNotFound
from facechain_ext.base.records import PreparedPhoto
from facechain_ext.config import PrepareConfig
from facechain_ext.library.people import PeopleLibrary, Person
from facechain_ext.studio.uploads import MOST_PHOTOS, Joined, Upload, read_uploads


@dataclass(frozen=True)
class KeptPhoto:
    """A photo of the library. stem: its id, which stays. caption: as it now stands."""

    name: str
    stem: str
    original: Path
    caption: str


@dataclass(frozen=True)
class Kept:
    """What is kept of a person, None for somebody new, and the state in which it was found."""

    person: Person | None = None
    photos: tuple[KeptPhoto, ...] = ()
    state: frozenset[object] = frozenset()

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(photo.stem for photo in self.photos)

    def before(self, uploads: Sequence[Upload], config: PrepareConfig) -> Sequence[Upload]:
        """Put these before new ones; raises InvalidInput where they are too many together."""
        together = len(self.photos) + len(uploads)
        if self.photos and together > MOST_PHOTOS:
            raise InvalidInput(
                f"With those that are kept these are {together:,} photos, more than {MOST_PHOTOS}: "
                "add fewer."
            )
        first = read_uploads([photo.original for photo in self.photos], config)
        return Joined(first, tuple(photo.name for photo in self.photos), uploads)

    def with_captions(self, judged: list[PreparedPhoto], trigger: str) -> list[PreparedPhoto]:
        """Give these the captions that they had, by the trigger word that counts from now on."""
        if self.person is None:
            return judged
        former = self.person.manifest.trigger_word
        texts = [_renamed(photo.caption, former, trigger) for photo in self.photos]
        return [*map(_with_caption, judged, texts), *judged[len(texts) :]]

    def require_unchanged(self, library: PeopleLibrary, name: str) -> None:
        """Raise what came in between: else what was deleted meanwhile would be back."""
        if self.person is None:
            if any(person.manifest.name == name for person in library.people()):
                raise InvalidInput(f"{name} was added by somebody else meanwhile. Add these again.")
            return
        with self.person.changing() as now:
            if now.manifest.name != name:
                raise self.person.gone()
            if _state(now) != self.state:
                raise InvalidInput(f"The photos of {name} were changed meanwhile. Add these again.")


def kept_photos(library: PeopleLibrary, name: str) -> Kept:
    """Find what is kept of a person, who may be new.

    Raises InvalidInput where there are crops without their originals.
    """
    try:
        person = library.get(name)
    except PersonNotFound:
        return Kept()
    state = _state(person)
    captions = {path.stem: path for path in person.captions()}
    originals = {path.stem: path for path in person.photos()}
    used = [verdict for verdict in person.verdicts() if verdict.stem is not None]
    missing = [verdict.stem for verdict in used if verdict.stem not in originals]
    if missing:
        raise InvalidInput(
            f"The originals of {person.manifest.name} were not kept ({len(missing)} are missing), "
            "so that none can be added: choose all photos again."
        )
    photos = tuple(
        KeptPhoto(v.name, v.stem, originals[v.stem], person.caption(captions[v.stem]))
        for v in used
        if v.stem is not None and v.stem in captions
    )
    return Kept(person, photos, state)


def _state(person: Person) -> frozenset[object]:
    files = [*person.photos(), *person.captions()]
    return frozenset(
        (path, found.st_mtime_ns, found.st_size, found.st_ino)
        for path in files
        for found in [path.stat()]
    )


def _renamed(caption: str, former: str, trigger: str) -> str:
    begins = caption.startswith(former) and not caption[len(former) : len(former) + 1].isalnum()
    return trigger + caption.removeprefix(former) if begins else caption


def _with_caption(photo: PreparedPhoto, caption: str) -> PreparedPhoto:
    if photo.instance is None:
        return photo
    return replace(photo, instance=replace(photo.instance, caption=caption))
