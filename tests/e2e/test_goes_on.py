"""A training that goes on, whatever happens to the pages that show it; told as in test_webui.

    FACECHAIN_WEBUI=http://127.0.0.1:7860 FACECHAIN_PEOPLE=<photos> \\
        FACECHAIN_RESTART=<command> pytest -x tests/e2e/test_goes_on.py

FACECHAIN_RESTART is a command that ends the webui, starts it again and returns when it answers;
without one, the restart is left out. The training is five times FACECHAIN_STEPS long, for it must
not be over before all of this has happened.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from facechain_ext.base.records import Pixels
from facechain_ext.ui.page import element_ids as ids
from tests.e2e.parts import choose, delete, element, expect, open_tab, step_of, train, upload

if TYPE_CHECKING:
    from tests.e2e.conftest import Client

NAME = f"Going On {time.strftime('%H%M%S')}"
STEPS = 5 * int(os.environ.get("FACECHAIN_STEPS", "40"))
PATIENCE = int(os.environ.get("FACECHAIN_PATIENCE", "300"))
RESTART = shlex.split(os.environ.get("FACECHAIN_RESTART", ""))

pytestmark = [pytest.mark.e2e, pytest.mark.people, pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def other(page: Any, webui: Client) -> Iterator[Any]:
    """The page in another browser, which shares nothing with the first."""
    other = page.context.browser.new_page(viewport={"width": 1400, "height": 1100})
    other.set_default_timeout(PATIENCE * 1000)
    open_tab(other, webui.url)
    yield other
    other.close()


def test_another_browser_sees_the_training(
    page: Any, other: Any, uploads: list[Path], before: Pixels
) -> None:
    expect(upload(page, NAME, uploads[:5])).to_contain_text("photos can be used")
    train(page, STEPS, STEPS)
    choose(other, ids.PERSON, NAME)
    expect(element(other, ids.PROGRESS)).to_contain_text(re.compile(rf"Step \d+ of {STEPS}"))


def test_either_browser_stops_it_and_goes_on_with_it(page: Any, other: Any) -> None:
    element(other, ids.STOP_TRAINING).click()
    for each in (page, other):
        expect(element(each, ids.PROGRESS)).to_contain_text("stopped")
    element(page, ids.RESUME).click()
    for each in (page, other):
        goes_on(each, step_of(element(each, ids.PROGRESS).inner_text()))


def test_it_goes_on_behind_reload_ui(page: Any, webui: Client) -> None:
    step = step_of(element(page, ids.PROGRESS).inner_text())
    with page.expect_event("load"):  # the webui's page comes back by itself
        page.evaluate("document.querySelector('#settings_restart_gradio').click()")
    open_tab(page)
    goes_on(page, step)


def test_it_goes_on_after_a_restart(page: Any, webui: Client) -> None:
    if not RESTART:
        pytest.skip("FACECHAIN_RESTART names no command")
    step = step_of(element(page, ids.PROGRESS).inner_text())
    subprocess.run(RESTART, check=True)
    open_tab(page, webui.url)
    goes_on(page, step)


def test_it_ends_in_a_lora(page: Any, webui: Client) -> None:
    progress = element(page, ids.PROGRESS)
    expect(progress).to_contain_text("The LoRA is ready")
    tag = re.search(r"<lora:([^:]+):", progress.inner_text())
    assert tag
    assert webui.lora(tag[1])


def test_the_model_is_as_it_was(page: Any, webui: Client, before: Pixels) -> None:
    assert np.array_equal(webui.draw(seed=1), before)
    delete(page, NAME)


def goes_on(page: Any, step: int) -> None:
    """See the training of our person at work, beyond a step."""
    choose(page, ids.PERSON, NAME)
    progress = element(page, ids.PROGRESS)
    expect(progress).to_contain_text(re.compile(rf"Step \d+ of {STEPS}"))
    deadline = time.monotonic() + PATIENCE
    while step_of(progress.inner_text()) <= step and time.monotonic() < deadline:
        time.sleep(1)
    assert step < step_of(progress.inner_text()) < STEPS
