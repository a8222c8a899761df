"""Calls about people, their photos and captions. person: the slug, as lists tell it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from facechain_ext.client.call import Call, at
from facechain_ext.client.reading import answer_of
from facechain_ext.client.records import (
    Captions,
    Deleted,
    PeoplePage,
    Person,
    PhotoList,
    TrainedLora,
)


def people(search: str = "", after: str = "", limit: int = 100) -> Call[PeoplePage]:
    """List people by slug; after: `next` of the page before."""
    query = {"search": search, "after": after, "limit": limit}
    return Call("GET", "people", answer_of(PeoplePage), query)


def person(slug: str) -> Call[Person]:
    """Look at a person; raises PersonNotFound."""
    return Call("GET", at("people", slug), answer_of(Person))


def add_person(name: str, trigger_word: str | None = None) -> Call[Person]:
    """Add a person; raises Taken. A training that brings photos adds one, too."""
    given = {"name": name, "trigger_word": trigger_word}
    return Call("POST", "people", answer_of(Person), body=_told(given))


def change_person(
    slug: str, name: str | None = None, trigger_word: str | None = None
) -> Call[Person]:
    """Rename a person, who gets a new slug, or change their trigger word."""
    given = {"name": name, "trigger_word": trigger_word}
    return Call("PATCH", at("people", slug), answer_of(Person), body=_told(given))


def delete_person(slug: str) -> Call[Deleted]:
    """Delete all that is kept about a person; nothing brings it back."""
    return Call("DELETE", at("people", slug), answer_of(Deleted))


def export_person(slug: str, archive: Path) -> Call[Path]:
    """Write all about a person to a zip file here."""
    return Call("GET", at("people", slug, "export"), lambda _: archive, into=archive)


def import_person(archive: Path, name: str = "") -> Call[Person]:
    """Take a person in from an export; name: instead of the one in it."""
    query = {"name": name} if name else {}
    return Call("POST", "people/import", answer_of(Person), query, archive=archive)


def publish(
    slug: str, run: str | None = None, step: int | None = None, name: str = ""
) -> Call[TrainedLora]:
    """Make a LoRA of an earlier snapshot; run: the newest, step: the most alike unless given."""
    given = {"run": run, "step": step, "name": name or None}
    return Call("POST", at("people", slug, "loras"), answer_of(TrainedLora), body=_told(given))


def photos(slug: str) -> Call[PhotoList]:
    """List a person's photos, with what was said of each."""
    return Call("GET", at("people", slug, "photos"), answer_of(PhotoList))


def delete_photo(slug: str, stem: str) -> Call[PhotoList]:
    """Delete a photo, its crop and its caption; answers with those that are left."""
    return Call("DELETE", at("people", slug, "photos", stem), answer_of(PhotoList))


def photo(slug: str, stem: str) -> Call[bytes]:
    """Get a photo that is kept, as a JPEG."""
    return Call("GET", at("people", slug, "photos", stem), bytes)


def thumbnail(slug: str, stem: str, size: int = 256) -> Call[bytes]:
    """Get a photo made small, as a JPEG; size: pixels of the longer side."""
    return Call("GET", at("people", slug, "photos", stem, "thumbnail"), bytes, {"size": size})


def captions(slug: str) -> Call[Captions]:
    """Get what the training pictures show, in words."""
    return Call("GET", at("people", slug, "captions"), answer_of(Captions))


def set_captions(slug: str, captions: Mapping[str, str]) -> Call[Captions]:
    """Change captions by the stems of their crops; those left out stay."""
    body = {"captions": dict(captions)}
    return Call("PUT", at("people", slug, "captions"), answer_of(Captions), body=body)


def _told(given: Mapping[str, str | int | None]) -> dict[str, str | int]:
    return {key: value for key, value in given.items() if value is not None}
