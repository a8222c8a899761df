"""Who cannot be read is offered for deletion on the page, and goes for good."""

from __future__ import annotations

import gradio as gr
import pytest

from facechain_ext.base.errors import PersonNotFound
from facechain_ext.library.people import MANIFEST, PeopleLibrary
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.people.damaged_form import DamagedForm
from facechain_ext.ui.people.desk import PeopleDesk


@pytest.fixture
def library(desk: PeopleDesk) -> PeopleLibrary:
    """Ana and Bob, of whom Ana cannot be read, and a LoRA of hers."""
    library = desk.services.studio.library
    for name in ("Ana", "Bob"):
        library.create_or_get(name, "fcsks")
    damage(library, "ana", b'{"name": "Ana", "runs": [{"lora": "her.safetensors"')
    library.lora_dir.mkdir(parents=True, exist_ok=True)
    (library.lora_dir / "her.safetensors").write_bytes(b"weights")
    return library


def damage(library: PeopleLibrary, folder: str, text: bytes) -> None:
    (library.root / folder / MANIFEST).write_bytes(text)


@pytest.fixture
def form(desk: PeopleDesk) -> DamagedForm:
    form = DamagedForm(desk)
    with gr.Blocks():
        form.draw()
        form.wire()
    return form


def beat(form: DamagedForm) -> Redraw:
    form.refresh(page := Redraw({}))
    return page


def test_it_is_seen_where_somebody_is_damaged(form: DamagedForm, library: PeopleLibrary) -> None:
    values = beat(form).values
    assert values["damaged"]["visible"]
    assert values["damaged_who"]["value"] == "ana"
    form.desk.delete_damaged("ana")
    assert not beat(form).values["damaged"]["visible"]


def test_the_question_says_what_is_wrong_and_what_goes(
    form: DamagedForm, library: PeopleLibrary
) -> None:
    _, told, _ = form._ask("ana")
    assert "person.json is damaged" in told
    assert "2 files of ana will be removed from disk for good" in told
    assert (library.root / "ana").is_dir(), "nothing goes before the answer"


def test_the_answer_removes_everything_and_nobody_else(
    form: DamagedForm, library: PeopleLibrary
) -> None:
    box, _, told = form._delete("ana")
    assert "Everything about ana is gone." in told
    assert not box["visible"]
    assert not (library.root / "ana").exists()
    assert not (library.lora_dir / "her.safetensors").exists()
    assert [person.manifest.name for person in library.people()] == ["Bob"]


@pytest.mark.parametrize("text", [b"", b'{"name": "Bob"', b'{"name": "ana-2"', b"\xff\xfe\x00"])
def test_whoever_has_the_folders_name_or_the_damaged_ones_is_spared(
    form: DamagedForm, library: PeopleLibrary, text: bytes
) -> None:
    (library.root / "bob").rename(library.root / "ana-2")
    manifest = library.root / "ana-2" / MANIFEST
    for other in ("Bob", "ana"):
        manifest.write_text(manifest.read_text("utf-8").replace("Bob", other), encoding="utf-8")
        damaged = library.root / "ana"
        damaged.mkdir(exist_ok=True)
        damage(library, "ana", text)
        told = failing_in_place(form._delete, 2, 3)("ana")[2]
        assert (library.root / "ana-2").is_dir(), told
        assert ("is gone" in told) is not damaged.exists()


def test_one_who_is_gone_already_is_told(form: DamagedForm, library: PeopleLibrary) -> None:
    form.desk.delete_damaged("ana")
    with pytest.raises(PersonNotFound, match="nobody damaged in ana any more"):
        form.desk.delete_damaged("ana")
