"""Exports: whole or not at all, and taken in again with nothing trusted."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from facechain_ext.base.errors import InvalidInput, LibraryTooNew
from facechain_ext.library import archive
from facechain_ext.library.manifest import Manifest
from facechain_ext.library.people import PeopleLibrary
from tests.library.conftest import with_run


@pytest.fixture
def exported(library: PeopleLibrary, tmp_path: Path) -> Path:
    """An export of Ana, who is deleted then."""
    with_run(library)
    path = library.export("Ana", tmp_path / "ana.zip")
    library.delete("Ana")
    return path


def test_an_export_comes_back_as_it_was(library: PeopleLibrary, exported: Path) -> None:
    person = library.import_(exported, lora_folder="faces")
    assert (person.slug, person.manifest.name) == ("ana", "Ana")
    assert len(person.load_instances()) == len(person.photos()) == len(person.run_folders) == 1
    assert [p.name for p in (library.output_dir / "ana").iterdir()] == ["1.png"]
    (run,) = person.manifest.runs
    assert library.lora_file(run) == library.lora_dir / "faces" / run.lora
    assert len(library.lora_files(person)) == 3
    assert not [path for path in person.folder.iterdir() if path.name.startswith(".")]


def test_an_unpacked_export_will_do_and_a_name_can_be_given(
    library: PeopleLibrary, exported: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(exported) as zipped:
        zipped.extractall(tmp_path / "unpacked")
    (tmp_path / "unpacked" / ".DS_Store").write_bytes(b"x")
    first = library.import_(tmp_path / "unpacked")
    second = library.import_(tmp_path / "unpacked" / "ana", "Анна")
    assert (first.slug, second.slug) == ("ana", "person")
    loras = [person.manifest.runs[0].lora for person in (first, second)]
    assert loras[1] == loras[0].replace(".safetensors", "-2.safetensors")
    assert all((library.lora_dir / name).is_file() for name in loras)
    library.delete("Ana")
    assert len(library.lora_files(library.get("Анна"))) == 3


def test_a_name_that_is_taken_and_a_newer_export_are_refused(
    library: PeopleLibrary, exported: Path, tmp_path: Path
) -> None:
    library.create_or_get("ANA", "x")
    with pytest.raises(InvalidInput, match="'Ana' is taken"):
        library.import_(exported)
    newer = packed(tmp_path / "newer.zip", {"person.json": manifest(schema=9)})
    with pytest.raises(LibraryTooNew):
        library.import_(newer)
    assert [path.name for path in library.root.iterdir()] == ["ana"]


def manifest(**changes: object) -> str:
    return json.dumps({**json.loads(Manifest("Eva", "x", "2026").to_json()), **changes})


def packed(path: Path, files: Mapping[str, str], mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w") as zipped:
        for name, text in files.items():
            info = zipfile.ZipInfo(f"eva/{name}")
            info.external_attr = mode << 16
            zipped.writestr(info, text)
    return path


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../../x", "/x", "a\\..\\x", "C:x", "con.txt", "a/NUL", "x ", "x.", "a//b"],
)
def test_nothing_is_written_outside_or_under_odd_names(
    library: PeopleLibrary, tmp_path: Path, name: str
) -> None:
    bad = packed(tmp_path / "bad.zip", {"person.json": manifest(), name: "x"})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InvalidInput, match="cannot be a file of an export"):
        library.import_(bad)
    library.root.rmdir()
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_no_export_is_told(library: PeopleLibrary, tmp_path: Path) -> None:
    text, none = tmp_path / "x.zip", packed(tmp_path / "none.zip", {"a.txt": "x"})
    text.write_text("no zip", encoding="utf-8")
    link = packed(tmp_path / "link.zip", {"person.json": manifest()}, mode=0o120777)
    broken = packed(tmp_path / "broken.zip", {"person.json": "{"})
    for path, told in (
        (text, "damaged or no export"),
        (none, "no export"),
        (link, "is a link"),
        (broken, "damaged"),
        (tmp_path / "nowhere", "does not exist"),
    ):
        with pytest.raises(InvalidInput, match=told):
            library.import_(path)
    assert library.people() == []


def test_an_import_has_limits(
    library: PeopleLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = packed(tmp_path / "large.zip", {"person.json": manifest(), "photos/0.jpg": "x" * 9999})
    monkeypatch.setattr(archive, "MOST_BYTES", 5000)
    with pytest.raises(InvalidInput, match="more than"):
        library.import_(large)
    monkeypatch.setattr(archive, "MOST_FILES", 1)
    with pytest.raises(InvalidInput, match="2 files; 1 are the most"):
        library.import_(large)
    assert [*library.root.iterdir()] == []


def test_a_lora_that_the_export_does_not_list_stays_out(
    library: PeopleLibrary, tmp_path: Path
) -> None:
    files = {"person.json": manifest(), "lora/other.safetensors": "x", ".outbox/run.json": "{}"}
    person = library.import_(packed(tmp_path / "x.zip", files))
    assert [*library.lora_dir.iterdir()] == []
    assert [path.name for path in person.folder.iterdir()] == ["person.json"]


def test_photos_from_before_1980_are_exported(library: PeopleLibrary, tmp_path: Path) -> None:
    with_run(library)
    (photo,) = library.get("Ana").photos()
    os.utime(photo, (0, 0))
    assert library.export("Ana", tmp_path / "ana.zip").is_file()


def test_an_export_that_fails_leaves_nothing(
    library: PeopleLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_run(library)
    with pytest.raises(InvalidInput, match="no folder"):
        library.export("Ana", tmp_path / "missing" / "ana.zip")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "write", full)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InvalidInput, match="could not be written: No space left"):
        library.export("Ana", tmp_path / "ana.zip")
    assert sorted(tmp_path.rglob("*")) == before
