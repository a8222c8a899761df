"""A portrait speaks in a running webui, and its video plays in the page.

    FACECHAIN_WEBUI=http://127.0.0.1:7860 pytest -x tests/e2e/test_talking.py

The webui has the packages av and hibari-tts; without them this is skipped, as the page tells.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facechain_ext.ui.page import element_ids as ids
from tests.e2e.parts import element, expect, fill, open_page

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]

PLAY = """async video => {
    video.muted = true;
    const ended = new Promise(done => video.addEventListener("timeupdate", () => {
        if (video.currentTime > 0.5) done();
    }));
    await video.play();
    await ended;
    video.pause();
    return video.currentTime;
}"""
SEEK = """async (video, time) => {
    const sought = new Promise(done => video.addEventListener("seeked", done, {once: true}));
    video.currentTime = time;
    await sought;
    return [video.currentTime, video.duration, video.webkitAudioDecodedByteCount];
}"""
COLOUR = """video => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const drawn = canvas.getContext("2d");
    drawn.drawImage(video, 0, 0);
    return [...drawn.getImageData(0, 0, canvas.width, canvas.height).data];
}"""


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("portrait") / "her.png"
    Image.fromarray(astronaut()).save(path)
    return path


@pytest.fixture(scope="module")
def video(page: Any, portrait: Path) -> Any:
    """The video of a sentence, in the page."""
    open_page(page, "Talk")
    told = element(page, ids.TALK_VOICES).inner_text()
    silent = page.get_by_text("video with sound").locator("visible=true").count()
    if "heart takes" in told or silent:
        pytest.skip(f"This webui lacks what it takes to speak: {told}")
    given = element(page, ids.TALK_PORTRAIT)
    given.locator("input[type=file]").set_input_files(str(portrait))
    expect(given).to_contain_text(portrait.name)
    fill(page, "facechain_talk_text", "Hello, I am a portrait, and I can speak.")
    element(page, ids.TALK).click()
    expect(element(page, ids.TALK_PROGRESS)).to_contain_text("s of video, made in")
    shown = element(page, ids.TALK_VIDEO).locator("video")
    expect(shown).to_have_count(1)
    page.wait_for_function("video => video.readyState > 2", arg=shown.element_handle())
    return shown


def test_it_plays_and_can_be_sought_in(video: Any) -> None:
    assert video.evaluate(PLAY) > 0.5
    at, length, sound = video.evaluate(SEEK, 1.5)
    assert at == pytest.approx(1.5, abs=0.1) and 2 < length < 6
    assert sound > 0, "there is a sound track"
    assert video.evaluate(SEEK, 0.0)[0] == 0.0


def test_it_has_the_portraits_colours(video: Any) -> None:
    pixels = np.array(video.evaluate(COLOUR), np.uint8).reshape(512, 512, 4)[..., :3]
    still = np.s_[420:, :]
    apart = np.abs(pixels[still].astype(int) - astronaut()[still])
    assert np.abs((pixels[still].astype(int) - astronaut()[still]).mean(axis=(0, 1))).max() < 2
    assert apart.mean() < 5
