"""Two people painted onto two of three faces in a running webui, in a browser.

    FACECHAIN_WEBUI=<address> FACECHAIN_PEOPLE=<photos> pytest -x tests/e2e/test_templates.py

Started as test_webui.py is; its first lines say how. The two are trained by the API, and deleted at
the end. Each test goes on where the one before it stopped.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from bench.second_embedder import second_embedder
from facechain_ext.base.records import Embedding, Face, Pixels
from facechain_ext.imaging.files import read_photo
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.place import Place
from facechain_ext.ui.page import element_ids as ids
from tests.e2e.test_webui import choose, element, expect, fill, open_page

if TYPE_CHECKING:
    from tests.e2e.conftest import Client

STEPS = int(os.environ.get("FACECHAIN_STEPS", "40"))
NAMES = tuple(f"Test {name} {time.strftime('%H%M%S')}" for name in ("Left", "Right"))
HEIGHT = 480

pytestmark = [pytest.mark.e2e, pytest.mark.people, pytest.mark.slow, pytest.mark.timeout(3600)]


@dataclass(frozen=True)
class Group:
    """A picture of three strangers side by side, and whom the first and the third become."""

    path: Path
    photos: tuple[list[Path], list[Path]]

    @property
    def pixels(self) -> Pixels:
        return read_photo(self.path).pixels


@pytest.fixture(scope="module")
def group(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Group:
    """London Set photos (CC BY 4.0) put together as a PNG; two people with five photos each."""
    strangers = [sorted(each.glob("*.jpg"))[0] for each in sorted(people.glob("london_ccby/*"))]
    parts = [Image.open(path).convert("RGB").resize((HEIGHT, HEIGHT)) for path in strangers[:3]]
    path = tmp_path_factory.mktemp("group") / "three.png"
    Image.fromarray(np.hstack([np.asarray(part) for part in parts])).save(path)
    persons = [sorted(person.glob("*.jpg")) for person in sorted(people.glob("hires/*"))]
    first, second = [photos[:5] for photos in persons if len(photos) >= 5][:2]
    return Group(path, (first, second))


@pytest.fixture(scope="module")
def trained(webui: Client, group: Group) -> Iterator[tuple[str, ...]]:
    """Both people in the webui's library, trained there; deleted afterwards."""
    from facechain_ext.client import Client as Api

    with Api(webui.url) as api:
        for name, photos in zip(NAMES, group.photos, strict=True):
            job = api.train(name, photos, {"max_train_steps": STEPS, "snapshot_every": STEPS})
            for _ in api.events(job.id):
                pass
            assert api.job(job.id).state == "succeeded", api.job(job.id)
        yield NAMES
        for job in api.jobs("active").jobs:
            if job.person in NAMES:
                api.cancel(job.id)
                api.job(job.id, wait=60)
        for person in api.people().people:
            if person.name in NAMES:
                api.delete_person(person.slug)


@pytest.fixture(scope="module")
def nets() -> FaceNets:
    return FaceNets()


def faces(nets: FaceNets, pixels: Pixels) -> list[Face]:
    """Return the faces of a picture from the left."""
    return sorted(nets.detector.detect(pixels), key=lambda face: face.center[0])


