"""Styles taken in from files, folders and LoRAs, and written out for others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import CheckpointRef, HostPaths
from facechain_ext.library.people import PeopleLibrary
from facechain_ext.studio import style_shelf
from facechain_ext.studio.style_shelf import StyleShelf
from facechain_ext.styles import Styles, load_styles
from facechain_ext.styles.foreign import Imported
from tests.studio.test_lora_cards import PICTURE, lora, plain
from tests.styles.test_foreign import THEIRS

BOAT = {"name": "boat", "title": "Boat", "prompt": "{person}, boat"}


class Place:
    """A host that has folders and a checkpoint, and draws nothing."""

    def __init__(self, root: Path) -> None:
        self.paths = HostPaths(root, root / "lora", root / "out", root / "models")
        self.paths.lora_dir.mkdir()

    def current_checkpoint(self) -> CheckpointRef:
        return CheckpointRef("base", self.paths.models_dir / "base.safetensors")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StyleShelf:
    root = tmp_path / "data"
    root.mkdir()
    monkeypatch.setattr(style_shelf, "family_of", lambda checkpoint: "sd1")
    host, folder = Place(root), root / "styles"
    library = PeopleLibrary(root / "people", host.paths.lora_dir, host.paths.output_dir)
    return StyleShelf(host, library, Styles(folder), folder)  # type: ignore[arg-type]


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return path


def taken(shelf: StyleShelf, source: Path, *, again: bool = False) -> tuple[list[str], list[str]]:
    """Return the names of what was added, and what was said of it or of what was not."""
    found = [*shelf.take_in(source, again=again)]
    added = [each for each in found if isinstance(each, Imported)]
    problems = [str(each) for each in found if isinstance(each, InvalidInput)]
    return [each.style.name for each in added], [*problems, *(n for e in added for n in e.notes)]


def test_what_is_written_out_is_taken_in_elsewhere_as_it_was(
    shelf: StyleShelf, tmp_path: Path
) -> None:
    friend = write(tmp_path / "boat.json", {**BOAT, "genders": ["man"], "fusion_strength": 0.5})
    assert taken(shelf, friend) == (["boat"], [])
    sent = shelf.export("boat", tmp_path / "sent.json")
    assert json.loads(sent.read_text("utf-8")) == json.loads(friend.read_text("utf-8"))
    assert taken(shelf, sent) == (["boat"], []), "the same style is not added twice"
    with pytest.raises(InvalidInput, match="is there already"):
        shelf.export("boat", sent)
    with pytest.raises(InvalidInput, match="no style 'bot'"):
        shelf.export("bot", tmp_path)


def test_a_name_that_is_taken_gets_a_number_unless_it_is_to_be_replaced(
    shelf: StyleShelf, tmp_path: Path
) -> None:
    taken(shelf, write(tmp_path / "a.json", BOAT))
    other = write(tmp_path / "b.json", {**BOAT, "title": "Other"})
    names, notes = taken(shelf, other)
    assert names == ["boat-2"]
    assert "it is called 'boat-2'" in notes[0]
    assert taken(shelf, other, again=True) == (["boat"], [])
    assert shelf.styles.now()["boat"].title == "Other"
    assert set(shelf.styles.now()) == {*load_styles(), "boat", "boat-2"}


def test_of_a_folder_the_good_ones_are_taken_and_the_bad_named_by_line(
    shelf: StyleShelf, tmp_path: Path
) -> None:
    folder = tmp_path / "MajicmixRealistic_v6"
    write(folder / "Hanfu.json", THEIRS)
    (folder / "hanfu.jpg").write_bytes(PICTURE)
    write(folder / "deep" / "boat.json", [BOAT, {**BOAT, "name": "Ship"}])
    write(lora(folder).with_suffix(".json"), {"activation text": "no style"})
    names, told = taken(shelf, folder)
    assert names == ["hanfu", "boat"]
    assert told[0].startswith("boat.json: Line ")
    assert "'Ship'" in told[0]
    assert any("Hanfu_v30" in each and "not in the LoRA folder" in each for each in told)
    assert shelf.styles.now()["hanfu"].preview.startswith("data:image/jpeg")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no style files"):
        taken(shelf, tmp_path / "empty")


def test_a_lora_becomes_a_style_and_a_checkpoint_does_not(
    shelf: StyleShelf, tmp_path: Path
) -> None:
    path = lora(shelf.host.paths.lora_dir, modelspec__trigger_phrase="inkwash")
    assert list(shelf.loras()) == ["ink"]
    assert taken(shelf, path) == (["ink"], [])
    assert shelf.styles.now()["ink"].prompt == "{person}, inkwash"
    names, told = taken(shelf, plain(tmp_path, "model.diffusion_model.out.2.weight"))
    assert names == []
    assert "whole checkpoint" in told[0]


def test_why_a_style_cannot_be_used_is_told_before_it_is_tried(shelf: StyleShelf) -> None:
    lora(shelf.host.paths.lora_dir, 2048, "big")
    lora(shelf.host.paths.lora_dir, 768, "small")
    styles = [
        write(shelf.folder / f"{name}.json", {**BOAT, "name": name, "style_lora": name})
        for name in ("big", "small", "gone")
    ]
    assert styles
    told = shelf.why_not(shelf.styles.now().values())
    assert set(told) == {"big", "gone"}
    assert "SDXL" in told["big"]
    assert "'gone' is not in the LoRA folder" in told["gone"]
