"""The fold for a picture that leads portraits, without a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facechain_ext.base.controls import Depth
from facechain_ext.config import PortraitConfig
from facechain_ext.imaging.picture_text import read_picture
from facechain_ext.imaging.pose_text import read_pose
from facechain_ext.nets import FaceNets
from facechain_ext.studio.nudging import mirrored
from facechain_ext.studio.posing import KINDS, condition_of
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import UNCHANGED
from facechain_ext.ui.page.widgets import ConfigForm
from facechain_ext.ui.portraits.controls_form import STRENGTHS, ControlsForm, _written

pytestmark = pytest.mark.model
SIZE = ("auto", "auto")


@pytest.fixture
def fold(nets: FaceNets) -> ControlsForm:
    form = ConfigForm(PortraitConfig())
    with gr.Blocks(analytics_enabled=False):
        form.draw("width", "height")
        made = ControlsForm(form, nets)
        made.draw()
    return made


def upload(path: Path, pixels: Any) -> str:
    Image.fromarray(pixels).save(path)
    return str(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_read_as_what_is_asked_for_and_not_kept(
    fold: ControlsForm, tmp_path: Path, kind: Any
) -> None:
    file = upload(tmp_path / "her.png", astronaut())
    message, emptied, *texts = fold._read(file, kind, *SIZE)
    assert (message, emptied["value"]) == ("", None)
    told = dict(zip(KINDS, texts, strict=True))
    assert told.pop(kind).startswith("[" if kind == "pose" else "data:image/png")
    assert [*told.values()] == [UNCHANGED] * 3
    assert list(tmp_path.iterdir()) == []


def test_what_has_read_depth_is_told(fold: ControlsForm, tmp_path: Path) -> None:
    grey = np.full((512, 512), 200, np.uint8)
    fold.depth = lambda pixels, nets: Depth(grey, "dpt-large")
    message, _, _, depth, *_ = fold._read(upload(tmp_path / "a.png", astronaut()), "depth", *SIZE)
    assert "Depth by dpt-large." in message
    assert read_picture(depth, "depth")[0, 0, 0] == 200


def test_a_picture_without_a_pose_is_said_and_what_was_there_stays(
    fold: ControlsForm, tmp_path: Path
) -> None:
    file = upload(tmp_path / "wall.png", np.zeros((64, 64, 3), np.uint8))
    message, *rest = failing_in_place(fold._read, outputs=6)(file, "pose", *SIZE)
    assert "The pose picture shows no face" in message
    assert rest == [UNCHANGED] * 5
    assert list(tmp_path.iterdir()) == []


def test_what_leads_is_shown_with_its_strength(fold: ControlsForm) -> None:
    pose = condition_of("pose", astronaut(), fold.nets, PortraitConfig())
    shown, changes, *strengths = fold._show(pose, "", "", "", *SIZE)
    assert shown.count("<img") == 1
    assert "Pose that portraits are led by" in shown
    assert changes["visible"]
    assert [each["visible"] for each in strengths] == [
        name == "pose_strength" for name in STRENGTHS
    ]
    shown, changes, *strengths = fold._show("", "", "", "", *SIZE)
    assert (shown, changes["visible"]) == ("", False)


def test_what_is_there_is_changed_and_nothing_else(fold: ControlsForm) -> None:
    pose = condition_of("pose", astronaut(), fold.nets, PortraitConfig())
    changed, *others = fold._changing(mirrored)(pose, "", "", "")
    assert others == [UNCHANGED] * 3
    nose, before = read_pose(changed).body[0], read_pose(pose).body[0]
    assert np.allclose(nose, (1 - before[0], before[1]), atol=1e-3)


def test_a_pose_by_name_is_written_out(fold: ControlsForm) -> None:
    text = _written("left")
    assert np.isfinite(read_pose(text).face).all()
    assert fold._show(text, "", "", "", *SIZE)[0].count("<img") == 1
    assert _written(None) is UNCHANGED
