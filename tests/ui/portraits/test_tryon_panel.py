"""The Try on panel: the garment shown as it is cut out, and clear refusals."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facechain_ext.base.errors import FaceChainError
from facechain_ext.config import TryOnConfig
from facechain_ext.jobs.queue import JobState
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.portraits.tryon_desk import NOBODY, TryOnDesk
from facechain_ext.ui.portraits.tryon_panel import TryOnPanel
from facechain_ext.ui.portraits.view import progress
from tests.tryon.bodies import dyed, trousers
from tests.tryon.conftest import drawn_shirt, shirt_mask

pytestmark = pytest.mark.slow(10)


@pytest.fixture
def panel(services: Services) -> TryOnPanel:
    panel = TryOnPanel(TryOnDesk(services))
    with gr.Blocks():
        panel.draw()
    return panel


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Files as gradio hands them over: a shirt with alpha, a photo, jeans, a wall."""
    alpha = np.rint(shirt_mask() * 255).astype(np.uint8)
    shirt = np.dstack([drawn_shirt((40, 110, 80), (255, 255, 255)), alpha])
    drawn = {
        "shirt": shirt,
        "her": astronaut(),
        "jeans": dyed(trousers(), (40, 60, 120)),
        "wall": np.full((90, 90, 3), 90, np.uint8),
    }
    folder = tmp_path_factory.mktemp("files")
    for name, pixels in drawn.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return {name: SimpleNamespace(name=str(folder / f"{name}.png")) for name in drawn}


def test_a_garment_is_shown_as_it_is_cut_out(panel: TryOnPanel, files: dict[str, Any]) -> None:
    message, seen = panel._look_at_garment(files["shirt"])
    assert message == ""
    assert "fc-garment" in seen
    pixels = panel.desk.cut_out(Path(files["shirt"].name))
    assert np.abs(pixels[400, 300].astype(int) - (40, 110, 80)).max() < 15
    assert 128 < pixels[10, 10].max() < 160


def test_the_part_that_is_chosen_tells_what_is_cut_out(
    panel: TryOnPanel, files: dict[str, Any]
) -> None:
    """Trousers are told by their outline; as a shirt they are refused in a sentence."""
    assert "fc-garment" in panel._look_at_garment(files["jeans"], "auto")[1]
    assert "jeans.png shows trousers" in panel._look_at_garment(files["jeans"], "upper")[0]


def test_what_is_no_garment_is_told_and_not_shown(panel: TryOnPanel, files: dict[str, Any]) -> None:
    message, seen = panel._look_at_garment(files["wall"])
    assert "No garment was found in wall.png" in message
    assert seen == ""
    assert panel._look_at_garment(None) == ("", "")


def test_a_photo_is_shown(panel: TryOnPanel, files: dict[str, Any]) -> None:
    message, seen = panel._look_at_photo(files["her"])
    assert message == ""
    assert "<img" in seen


@pytest.mark.parametrize(
    ("garment", "photo", "name", "way", "told"),
    [
        (None, "her", NOBODY, "fitted", "Choose a picture of a garment first"),
        ("shirt", None, NOBODY, "fitted", "Choose a photo"),
        ("shirt", "wall", NOBODY, "fitted", "No face was found in wall"),
        ("her", None, NOBODY, "worn", "Say who"),
        ("her", None, "Cy", "worn", "Cy"),
    ],
)
def test_what_cannot_be_tried_on_is_refused_at_once(
    panel: TryOnPanel,
    files: dict[str, Any],
    garment: str | None,
    photo: str | None,
    name: str,
    way: Any,
    told: str,
) -> None:
    paths = [Path(files[each].name) if each else None for each in (garment, photo)]
    with pytest.raises(FaceChainError, match=told):
        panel.desk.try_on(paths[0], paths[1], name, TryOnConfig(way=way))
    assert panel.desk.job() is None


def test_nobody_has_to_be_trained_for_it(panel: TryOnPanel) -> None:
    assert "Choose a picture of a garment" in progress(panel.desk)
    page = Redraw({})
    panel.refresh(page, [NOBODY])
    assert page.values["tryon_person"]["choices"] == [NOBODY]


def test_what_was_tried_on_is_shown_with_its_notes(
    panel: TryOnPanel, files: dict[str, Any]
) -> None:
    garment, photo = (Path(files[name].name) for name in ("shirt", "her"))
    job = panel.desk.try_on(garment, photo, NOBODY, TryOnConfig(seam=0.0))
    *_, _last = job.follow()
    assert job.state is JobState.SUCCEEDED
    page = Redraw({})
    panel.refresh(page, [NOBODY])
    ((path, caption),) = page.values["tryon_results"]
    assert caption == "1. likeness 1.00"
    assert np.array_equal(np.array(Image.open(path))[:150], astronaut()[:150])
    assert "try-on: fitted" in page.values["tryon_infotext"]
