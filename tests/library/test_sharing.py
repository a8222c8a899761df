"""A library that several users and programs share: whose people are, what is looked at anew."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from facechain_ext.base.errors import InvalidInput, PersonNotFound
from facechain_ext.library import places, settling
from facechain_ext.library.locking import claim
from facechain_ext.library.people import MANIFEST, PeopleLibrary, Person
from facechain_ext.library.person import LOCK
from facechain_ext.library.settling import run_claim
from tests.library.conftest import make_instance, with_run


def test_people_belong_to_whoever_added_them(library: PeopleLibrary) -> None:
    assert library.create_or_get("Ana", "fcsks", "ann").manifest.owner == "ann"
    assert library.create_or_get("Ana", "other", "ann").manifest.trigger_word == "other"
    for owner in ("ben", "Ann"):
        with pytest.raises(InvalidInput, match="'Ana' is taken; choose another name"):
            library.create_or_get("ana", "theirs", owner)
    assert library.create_or_get("Ana", "mine").manifest.owner == "ann"  # the computer's own user
    assert library.create_or_get("Eva", "fcsks").manifest.owner == ""


def test_photos_are_put_in_nobody_elses_person(library: PeopleLibrary) -> None:
    library.create_or_get("Ana", "fcsks", "ann")
    with library.draft("Ana", "theirs", "ben") as draft, pytest.raises(InvalidInput):
        draft.save_instances([make_instance()])
        library.adopt(draft)
    with library.draft("Ana", "word", "ann") as draft:
        draft.save_instances([make_instance()])
        assert library.adopt(draft).manifest.owner == "ann"


def test_who_takes_an_export_in_owns_it(library: PeopleLibrary, tmp_path: Path) -> None:
    library.create_or_get("Ana", "fcsks", "ann")
    archive = library.export("Ana", tmp_path / "ana.zip")
    assert library.import_(archive, "Eva", owner="ben").manifest.owner == "ben"
    assert library.import_(archive, "Ida").manifest.owner == ""


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note whose manifest is read."""
    read, noted = Person.read, list[str]()

    def noting(folder: Path) -> Person:
        noted.append(folder.name)
        return read(folder)

    monkeypatch.setattr(Person, "read", staticmethod(noting))
    return noted


def backdate(library: PeopleLibrary, *slugs: str) -> None:
    """Let manifests have been written a minute ago."""
    for slug in slugs:
        path = library.root / slug / MANIFEST
        before = path.stat().st_mtime - 60
        os.utime(path, (before, before))


def test_a_manifest_that_has_not_changed_is_read_once(
    library: PeopleLibrary, reads: list[str]
) -> None:
    for name in ("Ana", "Eva"):
        library.create_or_get(name, "fcsks")
    backdate(library, "ana", "eva")
    library.people()
    reads.clear()
    assert [p.manifest.name for p in library.people()] == ["Ana", "Eva"]
    assert library.get("Eva").manifest.name == "Eva"
    assert reads == []
    PeopleLibrary(library.root, library.lora_dir, library.output_dir).get("Ana").save(
        trigger_word="by another program"
    )
    assert library.get("Ana").manifest.trigger_word == "by another program"
    library.delete("Eva")
    assert [p.slug for p in library.people()] == ["ana"]


def test_what_could_not_be_read_is_tried_again(
    library: PeopleLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.create_or_get("Ana", "fcsks")
    backdate(library, "ana")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(OSError(5, "x")))
        assert len(library.damaged()) == 1
    assert library.damaged() == []


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no time of the last change at all")
def test_an_edit_that_keeps_time_and_size_is_seen(library: PeopleLibrary) -> None:
    library.create_or_get("Ana", "fcsks")
    backdate(library, "ana")
    path = library.root / "ana" / MANIFEST
    stat = path.stat()
    library.people()
    path.write_text(path.read_text("utf-8").replace("fcsks", "other"), encoding="utf-8")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert library.get("Ana").manifest.trigger_word == "other"


