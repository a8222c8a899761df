"""The Templates panel: faces shown and numbered, a drop-down under each, and clear refusals."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facechain_ext.base.errors import FaceChainError, InvalidInput
from facechain_ext.config import TemplateConfig
from facechain_ext.portrait.numbered import MOST_FACES
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.portraits.template_desk import LEFT, TemplateDesk
from facechain_ext.ui.portraits.template_panel import TemplatePanel
from tests.bad_templates import BAD, Bad

pytestmark = pytest.mark.slow(10)


@pytest.fixture
def panel(services: Services) -> TemplatePanel:
    panel = TemplatePanel(TemplateDesk(services))
    with gr.Blocks():
        panel.draw()
    return panel


@pytest.fixture
def group(tmp_path: Path) -> Any:
    """A file as gradio hands it over, with her twice on it."""
    path = tmp_path / "group.png"
    Image.fromarray(np.concatenate([astronaut()[:300, 60:360]] * 2, axis=1)).save(path)
    return SimpleNamespace(name=str(path))


def test_faces_are_framed_and_each_has_a_drop_down(panel: TemplatePanel, group: Any) -> None:
    message, picture, *parts = panel._look(group)
    columns, faces, who = parts[0::3], parts[1::3], parts[2::3]
    assert message == ""
    assert picture.count("fc-frame") == 2
    assert [column["visible"] for column in columns] == [True] * 2 + [False] * (MOST_FACES - 2)
    assert "<b>1</b>" in faces[0]
    assert "<b>2</b>" in faces[1]
    assert who[0]["value"] == LEFT


@pytest.mark.parametrize("content", [b"no picture", None])
def test_a_bad_template_is_told_and_shows_nothing(
    panel: TemplatePanel, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "bad.png"
    if content is None:
        Image.new("RGB", (90, 90)).save(path)
    else:
        path.write_bytes(content)
    message, picture, *parts = panel._look(SimpleNamespace(name=str(path)))
    assert "bad.png" in message
    assert picture == ""
    assert not any(column["visible"] for column in parts[0::3])


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_a_template_is_one_sentence(
    panel: TemplatePanel, tmp_path: Path, bad: Bad
) -> None:
    library = panel.desk.services.studio.library
    for name in ("Ana", "Ben"):
        library.create_or_get(name, "fcsks")
    path = tmp_path / f"bad{bad.suffix}"
    path.write_bytes(bad.content)
    chosen = [bad.cast.get(number) for number in (1, 2)]
    with pytest.raises(FaceChainError, match=re.escape(bad.told)):
        panel.desk.paint([path], chosen, TemplateConfig())
    assert panel.desk.job() is None


def test_templates_are_cards_that_words_find(panel: TemplatePanel) -> None:
    everything = [name for _, name in panel.choice._shown("", [])[1]["choices"]]
    assert len(everything) > 3
    sheet, cards, note = panel.choice._shown(everything[0].replace("-", " "), [])
    assert everything[0] in [name for _, name in cards["choices"]]
    assert "value" not in cards
    assert "data:image/jpeg" in sheet
    assert "template" in note
    assert "No template has these words" in panel.choice._shown("nothing like it", [])[2]
    cards = panel.choice._shown("nothing like it", [everything[1], "gone"])[1]
    assert [name for _, name in cards["choices"]] == cards["value"] == [everything[1]]


def test_a_checked_template_is_shown_and_others_are_told(panel: TemplatePanel) -> None:
    first, second = [name for _, name in panel.choice._shown("", [])[1]["choices"]][:2]
    message, picture, *parts = panel._look(None, [first, second])
    assert message == ""
    assert f"Also painted, with who came there last or fits: {second}." in picture
    assert parts[0]["visible"]
    assert "no template" in panel._look(None, ["gone"])[0]


def test_an_upload_is_kept_and_removed_again(panel: TemplatePanel, group: Any) -> None:
    message, _, cards, _ = panel.choice._keep(group, "park, pair", "", [])
    assert "Kept as group" in message
    assert "group" in [name for _, name in cards["choices"]]
    assert panel.desk.templates.gallery.get("group").tags == ("park", "pair")
    message, _, cards, _ = panel.choice._remove(None, "", "", ["group"])
    assert "Removed: group" in message
    assert "group" not in [name for _, name in cards["choices"]]
    shipped = cards["choices"][0][1]
    for checked in ([], [shipped]):
        with pytest.raises(InvalidInput, match="those that ship stay"):
            panel.choice._remove(None, "", "", checked)
    with pytest.raises(InvalidInput, match="Choose a picture to keep"):
        panel.choice._keep(None, "", "", [])


def test_words_are_drawn_where_no_template_is_chosen(panel: TemplatePanel, group: Any) -> None:
    settings = [each.value for each in panel.form.inputs]
    chosen = [LEFT] * MOST_FACES
    with pytest.raises(InvalidInput, match="Say who comes"):
        panel._start(None, [], "a pair", [], *chosen, *settings)
    with pytest.raises(InvalidInput, match="Nobody"):
        panel._start(None, [], "a pair", ["Nobody"], *chosen, *settings)
    with pytest.raises(InvalidInput, match="at least one of the faces"):
        panel._start(group, [], "a pair", ["Nobody"], *chosen, *settings)
    assert panel.desk.job() is None


def test_no_file_any_more_clears_the_faces(panel: TemplatePanel) -> None:
    message, picture, *parts = panel._look(None)
    assert (message, picture) == ("", "")
    assert not any(column["visible"] for column in parts[0::3])


@pytest.mark.parametrize(
    ("chosen", "told"),
    [([LEFT, None], "at least one"), (["Nobody", LEFT], "Nobody"), (["A", "A"], "A")],
)
def test_what_cannot_be_painted_is_refused_at_once(
    panel: TemplatePanel, group: Any, chosen: list[str | None], told: str
) -> None:
    with pytest.raises(InvalidInput, match=told):
        panel.desk.paint([Path(group.name)], chosen, TemplateConfig())
    with pytest.raises(InvalidInput, match="Choose a picture first"):
        panel.desk.paint([], chosen, TemplateConfig())
    assert panel.desk.job() is None
