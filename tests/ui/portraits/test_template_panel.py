"""The Templates panel: faces shown and numbered, a drop-down under each, and clear refusals."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import TemplateConfig
from facechain_ext.portrait.numbered import MOST_FACES
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.portraits.template_desk import LEFT, TemplateDesk
from facechain_ext.ui.portraits.template_panel import TemplatePanel

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
