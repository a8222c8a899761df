"""Exports: whole or not at all, and taken in again with nothing trusted."""

from __future__ import annotations

import json
import os
import struct
import zipfile
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput, LibraryTooNew
from facechain_ext.library import archive as archive_module
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


def test_a_bomb_is_refused_before_it_is_unpacked(
    library: PeopleLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"person.json": manifest()}

    def zipped(kind: int, **more: str) -> Path:
        path = tmp_path / f"{kind}-{len(more)}.zip"
        with zipfile.ZipFile(path, "w", kind) as archive:
            for name, text in {**files, **more}.items():
                archive.writestr(name, text)
        return path

    dense = zipped(zipfile.ZIP_DEFLATED, **{"photos/0.jpg": "x" * 2**23})
    lzma = zipped(zipfile.ZIP_LZMA)
    overlapping = tmp_path / "overlapping.zip"
    with zipfile.ZipFile(overlapping, "w") as archive:
        for name, text in {**files, "photos/0.jpg": "x" * 999}.items():
            archive.writestr(name, text)
        archive.filelist += [copy(archive.filelist[1]) for _ in range(3)]
        for number, info in enumerate(archive.filelist[2:], 1):
            info.filename = f"photos/{number}.jpg"
    crowded = tmp_path / "crowded.zip"
    crowded.write_bytes(
        b"x" * 99_999 + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, 99_999, 0, 0)
    )
    for path, told in (
        (dense, "'photos/0.jpg' would unpack to more than"),
        (lzma, "packed in a way that no export is"),
        (overlapping, "more than lies in the file"),
    ):
        with pytest.raises(InvalidInput, match=told):
            library.import_(path)
    monkeypatch.setattr(archive_module, "MOST_FILES", 10)
    with pytest.raises(InvalidInput, match="lists more than 10 files"):
        library.import_(crowded)
    assert [*library.root.iterdir()] == []


def test_what_is_wrong_is_told_without_the_servers_folders(
    library: PeopleLibrary, tmp_path: Path
) -> None:
    both = packed(tmp_path / "both.zip", {"person.json": manifest(), "a": "x", "a/b": "x"})
    deep = packed(tmp_path / "deep.zip", {"person.json": manifest(), "a/" * 99 + "b": "x"})
    text = tmp_path / "text.zip"
    text.write_text("no zip", encoding="utf-8")
    for path in (both, deep, text, tmp_path / "nowhere.zip"):
        with pytest.raises(InvalidInput) as refused:
            library.import_(path)
        assert str(tmp_path) not in str(refused.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_in_a_folder_is_not_waited_for(library: PeopleLibrary, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    (folder / "photos").mkdir(parents=True)
    (folder / "person.json").write_text(manifest(), encoding="utf-8")
    os.mkfifo(folder / "photos" / "0.jpg")
    with pytest.raises(InvalidInput, match="is no plain file"):
        library.import_(folder)


def test_a_crop_that_unpacks_to_more_than_a_crop_is_damaged(library: PeopleLibrary) -> None:
    with_run(library)
    person = library.get("Ana")
    (path,) = (person.folder / "instances").glob("*.npz")
    with np.load(path) as measured:
        facts = dict(measured)
    np.savez_compressed(path, **{**facts, "masks": np.zeros((3, 64, 2**20), np.uint8)})
    with pytest.raises(InvalidInput, match="is damaged"):
        person.load_instances()


def test_an_export_leaves_out_what_a_training_removes_meanwhile(
    library: PeopleLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_run(library)
    (run,) = library.get("Ana").run_folders
    (run / "checkpoints").mkdir()
    for step in (1, 2):
        (run / "checkpoints" / f"state-{step}.safetensors").write_bytes(b"x")
    write = zipfile.ZipFile.write

    def training(zipped: zipfile.ZipFile, path: Path, *arguments: Any) -> None:
        if path.name == "state-1.safetensors":
            path.unlink()
        write(zipped, path, *arguments)

    monkeypatch.setattr(zipfile.ZipFile, "write", training)
    archive = library.export("Ana", tmp_path / "ana.zip")
    with zipfile.ZipFile(archive) as zipped:
        assert zipped.testzip() is None
        states = [name for name in zipped.namelist() if "state-" in name]
    assert states == [f"ana/runs/{run.name}/checkpoints/state-2.safetensors"]


def test_an_import_has_limits(
    library: PeopleLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = packed(tmp_path / "large.zip", {"person.json": manifest(), "photos/0.jpg": "x" * 9999})
    monkeypatch.setattr(archive_module, "MOST_BYTES", 5000)
    with pytest.raises(InvalidInput, match="more than"):
        library.import_(large)
    monkeypatch.setattr(archive_module, "MOST_FILES", 1)
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
