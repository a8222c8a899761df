"""The picker offers what can be decoded here, and nothing that is refused afterwards."""

from __future__ import annotations

import gradio as gr
import pytest

from facechain_ext.imaging.files import _SUFFIXES
from facechain_ext.ui.page import compat
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.people import picker
from facechain_ext.ui.people.desk import NEW, PeopleDesk
from facechain_ext.ui.people.panel import PeoplePanel
from facechain_ext.ui.people.verdicts import PhotoCheck
from facechain_ext.ui.people.view import LATEST, PeopleView


@pytest.mark.parametrize("installed", [False, True])
def test_photos_of_iphones_are_offered_where_they_can_be_read(
    installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picker, "reads_heic", lambda: installed)
    offered = picker.file_types()
    assert (".heic" in offered, ".HEIC" in offered) == (installed, installed)
    assert ("pillow-heif" in picker.hint()) is not installed


def test_nothing_else_is_offered_than_what_is_read() -> None:
    assert {*map(str.lower, picker.file_types())} <= set(_SUFFIXES)
    assert ".JPG" in picker.file_types()


@pytest.mark.parametrize("can_be_told", [False, True] if compat.CAN_TAKE_OTHERS else [False])
def test_a_picker_that_is_open_takes_what_can_be_read_from_now_on(
    services: Services, monkeypatch: pytest.MonkeyPatch, can_be_told: bool
) -> None:
    monkeypatch.setattr(compat, "CAN_TAKE_OTHERS", can_be_told)
    monkeypatch.setattr(picker, "reads_heic", lambda: False)
    desk = PeopleDesk(services)
    panel = PeoplePanel(desk, PeopleView(desk), PhotoCheck(services.studio))
    with gr.Blocks():
        panel.draw()
    panel.refresh(before := Redraw({}), [NEW, "", LATEST])
    assert "photos" not in before.values, "what is drawn already is not sent"
    monkeypatch.setattr(picker, "reads_heic", lambda: True)
    panel.refresh(after := Redraw(before.seen), [NEW, "", LATEST])
    assert "value" not in after.values["photos"], "what is chosen stays"
    if can_be_told:
        assert ".heic" in after.values["photos"]["file_types"]
    assert ("after Reload UI" in after.values["hint"]) is not can_be_told
