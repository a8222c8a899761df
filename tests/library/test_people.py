from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput, LibraryTooNew, PersonNotFound
from facechain_ext.library.people import MANIFEST, PeopleLibrary, slugify
from tests.library.conftest import make_instance, with_run


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Ana María", "ana-maria"),
        ("  J. Doe/../x ", "j-doe-x"),
        ("3 Ünlü", "3-unlu"),
        ("日本", "person"),
        ("😀", "person"),
        ("CON", "con-person"),
        ("lpt1", "lpt1-person"),
    ],
)
def test_a_name_becomes_a_safe_folder(name: str, slug: str) -> None:
    assert slugify(name) == slug


@pytest.mark.parametrize("name", ["", "..", "///", "a\0b", "\udcff", "a" * 101])
def test_a_name_that_makes_no_folder_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        slugify(name)


def test_instances_come_back_as_they_were(library: PeopleLibrary) -> None:
    person, instance = library.create_or_get("Ana", "fcsks"), make_instance()
    person.save_instances([instance])
    (back,) = library.get("ana").load_instances()
    assert np.array_equal(back.pixels, instance.pixels)
    assert np.array_equal(back.embedding, instance.embedding)
    assert np.allclose(back.person, instance.person, atol=1 / 255)
    assert back.face.box == instance.face.box
    assert (back.name, back.attributes, back.caption) == (
        instance.name,
        instance.attributes,
        instance.caption,
    )


def test_an_edited_caption_is_used(library: PeopleLibrary) -> None:
    person = library.create_or_get("Ana", "fcsks")
    person.save_instances([make_instance()])
    (caption,) = person.captions()
    caption.write_text("fcsks, with a hat\n", encoding="utf-8")
    assert person.load_instances()[0].caption == "fcsks, with a hat"


def test_captions_are_set_by_crop(library: PeopleLibrary) -> None:
    person = library.create_or_get("Ana", "fcsks")
    person.save_instances([make_instance(n) for n in range(2)])
    person.set_captions({"001": "  fcsks,\nwith an été hat "})
    assert [i.caption for i in person.load_instances()] == [
        "fcsks, photo of a woman",
        "fcsks, with an été hat",
    ]
    with pytest.raises(InvalidInput, match="no crop '007'; there are 000, 001"):
        person.set_captions({"000": "changed", "007": "x"})
    assert person.load_instances()[0].caption == "fcsks, photo of a woman"


def test_saving_again_leaves_no_crop_of_before(library: PeopleLibrary) -> None:
    person = library.create_or_get("Ana", "fcsks")
    person.save_instances([make_instance(n) for n in range(3)])
    person.save_instances([make_instance()])
    assert len(list((person.folder / "instances").iterdir())) == 3


def test_nobody_is_found_with_a_list_of_who_is_there(library: PeopleLibrary) -> None:
    library.create_or_get("Ana", "fcsks")
    with pytest.raises(PersonNotFound, match="ana"):
        library.get("Bob")


def test_a_newer_manifest_is_refused_and_untouched(library: PeopleLibrary) -> None:
    path = library.create_or_get("Ana", "fcsks").folder / MANIFEST
    newer = json.dumps({**json.loads(path.read_text(encoding="utf-8")), "schema": 99})
    path.write_text(newer, encoding="utf-8")
    with pytest.raises(LibraryTooNew):
        library.create_or_get("Ana", "other")
    assert path.read_text(encoding="utf-8") == newer


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 1}', '{"schema": "x"}'])
def test_a_damaged_manifest_is_a_clear_error(library: PeopleLibrary, text: str) -> None:
    (library.create_or_get("Ana", "fcsks").folder / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match="damaged"):
        library.get("Ana")


def test_delete_leaves_nothing_of_the_person_and_all_of_the_others(library: PeopleLibrary) -> None:
    files = with_run(library)
    stranger = library.lora_dir / "anabel.safetensors"
    stranger.write_bytes(b"x")
    library.create_or_get("Bob", "fcsks")
    library.delete("ana")
    assert [path for path in files if path.exists()] == []
    assert stranger.is_file()
    assert [person.slug for person in library.people()] == ["bob"]


def test_delete_finds_a_lora_that_was_moved_to_a_folder_below(library: PeopleLibrary) -> None:
    with_run(library)
    below = library.lora_dir / "faces"
    below.mkdir()
    for path in library.lora_dir.glob("ana-*"):
        path.rename(below / path.name)
    library.delete("Ana")
    assert [*below.iterdir()] == []


def test_rename_moves_everything(library: PeopleLibrary) -> None:
    with_run(library)
    person = library.rename("Ana", "Éva B.")
    assert person.manifest.name == "Éva B."
    assert len(library.get("eva b").load_instances()) == 1
    assert (library.portraits_folder("eva-b") / "1.png").is_file()
    assert len(library.lora_files(person)) == 3
    with pytest.raises(PersonNotFound):
        library.get("Ana")


def test_rename_never_overwrites(library: PeopleLibrary) -> None:
    library.create_or_get("Ana", "fcsks")
    library.create_or_get("Bob", "fcsks")
    with pytest.raises(InvalidInput, match="taken"):
        library.rename("Ana", "bob")
    assert len(library.people()) == 2


def test_export_holds_every_file(library: PeopleLibrary, tmp_path: Path) -> None:
    files = with_run(library)
    archive = library.export("Ana", tmp_path / "ana.zip")
    with zipfile.ZipFile(archive) as zipped:
        assert len(zipped.namelist()) == len(files)
    with pytest.raises(InvalidInput, match="exists"):
        library.export("Ana", archive)


def test_two_runs_in_one_second_get_two_folders(library: PeopleLibrary) -> None:
    person = library.create_or_get("Ana", "fcsks")
    assert person.new_run() != person.new_run()


def test_everybody_is_looked_at_once_in_one_look(library: PeopleLibrary) -> None:
    library.create_or_get("Ana", "fcsks")
    with library.at_one_look() as mark:
        with library.at_one_look() as inner:
            assert inner == mark
        library.create_or_get("Bob", "fcsks")
        assert [who.slug for who in library.everybody()] == ["ana"]
    assert [who.slug for who in library.everybody()] == ["ana", "bob"]
    with library.at_one_look() as later:
        assert later != mark
    library.get("Ana").save(trigger_word="anna")
    with library.at_one_look() as last:
        assert last not in (mark, later)
    with library.at_one_look() as again:
        assert again == last
