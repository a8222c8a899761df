"""Deleting a person leaves nothing, wherever it lies and whatever else is going on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from facechain_ext.base.errors import PersonNotFound
from facechain_ext.library.people import PeopleLibrary
from tests.library.conftest import make_instance, with_run


def files_under(*folders: Path) -> list[Path]:
    return [p for folder in folders for p in folder.rglob("*") if p.is_file() or p.is_symlink()]


def link(path: Path, target: Path) -> None:
    try:
        path.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        pytest.skip("links cannot be made here")


def test_a_lora_that_is_not_listed_goes_by_the_folder_of_its_run(library: PeopleLibrary) -> None:
    with_run(library)
    library.get("Ana").save(runs=())
    library.delete("Ana")
    assert files_under(library.root, library.lora_dir, library.output_dir) == []


def test_what_webuis_lay_beside_a_lora_goes_too(library: PeopleLibrary) -> None:
    with_run(library)
    (lora,) = library.lora_dir.glob("*.safetensors")
    for end in (".png", ".preview.jpg", ".txt", ".civitai.info"):
        lora.with_name(lora.stem + end).write_bytes(b"x")
    library.delete("Ana")
    assert files_under(library.lora_dir) == []


def test_linked_folders_are_looked_into_and_loops_are_not_followed(
    library: PeopleLibrary, tmp_path: Path
) -> None:
    with_run(library)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link(library.lora_dir / "linked", elsewhere)
    link(elsewhere / "back", library.lora_dir)
    (run,) = library.get("Ana").manifest.runs
    for path in library.lora_dir.glob("ana-*"):
        path.rename(elsewhere / path.name)
    assert library.lora_file(run) == library.lora_dir / "linked" / run.lora
    library.delete("Ana")
    assert [p.name for p in files_under(elsewhere)] == ["back"]


def test_a_linked_person_and_linked_photos_go_with_what_they_lead_to(
    library: PeopleLibrary, tmp_path: Path
) -> None:
    with_run(library)
    person = library.get("Ana")
    moved = person.folder.rename(tmp_path / "other disk")
    link(person.folder, moved)
    assert len(library.get("Ana").load_instances()) == 1
    library.delete("Ana")
    assert not moved.exists()
    assert not os.path.lexists(person.folder)


def test_new_crops_of_a_linked_person_take_the_old_ones_place(
    library: PeopleLibrary, tmp_path: Path
) -> None:
    with_run(library)
    person = library.get("Ana")
    link(person.folder, person.folder.rename(tmp_path / "other disk"))
    with library.draft("Ana", "new") as draft:
        draft.save_instances([make_instance(n) for n in range(2)])
        adopted = library.adopt(draft)
    assert adopted.folder == person.folder
    assert (len(adopted.load_instances()), adopted.manifest.trigger_word) == (2, "new")
    assert len(adopted.photos()) == 1


def test_whoever_holds_an_old_copy_brings_nobody_back(library: PeopleLibrary) -> None:
    with_run(library)
    old = library.get("Ana")
    library.delete("Ana")
    for change in (
        lambda: old.save(trigger_word="x"),
        lambda: old.add_run(old.manifest.runs[0]),
        lambda: old.set_captions({}),
        old.new_run,
    ):
        with pytest.raises(PersonNotFound, match="Ana was deleted or renamed meanwhile"):
            change()
    assert not old.folder.exists()
    library.create_or_get("Ana", "another")
    with pytest.raises(PersonNotFound, match="meanwhile"):
        old.save(trigger_word="x")


def test_changes_by_two_copies_add_up(library: PeopleLibrary) -> None:
    with_run(library)
    one, other = library.get("Ana"), library.get("Ana")
    (run,) = one.manifest.runs
    one.save(trigger_word="changed")
    other.add_run(type(run)("second", "second.safetensors", "", "mini", None, (1,)))
    person = library.get("Ana")
    assert person.manifest.trigger_word == "changed"
    assert [r.name for r in person.manifest.runs] == [run.name, "second"]


def test_portraits_of_a_rename_under_way_are_listed_and_deleted(library: PeopleLibrary) -> None:
    with_run(library)
    person = library.get("Ana")
    person.save(name="Eva", moving=("ana", "eva"))
    person.folder.replace(library.root / "eva")  # here a crash came
    assert any(path.name == "1.png" for path in library.files("Eva"))
    library.settle()
    assert (library.portraits_folder("Eva") / "1.png").is_file()
    assert not (library.output_dir / "ana").exists()
    assert library.get("Eva").manifest.moving == ()
