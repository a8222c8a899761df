"""The Styles panel: what a press of its buttons makes, and what is shown then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import TrainStyleConfig
from facechain_ext.imaging.files import encode_png
from facechain_ext.jobs.kinds import KINDS
from facechain_ext.jobs.queue import Jobs
from facechain_ext.jobs.style_work import TrainStyle
from facechain_ext.ui.looks import captions_form, view
from facechain_ext.ui.looks.desk import NEW, LookDesk
from facechain_ext.ui.looks.panel import LookPanel
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.services import Services
from tests.ui.conftest import done

CONFIG = TrainStyleConfig(
    max_train_steps=2, train_batch_size=1, rank=2, snapshot_every=1, samples_per_snapshot=1
)


@pytest.fixture
def desk(services: Services) -> Iterator[LookDesk]:
    jobs = Jobs(services.studio, kinds=KINDS)
    yield LookDesk(replace(services, jobs=jobs))
    jobs.close()


@pytest.fixture
def panel(desk: LookDesk) -> LookPanel:
    with gr.Blocks():
        panel = LookPanel(desk)
        panel.draw()
    return panel


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Ten pictures and a caption, each in a folder of its own, as gradio keeps uploads."""
    paths = [tmp_path / f"{number}" / f"{number}.png" for number in range(10)]
    for number, path in enumerate(paths):
        path.parent.mkdir()
        noise = np.random.default_rng(number).integers(0, 255, (64, 64, 3), np.uint8)
        path.write_bytes(encode_png(noise))
    text = tmp_path / "text" / "3.txt"
    text.parent.mkdir()
    text.write_text("a boat, sea", encoding="utf-8")
    return [*map(str, paths), str(text)]


def values(panel: LookPanel) -> list[Any]:
    form = panel.form
    return [form.shown(name, getattr(CONFIG, name)) for name in form.components]


def keep(panel: LookPanel, files: list[str]) -> None:
    assert "are being kept" in panel._keep(NEW, "Ink", files, *values(panel))
    job = panel.desk.job()
    assert job is not None
    assert done(job).error is None


def test_pictures_are_kept_captions_edited_and_a_style_trained(
    panel: LookPanel, files: list[str]
) -> None:
    desk = panel.desk
    assert "No style trained yet" in view.training(desk)[ids.LOOK_PROGRESS]
    keep(panel, files)
    page = Redraw({})
    panel.refresh(page, [NEW, "Ink"])
    assert page.values["look"]["value"] == "Ink"
    assert "10 pictures kept" in page.values["look_about"]
    part, _, save, _, *rows = panel.captions._begin("Ink")
    assert (part["visible"], save["visible"]) == (False, True)
    texts = rows[2::3]
    assert texts[3] == "a boat, sea"
    assert [row["visible"] for row in rows[::3]] == [True] * 10 + [False] * 10
    edited = ["paper"] * 6 + [*texts[6:]]
    assert "6 captions saved" in panel.captions._save("Ink", "1 to 10", *edited)
    assert "Nothing has changed" in panel.captions._save("Ink", "1 to 10", *edited)
    assert "Under way" in panel._train("Ink", "", None, *values(panel))
    job = desk.job()
    assert job is not None
    assert job.title == "Training the style Ink"
    assert done(job).error is None
    drawn = view.training(desk)
    assert "Nearness of the samples" in drawn[ids.LOOK_CURVES]
    assert "The LoRA is ready" in drawn[ids.LOOK_PROGRESS]
    assert "Likeness" not in "".join(drawn.values())
    assert "under Portraits" in view.about(desk, "Ink")
    assert desk.services.studio.styles["ink"].prompt == "{person}, fclook, paper"
    assert not desk.can_resume("Ink")
    history = desk.services.studio.style_trainings.history("Ink")
    assert history is not None
    again = desk.services.jobs.submit(TrainStyle(name="Ink", run_name=history.run))
    assert done(again).error is None
    assert [step for step, _ in desk.log(again).losses] == [1, 2], "what it showed before"


@pytest.mark.parametrize(
    ("chosen", "typed", "told"),
    [(NEW, " ", "Type a name first"), (NEW, "Ink", "Choose pictures first")],
)
def test_what_is_missing_is_said_at_once(
    panel: LookPanel, chosen: str, typed: str, told: str
) -> None:
    with pytest.raises(InvalidInput, match=told):
        panel._train(chosen, typed, None, *values(panel))
    assert panel.desk.job() is None


def test_a_name_that_is_taken_is_said_at_once(panel: LookPanel, files: list[str]) -> None:
    keep(panel, files)
    with pytest.raises(InvalidInput, match="pictures of Ink already"):
        panel._keep(NEW, "ink", files, *values(panel))


def test_pictures_go_when_the_box_is_ticked(panel: LookPanel, files: list[str]) -> None:
    keep(panel, files)
    assert "Tick the box" in panel._delete("Ink", False)[1]
    assert "are gone" in panel._delete("Ink", True)[1]
    page = Redraw({})
    panel.refresh(page, ["Ink", ""])
    assert page.values["look"]["value"] == NEW
    assert page.values["look_about"] == ""


def test_a_damaged_look_is_told(panel: LookPanel, files: list[str]) -> None:
    keep(panel, files)
    look = panel.desk.look("Ink")
    assert look is not None
    (look.folder / "look.json").write_text("{}", encoding="utf-8")
    page = Redraw({})
    panel.refresh(page, ["Ink", ""])
    assert "is damaged" in page.values["look_about"]


def test_many_pictures_are_shown_in_parts() -> None:
    pictures = [Path(f"{number:03d}.png") for number in range(45)]
    assert captions_form._parts(45) == ["1 to 20", "21 to 40", "41 to 45"]
    assert captions_form._of_part(pictures, "41 to 45") == pictures[40:]
    assert captions_form._parts(0) == ["1 to 1"]
