"""The product in a real browser: photos in, a training watched, portraits with their scores."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.installing.optional import PILLOW_HEIF
from facechain_ext.nets.catalog import CATALOG
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.portraits.styles_view import PREVIEWS
from facechain_ext.ui.server import read_asset
from tests.ui.browser import PATIENCE, TABS, Tab, browsing, chromium, serving
from tests.ui.conftest import save

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

pytestmark = [pytest.mark.model, pytest.mark.slow(60), pytest.mark.timeout(1500)]

LOCAL = re.compile(r"(https?|ws)://127\.0\.0\.1[:/]|data:|blob:|about:")
STEPS = 4
PHONE = (390, 844)
TRY = 3000
"""Milliseconds after which something that may have moved is looked for again."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def address(served: Path) -> Iterator[str]:
    with serving(served / "a library", served / "log.txt") as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def tab(browser: Any, address: str) -> Iterator[Tab]:
    """An empty library's page."""
    with keeping_to_itself(browser, address) as tab:
        yield tab


@contextmanager
def keeping_to_itself(browser: Any, address: str, **how: Any) -> Iterator[Tab]:
    """Open a page as `browsing` does; afterwards nothing must have been asked of anybody else."""
    with browsing(browser, address, **how) as tab:
        yield tab
        assert [url for url in tab.requests if not LOCAL.match(url)] == []
        assert tab.errors == []


def album(tmp_path: Path) -> list[Path]:
    """Photos of one person, several where there is a collection of people, and a wall."""
    wall = tmp_path / "wall.jpg"
    save(wall, np.full((300, 300, 3), 200, np.uint8))
    if root := os.environ.get("FACECHAIN_PEOPLE"):
        folder = Path(root) / "people" / "london_ccby" / "FRL_001"
        return [*sorted(folder.glob("*.jpg")), wall]
    photo = tmp_path / "astronaut.png"
    save(photo, astronaut())
    return [photo, wall]


def test_from_photos_to_portraits(tab: Tab, tmp_path: Path, served: Path) -> None:
    judge(tab, album(tmp_path))
    refuse_without_consent(tab)
    train(tab)
    find_everything_again(tab)
    make_portraits(tab)
    assert pictures_in(served)
    delete(tab, album(tmp_path))
    assert pictures_in(served) == []
    assert "Traceback" not in (served / "log.txt").read_text(encoding="utf-8")


def judge(tab: Tab, photos: list[Path]) -> None:
    tab.expect(ids.PROGRESS).to_contain_text("Nobody chosen")
    tab.fill(ids.NAME, "Ana Élise")
    tab.element(ids.PHOTOS).locator("input[type=file]").set_input_files([str(p) for p in photos])
    total = len(photos)
    tab.expect(ids.VERDICTS).to_contain_text(f"{total - 1} of {total} photos can be used.")
    refused = tab.element(ids.VERDICTS).locator(".fc-photo", has_text="wall.jpg")
    assert "No face was found" in refused.inner_text()
    assert tab.element(ids.VERDICTS).locator("img").count() == total


def refuse_without_consent(tab: Tab) -> None:
    tab.click(ids.TRAIN)
    tab.expect(ids.TRAIN_MESSAGE).to_contain_text("Tick the box")
    assert tab.value(ids.NAME) == "Ana Élise"


