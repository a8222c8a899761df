"""The pose of a portrait on the page, used for the next ones."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np
import pytest

from facechain_ext.config import PortraitConfig
from facechain_ext.imaging.pose_text import read_pose
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import UNCHANGED
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.people.desk import PeopleDesk
from facechain_ext.ui.portraits.desk import PortraitDesk
from facechain_ext.ui.portraits.panel import PortraitsPanel
from tests.ui.conftest import done

pytestmark = [pytest.mark.model, pytest.mark.slow(10)]
SIZE = ("auto", "auto")


@pytest.fixture
def panel(trained: PeopleDesk) -> PortraitsPanel:
    drawn = PortraitsPanel(PortraitDesk(trained.services))
    with gr.Blocks():
        drawn.draw()
    return drawn


def told(panel: PortraitsPanel, seen: dict[str, int] | None = None) -> dict[str, Any]:
    page = Redraw(seen)
    panel._refresh_pose_again(page)
    return page.values


def test_the_selected_portraits_pose_leads_the_next_ones(panel: PortraitsPanel) -> None:
    assert not told(panel)["pose_again"]["visible"]
    job = done(panel.desk.generate("Ana", PortraitConfig(count=1, candidates=2, seed=5)))
    assert job.error is None
    assert told(panel)["pose_again"]["visible"]
    message, pose, fold = panel.pose_again._use(3, *SIZE)
    assert (message, fold["open"]) == ("", True)
    assert np.isfinite(read_pose(pose).face).all()


def test_without_portraits_it_says_so(panel: PortraitsPanel) -> None:
    message, *rest = failing_in_place(panel.pose_again._use, outputs=3)(0, *SIZE)
    assert "no portrait to take the pose of" in message
    assert rest == [UNCHANGED] * 2
