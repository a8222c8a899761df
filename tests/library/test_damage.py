"""A damaged file of one person stops nobody else, is named, and can be deleted."""

from __future__ import annotations

import importlib
import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from facechain_ext.base.errors import FaceChainError, InvalidInput
from facechain_ext.library.manifest import Manifest
from facechain_ext.library.people import MANIFEST, PeopleLibrary
from facechain_ext.library.run_events import EventLog
from facechain_ext.library.runs import RunFolder
from tests.library.conftest import make_instance, with_run


@pytest.mark.parametrize(
    "left", [b"", b"\xff\xfe", b'{"name": "Ana", "schema": 1, "tri', b"[" * 9999]
)
def test_others_stay_listed_and_the_damaged_can_be_deleted(
    library: PeopleLibrary, left: bytes
) -> None:
    files = with_run(library)
    library.create_or_get("Bob", "x")
    path = library.get("Ana").folder / MANIFEST
    path.write_bytes(left)
    assert [person.manifest.name for person in library.people()] == ["Bob"]
    (damaged,) = library.damaged()
    assert str(path) in str(damaged.error)
    with pytest.raises(InvalidInput, match="damaged"):
        library.create_or_get("Ana", "x")
    library.delete("Ana")
    assert [path for path in files if path.exists()] == []
    assert library.damaged() == []


def test_the_loras_of_a_damaged_person_are_known_by_what_is_left(library: PeopleLibrary) -> None:
    with_run(library)
    path = library.rename("Ana", "Eva").folder / MANIFEST
    path.write_text(path.read_text("utf-8").rstrip()[:-1], encoding="utf-8")
    library.delete("Eva")
    assert [*library.lora_dir.iterdir()] == []


def test_a_newer_manifest_stops_nobody_else(library: PeopleLibrary) -> None:
    person = library.create_or_get("Ana", "x")
    facts = json.loads((person.folder / MANIFEST).read_text("utf-8"))
    (person.folder / MANIFEST).write_text(json.dumps({**facts, "schema": 9}), encoding="utf-8")
    library.create_or_get("Bob", "x")
    assert [who.manifest.name for who in library.people()] == ["Bob"]
    assert [who.name for who in library.damaged()] == ["Ana"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("fcsks, été".encode(), "fcsks, été"),
        ("fcsks, été".encode("utf-8-sig"), "fcsks, été"),
        ("fcsks, été “hat”".encode("cp1252"), "fcsks, été “hat”"),
        ("fcsks, été 李".encode("utf-16"), "fcsks, été 李"),
        (b"\xfe\xff" + "fcsks".encode("utf-16-be"), "fcsks"),
        (b"\xff\xfea", "\ufffd"),
        (b"\x81", "\ufffd"),
    ],
)
def test_captions_are_read_as_editors_save_them(
    library: PeopleLibrary, data: bytes, text: str
) -> None:
    person = library.create_or_get("Ana", "x")
    person.save_instances([make_instance()])
    (path,) = person.captions()
    path.write_bytes(data)
    assert person.load_instances()[0].caption == text == person.caption(path)


def test_hidden_files_count_for_nothing(library: PeopleLibrary) -> None:
    with_run(library)
    person = library.get("Ana")
    for name in ("instances/._000.png", "instances/._000.txt", "photos/._000.jpg"):
        (person.folder / name).write_bytes(b"\0\5\x16\7")
    (person.folder / "runs" / ".DS_Store").mkdir()
    (library.root / "._ana").mkdir()
    (library.root / "._ana" / MANIFEST).write_bytes(b"")
    assert (len(person.load_instances()), len(person.captions()), len(person.photos())) == (1, 1, 1)
    assert len(person.run_folders) == 1
    assert (len(library.people()), library.damaged()) == (1, [])


@pytest.mark.parametrize("suffix", [".npz", ".png", ".txt"])
@pytest.mark.parametrize("damage", ["cut", "gone", "swapped"])
def test_a_damaged_crop_is_named(library: PeopleLibrary, suffix: str, damage: str) -> None:
    person = library.create_or_get("Ana", "x")
    person.save_instances([make_instance(0), make_instance(1)])
    path = person.folder / "instances" / f"001{suffix}"
    if damage == "cut" and suffix != ".txt":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif damage == "gone" and suffix != ".png":
        path.unlink()
    elif damage == "swapped" and suffix == ".npz":
        path.write_bytes((person.folder / "instances" / "000.png").read_bytes())
    else:
        return
    with pytest.raises(InvalidInput, match=f"001.{suffix[1:]}"):
        person.load_instances()
    library.delete("Ana")


def test_flipped_bytes_never_end_in_a_traceback(library: PeopleLibrary) -> None:
    """A quick fuzz of all that a library reads; the other person stays usable."""
    with_run(library)
    person, rng = library.get("Ana"), np.random.default_rng(3)
    library.create_or_get("Bob", "x")
    run = RunFolder(person.run_folders[0])
    (run.folder / "config.json").write_text('{"schema": 1, "person": "Ana"}', encoding="utf-8")
    paths = [p for p in person.folder.rglob("*") if p.is_file() and p.suffix != ".jpg"]
    for path in paths * 12:
        whole = path.read_bytes()
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 3):
            data[place] = rng.integers(0, 256)
        path.write_bytes(bytes(data[: rng.integers(1, len(data) + 1)]))
        for use in (
            lambda: library.get("Ana").load_instances(),
            lambda: run.log.read(),
            lambda: run.record,
        ):
            with suppress(FaceChainError):
                use()
        assert library.get("Bob").manifest.name == "Bob"
        path.write_bytes(whole)


def test_events_that_are_damaged_are_left_out(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    lines = [
        '{"event": "Step"}',
        '{"event": [], "step": 1}',
        "[[",
        '{"event": "Preview", "step": 1}',
    ]
    good = {"event": "CheckpointSaved", "step": 2, "path": "x.safetensors"}
    log.path.write_text("\n".join([*lines, json.dumps(good)]), encoding="utf-8")
    assert [event.step for event in log.read()] == [2]  # type: ignore[union-attr]
    log.rewind(2, [2])
    assert len(log.path.read_text("utf-8").splitlines()) == 1


def test_fields_of_a_later_version_are_passed_over() -> None:
    text = Manifest("Ana", "x", "2026").to_json().replace('"schema"', '"later": 1, "schema"')
    assert Manifest.from_json(text).name == "Ana"


@pytest.mark.parametrize(
    ("reader", "read"),
    [
        ("lora.checkpoint", "read_lora"),
        ("lora.checkpoint", "describe"),
        ("training.state", "load_state"),
        ("dataset.latent_file", "load_latents"),
    ],
)
def test_a_file_that_goes_while_it_is_opened_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str, read: str
) -> None:
    """torch opens it a second time, and raises what no system does; another program renamed."""
    module = importlib.import_module(f"facechain_ext.{reader}")
    path = tmp_path / "step-000001.safetensors"
    path.touch()

    def gone(*_: object, **__: object) -> None:
        path.unlink()
        raise RuntimeError(f"unable to open file <{path}>: No such file or directory (2)")

    monkeypatch.setattr(module, "safe_open", gone)
    more = (torch.device("cpu"),) if read == "load_latents" else ()
    with pytest.raises(InvalidInput, match="step-000001"):
        getattr(module, read)(path, *more)