def test_threads_may_list_while_people_change(library: PeopleLibrary) -> None:
    for number in range(20):
        library.create_or_get(f"Somebody {number}", "fcsks")
    backdate(library, *(person.slug for person in library.people()))

    def list_all(_: int) -> int:
        return len(library.people())

    with ThreadPoolExecutor(4) as pool:
        counted = pool.map(list_all, range(40))
        for number in range(5):
            library.get(f"Somebody {number}").save(trigger_word="other")
        assert set(counted) == {20}
    assert [p.manifest.trigger_word for p in library.people()].count("other") == 5


def test_of_many_people_a_few_are_named(library: PeopleLibrary) -> None:
    for number in range(22):
        library.create_or_get(f"Somebody {number}", "fcsks")
    with pytest.raises(PersonNotFound, match=r"Somebody 0 .*, 2 more\.$"):
        library.get("nobody")


def test_changes_within_one_moment_are_seen(library: PeopleLibrary) -> None:
    library.create_or_get("Ana", "fcsks")
    path = library.root / "ana" / MANIFEST
    stat = path.stat()
    assert library.get("Ana").manifest.trigger_word == "fcsks"
    path.write_text(path.read_text("utf-8").replace("fcsks", "other"), encoding="utf-8")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert library.get("Ana").manifest.trigger_word == "other"


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note who is looked through for what a crash left."""
    settle, noted = settling._settle_one, list[str]()

    def noting(library: places.Places, person: Person | places.Damaged) -> None:
        noted.append(person.slug)
        settle(library, person)

    monkeypatch.setattr(settling, "_settle_one", noting)
    return noted


def test_people_are_looked_through_after_a_crash_alone(
    library: PeopleLibrary, settled: list[str]
) -> None:
    person = library.create_or_get("Ana", "fcsks")
    library.create_or_get("Eva", "fcsks")
    assert settled == []
    (library.root / LOCK).touch()  # who had it did not give it back
    person.save(trigger_word="x")
    assert settled == []  # `save` knows one person alone, and leaves it to the next
    library.rename("Eva", "Ida")
    assert settled == ["ana", "eva"]
    library.create_or_get("Ana", "fcsks")
    assert settled == ["ana", "eva"]
    library.settle()
    assert settled[2:] == ["ana", "ida"]


def test_a_training_that_was_killed_is_noticed_by_the_next_change(
    library: PeopleLibrary, settled: list[str]
) -> None:
    run = library.create_or_get("Ana", "fcsks").new_run()
    held = claim(run_claim(run))
    assert held is not None
    library.create_or_get("Eva", "fcsks")
    assert settled == []
    held.release()
    run_claim(run).touch()
    library.create_or_get("Ida", "fcsks")
    assert settled == ["ana", "eva"]
    assert not run_claim(run).exists()


def test_a_change_that_broke_off_is_finished_by_the_next(
    library: PeopleLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settled: list[str]
) -> None:
    with_run(library)
    archive = library.export("Ana", tmp_path / "ana.zip")
    library.delete("Ana")

    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(13, "open in another program", str(source))

    with monkeypatch.context() as patched:
        patched.setattr(settling, "move", refuse)
        with pytest.raises(PermissionError):
            library.import_(archive)
        library.create_or_get("Eva", "fcsks")
        assert [*library.lora_dir.iterdir()] == [], "it could not be finished yet"
    library.create_or_get("Ida", "fcsks")
    (run,) = library.get("Ana").manifest.runs
    assert (library.lora_dir / run.lora).is_file()
    settled.clear()
    with pytest.raises(InvalidInput):
        library.rename("Ida", "Eva")
    library.create_or_get("Ida", "word")
    assert settled == [], "what was refused broke nothing off"


def test_a_deletion_that_could_not_be_finished_is_with_the_next_change(
    library: PeopleLibrary, settled: list[str]
) -> None:
    gone = library.root / f"{settling.GONE}1"
    gone.mkdir(parents=True)
    (gone / "photo.jpg").touch()
    library.create_or_get("Ana", "fcsks")
    assert not gone.exists()
    assert settled == []
