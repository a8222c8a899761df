"""Parts of our page as a browser holds them, on gradio 3.41 and 4.40."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from facechain_ext.ui.page import element_ids as ids

OPEN = f"""() => {{
    const tab = document.querySelector("#{ids.ROOT}");
    if (!tab || !window.switch_to_facechain) return false;
    if (!tab.offsetParent) switch_to_facechain();
    const told = document.querySelector("#{ids.CHECKPOINT}");
    return tab.offsetParent !== null && told.innerText.includes("Trains on");
}}"""
"""Opens our tab as often as it is called, and tells whether the page has heard from the webui."""

OPENED = 120
"""How often a dropdown is opened at most, for about a second each."""


def expect(locator: Any) -> Any:
    from playwright.sync_api import expect

    return expect(locator)


def element(page: Any, name: str) -> Any:
    """Find by id; gradio 3.41 writes some ids twice, the outer one first."""
    return page.locator(f"#{name}").first


def fill(page: Any, name: str, value: object) -> None:
    element(page, name).locator("input[type=number], textarea, input").first.fill(str(value))


def choose(page: Any, name: str, value: str) -> None:
    """Choose from a dropdown, whatever is in it; gradio 3.41's must be opened anew for what came
    since it was."""
    box = element(page, name).locator("input").first
    option = page.locator(f'[data-testid="dropdown-option"][aria-label="{value}"]').first
    for _ in range(OPENED):
        if box.input_value() == value:
            break
        box.click()
        page.wait_for_timeout(1000)
        if option.count():
            option.click()
        else:
            box.blur()
    expect(box).to_have_value(value)


def open_page(page: Any, name: str) -> None:
    page.locator(f"#{ids.PAGES} button", has_text=re.compile(rf"^\s*{name}\s*$")).first.click()


def open_tab(page: Any, url: str = "") -> None:
    """Open our tab, on the page as it is or on a webui's, and wait for its first pulse.

    That chooses somebody who is there already. Some webuis' pages load themselves once more.
    """
    if url:
        page.goto(url, wait_until="domcontentloaded")
    page.wait_for_function(OPEN, polling=500)


def set_known(page: Any) -> None:
    """Mark the errors that are told already, for `wait_for` to pass over."""
    page.evaluate("document.querySelectorAll('[role=alert]').forEach(a => a.dataset.known = 1)")


def wait_for(page: Any, done: str, arg: Any, *places: str) -> None:
    """Wait for a condition, a function in JavaScript of one argument.

    Fails with the first new error that is told in one of these places instead.
    """
    errors = ", ".join(f"#{place} [role=alert]:not([data-known])" for place in places)
    page.wait_for_function(
        f"([arg, errors]) => ({done})(arg) || document.querySelector(errors)", arg=[arg, errors]
    )
    told = page.locator(errors).all_inner_texts()
    if told:
        pytest.fail(f"The page says: {' '.join(told)}")


def upload(page: Any, name: str, photos: list[Path]) -> Any:
    """Hand in photos of somebody new; return where their verdicts come."""
    from facechain_ext.ui.people.desk import NEW

    choose(page, ids.PERSON, NEW)
    fill(page, ids.NAME, name)
    element(page, ids.PHOTOS).locator("input[type=file]").set_input_files([*map(str, photos)])
    return element(page, ids.VERDICTS)


def train(page: Any, steps: int, snapshot_every: int) -> None:
    element(page, ids.CONSENT).locator("input").check()
    fill(page, "facechain_train_max_train_steps", steps)
    page.get_by_text("More about the training").first.click()
    fill(page, "facechain_train_snapshot_every", snapshot_every)
    fill(page, "facechain_train_samples_per_snapshot", 2)
    element(page, ids.TRAIN).click()
    expect(element(page, ids.PROGRESS)).to_contain_text(re.compile(rf"Step \d+ of {steps}"))


def delete(page: Any, name: str) -> None:
    open_page(page, "People")
    choose(page, ids.PERSON, name)
    page.get_by_text("Rename, export, delete").first.click()
    element(page, ids.DELETE).click()
    element(page, ids.DELETE_CONFIRMED).click()
    expect(element(page, ids.ROOT)).to_contain_text(f"Everything about {name} is gone")


def step_of(progress: str) -> int:
    found = re.search(r"Step (\d+) of", progress)
    return int(found[1]) if found else 0
