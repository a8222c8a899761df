"""What was said of photos, and single photos that go."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import (
    Attributes,
    Gender,
    Photo,
    PreparedPhoto,
    Reason,
    Verdict,
)
from facechain_ext.library import locking
from facechain_ext.library.people import PeopleLibrary, Person
from facechain_ext.library.verdicts import FILE, PhotoVerdict, verdicts_of
from tests.library.conftest import make_instance

GOOD, BAD = Verdict(True, None, "Used."), Verdict(False, Reason.NO_FACE, "No face.")


def with_photos(library: PeopleLibrary) -> Person:
    judged = [
        PreparedPhoto("été.jpg", GOOD, make_instance(0)),
        PreparedPhoto("wall.jpg", BAD),
        PreparedPhoto("b.jpg", GOOD, make_instance(1)),
    ]
    person = library.create_or_get("Ana", "fcsks")
    person.save_photos([Photo(n, np.zeros((8, 8, 3), np.uint8)) for n in ("été.jpg", "b.jpg")])
    crops = [photo.instance for photo in judged if photo.instance]
    person.save_instances(crops, verdicts_of(judged))
    return library.get("Ana")


def test_they_come_back_in_the_order_of_the_photos(library: PeopleLibrary) -> None:
    assert with_photos(library).verdicts() == [
        PhotoVerdict("été.jpg", True, None, "Used.", "000"),
        PhotoVerdict("wall.jpg", False, Reason.NO_FACE, "No face."),
        PhotoVerdict("b.jpg", True, None, "Used.", "001"),
    ]


@pytest.mark.parametrize("left", [None, b"", b"[{}]", b'[{"name": 1}', b"\xff"])
def test_photos_of_an_earlier_version_count_as_used(
    library: PeopleLibrary, left: bytes | None
) -> None:
    person = with_photos(library)
    path = person.folder / "instances" / FILE
    path.unlink() if left is None else path.write_bytes(left)
    assert [(v.name, v.accepted, v.stem) for v in person.verdicts()] == [
        ("000", True, "000"),
        ("001", True, "001"),
    ]


def test_a_photo_goes_with_its_crop_and_what_was_said_of_it(library: PeopleLibrary) -> None:
    person = with_photos(library)
    left = person.delete_photo("000")
    assert [v.name for v in left.verdicts()] == ["wall.jpg", "b.jpg"]
    assert [path.stem for path in (*left.photos(), *left.captions())] == ["001", "001"]
    assert len(left.load_instances()) == 1
    assert not list(person.folder.rglob("000*"))
    with pytest.raises(InvalidInput, match="has no photo '000'"):
        left.delete_photo("000")
    assert left.delete_photo("001").load_instances() == []
    assert [v.name for v in library.get("Ana").verdicts()] == ["wall.jpg"]


@pytest.mark.parametrize("write", range(1, 14, 2))
def test_a_photo_that_was_going_when_the_program_died_is_there_or_gone(
    library: PeopleLibrary, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    person = with_photos(library)
    before = contents(person)
    writes, replace_file, unlink = count(1), os.replace, Path.unlink

    def dying(action: Callable[..., None]) -> Callable[..., None]:
        def act(*arguments: Any, **options: Any) -> None:
            if next(writes) == write:
                raise KeyboardInterrupt
            action(*arguments, **options)

        return act

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(os, "replace", dying(replace_file))
        patched.setattr(Path, "unlink", dying(unlink))
        person.delete_photo("000")
    library.settle()
    assert contents(person) in (before, {n for n in before if "000" not in n})
    assert not list(person.folder.rglob(".*"))


def contents(person: Person) -> set[str]:
    """Tell what is there of a person's photos."""
    files = {path.relative_to(person.folder).as_posix() for path in person.folder.rglob("0*.*")}
    return files | {f"{v.name} {v.stem}" for v in person.verdicts()}


def test_a_photo_can_go_beside_a_damaged_one_and_others_are_described_anew(
    library: PeopleLibrary,
) -> None:
    person = with_photos(library)
    young = replace(make_instance(2), attributes=Attributes(Gender.MAN, 20.0))
    person.save_instances([make_instance(0), young, make_instance(1)])
    (person.folder / "instances" / "002.npz").write_bytes(b"cut")
    left = person.delete_photo("000")
    assert left.manifest.attributes == library.get("Ana").manifest.attributes
    assert (left.manifest.attributes.gender, left.manifest.attributes.age) == (Gender.MAN, 20.0)
    assert left.delete_photo("002").delete_photo("001").manifest.attributes == Attributes()


@pytest.mark.parametrize("stem", ["", "..", "../../person", "000.png", "C:", "*"])
def test_nothing_but_a_photo_can_be_named(library: PeopleLibrary, stem: str) -> None:
    person = with_photos(library)
    before = sorted(person.folder.rglob("*"))
    with pytest.raises(InvalidInput):
        person.delete_photo(stem)
    assert sorted(person.folder.rglob("*")) == before


def test_crops_are_read_where_nobody_may_write(
    library: PeopleLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = with_photos(library)

    def refuse(path: object, mode: int) -> bool:
        return mode != os.W_OK

    monkeypatch.setattr(os, "access", refuse)
    monkeypatch.setattr(Person, "changing", None)
    assert len(person.load_instances()) == 2


def test_a_lock_that_cannot_be_made_keeps_nobody_from_reading(
    library: PeopleLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = with_photos(library)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Access is denied", str(path))

    monkeypatch.setattr(locking, "_open", refuse)
    library.settle()
    assert len(library.get("Ana").load_instances()) == len(person.verdicts()) - 1
    with pytest.raises(PermissionError):
        person.save(trigger_word="x")


def test_an_export_takes_them_along(library: PeopleLibrary, tmp_path: Path) -> None:
    told = with_photos(library).verdicts()
    archive = library.export("Ana", tmp_path / "ana.zip")
    assert library.import_(archive, "Eva").verdicts() == told
