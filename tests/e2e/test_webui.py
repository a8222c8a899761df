"""One story in a running webui, told in order: photos, training, portraits, and back again.

    FACECHAIN_WEBUI=http://127.0.0.1:7860 FACECHAIN_PEOPLE=<photos> pytest -x tests/e2e

FACECHAIN_WEBUI is the address of a webui that runs, A1111 or Forge, started with --api; conftest.py
skips everything without it. Its selected checkpoint must be the mini, and nobody else at work. The
library may have people in it: the story is about somebody new, who is deleted at its end. Each test
goes on where the one before it stopped. On a slow or busy computer, FACECHAIN_STEPS makes the
training shorter than its 40 steps, and FACECHAIN_PATIENCE, in seconds, the waiting longer.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from facechain_ext.ui.page import element_ids as ids
from tests.e2e.parts import (
    choose,
    delete,
    element,
    expect,
    fill,
    open_page,
    step_of,
    train,
    upload,
)

if TYPE_CHECKING:
    from tests.e2e.conftest import Client

NAME = f"Test Person {time.strftime('%H%M%S')}"
"""Nobody who is there from an earlier time."""

STEPS = int(os.environ.get("FACECHAIN_STEPS", "40"))
SNAPSHOT = STEPS // 4

pytestmark = [pytest.mark.e2e, pytest.mark.people, pytest.mark.slow, pytest.mark.timeout(1800)]


def test_photos_get_their_verdicts(page: Any, uploads: list[Path], before: Any) -> None:
    verdicts = upload(page, NAME, uploads)
    expect(verdicts).to_contain_text("of 7 photos can be used")
    for name in ("group.jpg", "blank.jpg"):
        card = verdicts.locator(".fc-photo", has_text=name)
        expect(card).to_contain_text("not used")
    assert verdicts.locator(".fc-photo.fc-good").count() >= 4


def test_training_moves_and_shows_itself(page: Any) -> None:
    train(page, STEPS, SNAPSHOT)
    expect(element(page, ids.CURVES).locator("svg").first).to_be_visible()


def test_others_are_served_in_the_middle(page: Any, webui: Client) -> None:
    progress = element(page, ids.PROGRESS)
    begun = step_of(progress.inner_text())
    asked = time.monotonic()
    assert webui.draw(seed=2).shape == (192, 192, 3)
    print(f"served in {time.monotonic() - asked:.1f} s, training was at step {begun}")
    assert step_of(progress.inner_text()) < STEPS, "the picture had to wait for the whole training"


def test_it_can_be_stopped_and_gone_on_with(page: Any) -> None:
    progress = element(page, ids.PROGRESS)
    expect(element(page, ids.SAMPLES).locator("img").first).to_be_visible()
    element(page, ids.STOP_TRAINING).click()
    expect(progress).to_contain_text("stopped")
    stopped_at = step_of(progress.inner_text())
    assert stopped_at < STEPS
    element(page, ids.RESUME).click()
    expect(progress).to_contain_text("The LoRA is ready")


def test_the_lora_is_listed_without_a_restart(page: Any, webui: Client) -> None:
    tag = re.search(r"<lora:([^:]+):", element(page, ids.PROGRESS).inner_text())
    assert tag
    file = Path(webui.lora(tag[1])["path"])
    assert file.with_suffix(".json").is_file()
    assert file.with_suffix(".preview.png").is_file()
    for tab in ("txt2img", "img2img"):
        card = page.locator(f"#{tab}_lora_cards_html .card[data-name='{file.stem}']")
        expect(card).to_be_attached()


def test_portraits_are_ranked_and_scored(page: Any) -> None:
    open_page(page, "Portraits")
    choose(page, ids.PORTRAIT_PERSON, NAME)
    fill(page, "facechain_portrait_count", 2)
    fill(page, "facechain_portrait_seed", 7)
    element(page, ids.GENERATE).click()
    results, told = element(page, ids.RESULTS), element(page, ids.INFOTEXT).locator("textarea")
    expect(told).to_have_value(re.compile(f"FaceChain person: {NAME}"))  # not somebody's before
    expect(results.locator("img").first).to_be_visible()
    captions = results.inner_text()
    scores = [float(score) for score in re.findall(r"likeness (-?\d\.\d\d)", captions)]
    assert scores, captions
    assert scores == sorted(scores, reverse=True)
    infotext = told.input_value()
    for field in ("<lora:", "Steps: ", "Sampler: ", "Seed: ", f"FaceChain person: {NAME}"):
        assert field in infotext


def test_a_portrait_is_sent_to_img2img_and_its_settings_come_back(
    page: Any, tmp_path: Path
) -> None:
    page.locator("#facechain_send_to_img2img").click()
    expect(page.locator("#img2img_prompt textarea")).to_have_value(re.compile("<lora:"))
    expect(page.locator("#img2img_image img, #img2img_image canvas").first).to_be_visible()
    source = element(page, ids.RESULTS).locator("img").first.get_attribute("src")
    picture = tmp_path / "portrait.png"
    picture.write_bytes(page.request.get(source).body())
    page.locator("#tabs button", has_text=re.compile(r"^\s*PNG Info\s*$")).first.click()
    page.locator("#pnginfo_image input[type=file]").first.set_input_files(str(picture))
    expect(page.locator("#tab_pnginfo")).to_contain_text("FaceChain person")
    page.locator("#FaceChain_tab").click()
    expect(element(page, ids.ROOT)).to_be_visible()
    expect(page.locator("#facechain_portrait_seed input").first).to_have_value(re.compile(r"\d+"))


def test_the_webuis_interrupt_stops_portraits(page: Any, webui: Client) -> None:
    open_page(page, "Portraits")
    choose(page, ids.PORTRAIT_PERSON, NAME)
    fill(page, "facechain_portrait_count", 8)
    element(page, ids.GENERATE).click()
    progress = element(page, ids.PORTRAIT_PROGRESS)
    expect(progress).to_contain_text("Picture 1 of")
    while webui.get("/sdapi/v1/progress?skip_current_image=true")["state"]["sampling_step"] < 1:
        time.sleep(0.2)
    webui.post("/sdapi/v1/interrupt")
    expect(progress).to_contain_text("stopped")


def test_the_model_is_as_it_was(webui: Client, before: Any) -> None:
    assert np.array_equal(webui.draw(seed=1), before)


def test_everything_about_a_person_can_be_deleted(page: Any) -> None:
    delete(page, NAME)
