"""Who came on which face of a template is kept with the people, and goes with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from facechain_ext.library.people import PeopleLibrary, Run
from facechain_ext.library.seats import FILE, last_cast, remember_cast, seats_of


@pytest.fixture
def library(tmp_path: Path) -> PeopleLibrary:
    """Ana and Ben, who are trained."""
    library = PeopleLibrary(tmp_path / "people", tmp_path / "lora", tmp_path / "out")
    for name in ("Ana", "Ben"):
        run = Run("20260101-000000", f"{name}.safetensors", "", "mini", 0.5, (50,))
        library.create_or_get(name, "fcsks").add_run(run)
    return library


def test_the_last_cast_is_remembered_by_template(library: PeopleLibrary) -> None:
    remember_cast(library, "party", {1: "Ben", 3: "Ana"})
    remember_cast(library, "office", {2: "Ana"})
    assert last_cast(library, "party") == {1: "Ben", 3: "Ana"}
    remember_cast(library, "party", {2: "Ana"})
    assert last_cast(library, "party") == {2: "Ana"}
    assert last_cast(library, "office") == {2: "Ana"}
    assert last_cast(library, "beach") == {}


def test_a_template_that_is_gone_leaves_no_trace(library: PeopleLibrary) -> None:
    remember_cast(library, "party", {1: "Ben"})
    remember_cast(library, "party", {})
    assert not (library.get("Ben").folder / FILE).exists()


def test_a_person_who_is_deleted_is_forgotten_and_a_renamed_one_is_not(
    library: PeopleLibrary, tmp_path: Path
) -> None:
    remember_cast(library, "party", {1: "Ben", 3: "Ana"})
    library.rename("Ana", "Anna Maria")
    library.delete("Ben")
    assert last_cast(library, "party") == {3: "Anna Maria"}
    files = (path for path in tmp_path.rglob("*") if path.is_file())
    assert not [path for path in files if b"Ben" in path.read_bytes()]


@pytest.mark.parametrize("text", ["", "[1]", '{"party": "1"}', '{"party": true}', "[" * 9999])
def test_a_damaged_file_remembers_nothing(library: PeopleLibrary, text: str) -> None:
    ana = library.get("Ana")
    (ana.folder / FILE).write_text(text, encoding="utf-8")
    assert seats_of(ana) == {}
    remember_cast(library, "party", {1: "Ana"})
    assert last_cast(library, "party") == {1: "Ana"}
