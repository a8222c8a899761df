"""Who is meant by a name, in any script, and which folder it gets."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from facechain_ext.base.errors import InvalidInput, PersonNotFound
from facechain_ext.library.names import LONGEST_NAME
from facechain_ext.library.people import PeopleLibrary
from tests.library.conftest import make_instance

ALIKE = [
    ("小明2", "小红2"),
    ("José", "Jose"),
    ("Ana (2019)", "Ana 2019"),
    ("a" * 60 + "x", "a" * 60 + "y"),
    ("李", "Анна"),
    ("😀", "😇"),
    ("CON", "con person"),
    ("Straße", "Strasse"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_names_that_look_alike_to_a_file_system_are_two_people(
    library: PeopleLibrary, one: str, other: str
) -> None:
    for number, name in enumerate((one, other)):
        library.create_or_get(name, f"word{number}").save_instances([make_instance(number)])
    first, second = library.get(one), library.get(other)
    assert first.folder != second.folder
    assert (first.manifest.name, second.manifest.name) == (one, other)
    assert (first.manifest.trigger_word, second.manifest.trigger_word) == ("word0", "word1")
    library.delete(one)
    assert [person.manifest.name for person in library.people()] == [other]
    assert len(library.get(other).load_instances()) == 1


@pytest.mark.parametrize(
    "same", ["Ана Мария", "  Ана  Мария\n", "АНА мария", unicodedata.normalize("NFD", "Ана Мария")]
)
def test_case_and_spacing_make_nobody_else(library: PeopleLibrary, same: str) -> None:
    library.create_or_get("Ана Мария", "fcsks")
    assert library.create_or_get(same, "fcsks").manifest.name == "Ана Мария"
    assert len(library.people()) == 1


@pytest.mark.parametrize("other", ["Ольга 2", "Jose", "2 x", "ANA 2019"])
def test_a_name_that_nobody_has_finds_nobody(library: PeopleLibrary, other: str) -> None:
    for name in ("小明2", "José", "Ana (2019)"):
        library.create_or_get(name, "fcsks")
    with pytest.raises(PersonNotFound, match="José"):
        library.delete(other)
    assert len(library.people()) == 3


def test_a_folders_name_will_do_where_nobody_is_called_so(library: PeopleLibrary) -> None:
    first, second = library.create_or_get("李", "x"), library.create_or_get("王", "x")
    assert (first.slug, second.slug) == ("person", "person-2")
    assert library.get("person-2").manifest.name == "王"
    third = library.create_or_get("Person 2", "x")
    assert library.get("person 2") == third
    assert third.slug == "person-2-2"


def test_folders_of_earlier_versions_keep_their_names(library: PeopleLibrary) -> None:
    person = library.create_or_get("Ana", "x")
    old = person.folder.replace(library.root / "anything at all")
    assert library.get("Ana").folder == old
    assert library.create_or_get("Ana", "y").folder == old
    assert library.rename("Ana", "Eva").slug == "eva"


def test_a_folder_with_portraits_of_somebody_else_is_not_taken(library: PeopleLibrary) -> None:
    library.create_or_get("Ana", "x")
    strangers = library.output_dir / "eva"
    strangers.mkdir(parents=True)
    (strangers / "1.png").write_bytes(b"x")
    assert library.rename("Ana", "Eva").slug == "eva-2"
    library.delete("Eva")
    assert (strangers / "1.png").is_file()


def test_a_name_of_somebody_else_is_taken_whatever_its_case(library: PeopleLibrary) -> None:
    library.create_or_get("Анна", "x")
    library.create_or_get("Bob", "x")
    with pytest.raises(InvalidInput, match="taken"):
        library.rename("Bob", "АННА")
    assert library.rename("Анна", "АННА").manifest.name == "АННА"


def test_two_copies_of_a_folder_are_told_by_folder(library: PeopleLibrary) -> None:
    import shutil

    person = library.create_or_get("Ana", "x")
    shutil.copytree(person.folder, library.root / "backup")
    assert library.get("ana").slug == "ana"
    with pytest.raises(InvalidInput, match="ana, backup"):
        library.get("ANA")
    library.delete("backup")
    assert library.get("ANA").slug == "ana"


def test_a_name_has_a_length(library: PeopleLibrary, tmp_path: Path) -> None:
    library.create_or_get("ж" * LONGEST_NAME, "x")
    with pytest.raises(InvalidInput, match="101 letters; 100 are the most"):
        library.rename("ж" * LONGEST_NAME, "ж" * (LONGEST_NAME + 1))