def reference(embedder: Any, nets: FaceNets, photos: list[Path]) -> Embedding:
    """Return what the photos of one person have in common."""
    pictures = [read_photo(path).pixels for path in photos]
    found = [(pixels, nets.detector.detect(pixels)) for pixels in pictures]
    embedded = [embedder.embed(pixels, seen[0]) for pixels, seen in found if seen]
    mean = np.mean(embedded, axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


@pytest.fixture(scope="module")
def painted(page: Any, group: Group, trained: tuple[str, ...]) -> Pixels:
    """Paint the two onto the first and the third face, through the page; the picture as saved."""
    open_page(page, "Templates")
    element(page, ids.TEMPLATE).locator("input[type=file]").set_input_files(str(group.path))
    expect(element(page, ids.TEMPLATE_PICTURE).locator(".fc-frame")).to_have_count(3)
    for number, name in ((1, trained[0]), (2, "leave as it is"), (3, trained[1])):
        choose(page, ids.template_face(number), name)
    page.get_by_text("More about the painting").first.click()
    fill(page, "facechain_template_seed", 7)
    fill(page, "facechain_template_steps", 12)
    fill(page, "facechain_template_candidates", 2)
    fill(page, "facechain_template_attempts", 2)
    element(page, ids.TEMPLATE_START).click()
    expect(element(page, ids.TEMPLATE_PROGRESS)).to_contain_text(re.compile("Face [13]: Test"))
    # Until then those of an earlier job may be shown.
    told = element(page, ids.TEMPLATE_INFOTEXT).locator("textarea")
    expect(told).to_have_value(re.compile(rf"3 {trained[1]} \("))
    result = element(page, ids.TEMPLATE_RESULTS).locator("img").first
    expect(result).to_be_visible()
    content = page.request.get(result.get_attribute("src")).body()
    picture = group.path.with_name("painted.png")
    picture.write_bytes(content)
    return np.asarray(Image.open(BytesIO(content)).convert("RGB"))


def test_both_are_right_and_nobody_is_swapped(
    painted: Pixels, group: Group, nets: FaceNets
) -> None:
    embedders = {"SFace": nets.embedder, "dlib": second_embedder()}
    for called, embedder in embedders.items():
        if embedder is None:
            continue
        known = [reference(embedder, nets, photos) for photos in group.photos]
        before = [embedder.embed(group.pixels, face) for face in faces(nets, group.pixels)]
        after = [embedder.embed(painted, face) for face in faces(nets, painted)]
        assert len(after) == 3
        for seat, person in ((0, 0), (2, 1)):
            alike = [float(after[seat] @ each) for each in (*known, *before)]
            print(f"{called}, face {seat + 1}: {alike}")
            assert max(range(len(alike)), key=alike.__getitem__) == person


def test_the_third_face_and_all_beyond_the_exchanged_ones_is_untouched(
    painted: Pixels, group: Group, nets: FaceNets
) -> None:
    before = group.pixels
    assert painted.shape == before.shape
    changed = (painted != before).any(axis=2)
    found = faces(nets, before)
    for face in (found[0], found[2]):
        left, top, right, bottom = Place.around(face, before, nets.landmarker).box(before.shape)
        assert changed[top:bottom, left:right].any()
        changed[top:bottom, left:right] = False
    assert not changed.any()
    middle = slice(HEIGHT, 2 * HEIGHT)
    assert np.array_equal(painted[:, middle], before[:, middle])


def test_the_infotext_tells_who_is_where_and_goes_to_img2img(
    page: Any, painted: Pixels, group: Group
) -> None:
    told = element(page, ids.TEMPLATE_INFOTEXT).locator("textarea").input_value()
    assert "FaceChain template: three.png" in told
    first, last = (re.escape(name) for name in NAMES)
    seats = rf"1 {first} \(seed \d+, similarity 0\.\d+\); 3 {last} \(seed \d+, similarity 0\.\d+\)"
    assert re.search(seats, told), told
    saved = Image.open(group.path.with_name("painted.png")).text["parameters"]  # type: ignore[attr-defined]
    assert re.search(seats, saved), saved
    page.locator("#facechain_template_send_to_img2img").click()
    expect(page.locator("#img2img_prompt textarea")).to_have_value(re.compile("<lora:"))
    expect(page.locator("#img2img_image img, #img2img_image canvas").first).to_be_visible()
    page.evaluate("switch_to_facechain()")
    expect(element(page, ids.ROOT)).to_be_visible()


def test_the_webuis_interrupt_stops_in_the_middle(
    page: Any, webui: Client, painted: Pixels
) -> None:
    open_page(page, "Templates")
    fill(page, "facechain_template_candidates", 8)
    element(page, ids.TEMPLATE_START).click()
    progress = element(page, ids.TEMPLATE_PROGRESS)
    expect(progress).to_contain_text(re.compile(r"Face 1: Test .*step \d+"))
    while webui.get("/sdapi/v1/progress?skip_current_image=true")["state"]["sampling_step"] < 1:
        time.sleep(0.2)
    webui.post("/sdapi/v1/interrupt")
    expect(progress).to_contain_text("stopped")