def train(tab: Tab) -> None:
    tab.element(ids.CONSENT).locator("input").check()
    tab.fill("facechain_train_max_train_steps", STEPS)
    tab.unfold("More about the training")
    tab.fill("facechain_train_train_batch_size", 2)
    tab.fill("facechain_train_snapshot_every", STEPS // 2)
    tab.fill("facechain_train_samples_per_snapshot", 1)
    assert tab.value("facechain_train_snapshot_every") == str(STEPS // 2)
    tab.click(ids.TRAIN)
    tab.expect(ids.PROGRESS).to_contain_text("The LoRA is ready")
    tab.expect(ids.CURVES).to_contain_text(f"{STEPS} steps")
    expect(tab.element(ids.CURVES).locator("svg .fc-line")).to_have_count(2)
    assert_samples(tab, 2)


def wait_until(tab: Tab, holds: Callable[[], bool]) -> None:
    """Try again until it holds, as slow as the machine may be."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with suppress(playwright.TimeoutError):
            if holds():
                return
        assert time.monotonic() < deadline, "it never came to be"
        tab.page.wait_for_timeout(100)


def assert_samples(tab: Tab, count: int) -> None:
    """Expect a dot and a picture for every snapshot; gradio 6 draws them one after the other."""
    expect(tab.element(ids.CURVES).locator(".fc-dot")).to_have_count(count)
    expect(tab.element(ids.SAMPLES).locator("img")).to_have_count(count)


def find_everything_again(tab: Tab) -> None:
    """A reload loses nothing of what was going on."""
    tab.page.reload()
    tab.expect(ids.PROGRESS).to_contain_text("The LoRA is ready")
    tab.expect(ids.CARD).to_contain_text("Ana Élise")
    assert_samples(tab, 2)
    assert "<lora:Ana Élise:1>" in tab.element(ids.PROGRESS).inner_text()


def make_portraits(tab: Tab) -> None:
    tab.open("Portraits")
    expect(tab.field(ids.PORTRAIT_PERSON)).to_have_value("Ana Élise")
    wait_until(tab, lambda: cards_with_pictures(tab) == len([*PREVIEWS.glob("*.jpg")]))
    tab.fill("facechain_portrait_count", 3)
    tab.fill("facechain_portrait_seed", 7)
    tab.unfold("Size and sampling")
    tab.fill("facechain_portrait_steps", 8)
    tab.click(ids.GENERATE)
    tab.expect(ids.PORTRAIT_PROGRESS).to_contain_text("finished")
    tab.element(ids.RESULTS).locator("img").first.wait_for()
    scores = tab.scores(ids.RESULTS)
    assert scores
    assert scores == sorted(scores, reverse=True)
    assert all(-1 <= score <= 1 for score in scores)
    assert scores[0] > 0.3, "a photo's face was blended in"
    expect(tab.field(ids.INFOTEXT)).to_have_value(re.compile("FaceChain similarity"))
    infotext = tab.value(ids.INFOTEXT)
    for told in ("<lora:ana-elise-", "Seed: ", "FaceChain person: Ana Élise"):
        assert told in infotext
    best = re.search(r"FaceChain similarity: (\d\.\d+)", infotext)
    assert best
    assert float(best[1]) == pytest.approx(scores[0], abs=0.006)


def cards_with_pictures(tab: Tab) -> int:
    """Count the styles whose card shows more than the neutral drawing."""
    shown = tab.page.evaluate(
        "Array.from(document.querySelectorAll('#facechain_style label'),"
        " (card) => getComputedStyle(card, '::before').backgroundImage)"
    )
    return sum(image.startswith("url(") for image in shown)


def delete(tab: Tab, photos: list[Path]) -> None:
    """Delete who was trained while their photos lie in the box, which is empty then."""
    tab.open("People")
    box = tab.element(ids.PHOTOS).locator("input[type=file]")
    box.set_input_files([str(path) for path in photos])
    tab.expect(ids.VERDICTS).to_contain_text("photos can be used")
    tab.unfold("Rename, export, delete")
    tab.click(ids.DELETE)
    tab.expect(ids.DELETE_QUESTION).to_contain_text("1 training, 1 LoRA")
    tab.click(ids.DELETE_CONFIRMED)
    tab.expect(ids.ROOT).to_contain_text("Everything about Ana Élise is gone.")
    tab.expect(ids.PROGRESS).to_contain_text("Nobody chosen")
    tab.expect(ids.VERDICTS).to_have_text("")
    assert "Error" not in tab.element(ids.ROOT).inner_text()


def pictures_in(folder: Path) -> list[Path]:
    """Find what is left anywhere: the library's and gradio's copies."""
    return [
        path for path in folder.rglob("*.*") if path.suffix in (".png", ".jpg", ".webp", ".zip")
    ]


@pytest.mark.parametrize("width", [330, 572, 684, 900])
def test_the_samples_of_a_snapshot_stand_in_a_row(browser: Any, width: int) -> None:
    """As many as a training draws unless told otherwise, and none of them larger than drawn."""
    picture = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
    figures = f'<figure style="margin:0"><img src="{picture}"></figure>' * 4
    strip = f'<div class="fc-strip" style="width:{width}px">{figures}</div>'
    page = browser.new_page()
    page.set_content(
        f'<style>{read_asset("style.css")}</style><div class="facechain">{strip}</div>'
    )
    boxes = [figure.bounding_box() for figure in page.locator("figure").all()]
    page.close()
    assert len({box["y"] for box in boxes}) == 1
    assert len({round(box["width"]) for box in boxes}) == 1
    assert min(width / 5, 180) < boxes[0]["width"] <= 190


def test_photos_wait_for_the_answer_that_is_due(tab: Tab, tmp_path: Path) -> None:
    """gradio 3.41 drops an upload during which an answer arrives."""
    tab.expect(ids.PROGRESS).to_contain_text("Nobody chosen")
    due: list[Any] = []
    tab.page.route(re.compile(r"/run/"), lambda route: due.append(route))
    tab.click(ids.STATUS)  # whatever a person does, gradio is asked
    while not any("data-beat" in (route.request.post_data or "") for route in due):
        tab.page.wait_for_timeout(100)
    tab.element(ids.PHOTOS).locator("input[type=file]").set_input_files(album(tmp_path)[-1:])
    tab.page.wait_for_timeout(1000)
    assert not [url for url in tab.requests if "/upload" in url]
    for route in due:
        route.continue_()
    tab.page.unroute(re.compile(r"/run/"))
    tab.expect(ids.VERDICTS).to_contain_text("None of 1 photo can be used")
    assert [url for url in tab.requests if "/upload" in url]


def test_the_models_page_asks_before_it_fetches(tab: Tab) -> None:
    tab.open("Models")
    tab.expect(ids.INSTALLED).to_contain_text("Face recogniser")
    offered = next(entry for entry in CATALOG if not entry.shipped)
    tab.expect(ids.FETCH_SUMMARY).to_contain_text(offered.role)
    if not offered.unusable:
        tab.click(ids.FETCH)
        tab.expect(ids.ROOT).to_contain_text("Nothing is downloaded without your consent")
    else:
        tab.expect(ids.FETCH_SUMMARY).to_contain_text(f"runs in the package {offered.needs}")
        tab.expect(ids.FETCH).to_be_disabled()


def test_a_missing_package_is_installed_after_a_question_alone(tab: Tab) -> None:
    if PILLOW_HEIF.installed:
        pytest.skip("pillow-heif is installed here")
    ask, agree = (f"{kind}_pillow-heif_picker" for kind in (ids.INSTALL, ids.INSTALL_AGREED))
    tab.expect(ids.PROGRESS).to_contain_text("Nobody chosen")
    tab.expect(agree).to_be_hidden()
    tab.click(ask)
    tab.expect(agree).to_be_visible()
    tab.expect(ids.ROOT).to_contain_text("as a whole GPL-2.0")
    tab.click(f"{ids.INSTALL_REFUSED}_pillow-heif_picker")
    tab.expect(agree).to_be_hidden()
    tab.expect(ask).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_shows_all_without_scrolling_sideways(
    browser: Any, address: str, theme: str
) -> None:
    with keeping_to_itself(browser, f"{address}?__theme={theme}", size=PHONE) as tab:
        tab.expect(ids.PROGRESS).to_contain_text("Nobody chosen")
        for title in ("People", "Portraits", "Models"):
            open_on_a_phone(tab, title)
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], title


def open_on_a_phone(tab: Tab, title: str) -> None:
    """Tabs that do not fit are behind a button in newer versions of gradio."""
    named = re.compile(rf"^\s*{title}\s*$")
    button = tab.page.locator(TABS, has_text=named).first
    entry = tab.page.locator(".overflow-dropdown button", has_text=named).first
    menu = tab.page.locator(f"#{ids.PAGES} .overflow-menu > button").first

    def clicked() -> bool:
        """Try; gradio lays the tabs out anew as the page fills, which folds an open menu again."""
        if not button.is_visible() and not entry.is_visible():
            menu.click(timeout=TRY)
        (button if button.is_visible() else entry).click(timeout=TRY)
        return True

    wait_until(tab, clicked)
