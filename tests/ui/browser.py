"""A real browser on `facechain ui`, and short names for what the story does on the page."""

from __future__ import annotations

import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from facechain_ext.ui.page import element_ids as ids

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
PATIENCE = int(os.environ.get("FACECHAIN_PATIENCE", "240"))
"""Seconds that one stage of the work may take."""

TABS = f"#{ids.PAGES} button[role=tab], #{ids.PAGES} .tab-nav > button"
"""The pages' buttons; gradio 6 has a second set, for measuring, and 3.41 gives no roles."""

QUIET = """() => new Promise((done) => {
    let timer = 0;
    const wait = () => { clearTimeout(timer); timer = setTimeout(done, 300); };
    const options = {subtree: true, childList: true, attributes: true};
    new MutationObserver(wait).observe(document.body, options);
    wait();
})"""
"""Wait until the page has changed nothing for a while."""

REPOSITORY = Path(__file__).parents[2]


@contextmanager
def serving(data_dir: Path, log: Path) -> Iterator[str]:
    """Run `facechain ui` and give its address."""
    port = free_port()
    ui = ["facechain_ext.cli", "ui", "--no-browser", "--port", str(port)]
    with running(port, log, *ui, "--data-dir", str(data_dir)) as address:
        yield address


@contextmanager
def running(port: int, log: Path, *module: str) -> Iterator[str]:
    """Run a module that shows the page at a port, and give its address."""
    temporary = log.with_name("temporary")
    temporary.mkdir()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", *module],
            cwd=REPOSITORY,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)),
            },
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(PATIENCE)
    if os.name == "posix":  # elsewhere it is killed, and the next page tidies up
        assert list(temporary.glob("facechain-page-*")) == []


def free_port() -> int:
    """Find a port below those that systems give to connections, which stays free until then."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if _answers(address):
            return
        time.sleep(0.3)
    pytest.fail(f"facechain ui did not start: {log.read_text(encoding='utf-8')[-2000:]}")


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


@dataclass
class Tab:
    """The page in the browser; requests: every address that it asked for."""

    page: Any
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def element(self, name: str) -> Any:
        """Find by id; gradio 3.41 writes some ids twice, the outer one first."""
        return self.page.locator(f"#{name}").first

    def fill(self, name: str, value: object) -> None:
        """Type over what is there and leave the field, as a person does."""
        box = self.element(name).locator("input[type=number], textarea, input").first
        box.fill(str(value))
        box.blur()

    def click(self, name: str) -> None:
        self.element(name).click()

    def open(self, title: str) -> None:
        self.page.locator(TABS, has_text=re.compile(rf"^\s*{title}\s*$")).first.click()

    def unfold(self, title: str) -> None:
        """Open a fold and wait until gradio is done drawing what is in it."""
        self.page.get_by_text(title, exact=True).first.click()
        self.page.evaluate(QUIET)

    def field(self, name: str) -> Any:
        return self.element(name).locator("textarea, input").first

    def value(self, name: str) -> str:
        return str(self.field(name).input_value())

    def scores(self, name: str) -> list[float]:
        """Read the likenesses in a gallery's captions, in their order."""
        gallery = self.element(name)
        alternatives = [image.get_attribute("alt") or "" for image in gallery.locator("img").all()]
        shown = gallery.inner_text() + " ".join(alternatives)
        placed = dict(re.findall(r"(\d+)\. likeness (-?\d\.\d+)", shown))
        return [float(placed[place]) for place in sorted(placed, key=int)]

    def expect(self, name: str) -> Any:
        from playwright.sync_api import expect

        return expect(self.element(name))


@contextmanager
def chromium() -> Iterator[Any]:
    """Start Chromium; skips where there is none."""
    from playwright import sync_api as playwright

    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as started:
        playwright.expect.set_options(timeout=PATIENCE * 1000)
        browser = started.chromium.launch(
            executable_path=found, args=FLAGS, timeout=PATIENCE * 1000
        )
        yield browser
        browser.close()


@contextmanager
def browsing(
    browser: Any,
    address: str,
    routed: Callable[[Any], None] = lambda page: None,
    size: tuple[int, int] = (1280, 1000),
) -> Iterator[Tab]:
    """Open an address as somebody who has never been there; routed: what is set up before."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.set_default_timeout(PATIENCE * 1000)
    tab = Tab(page)
    page.on("request", lambda request: tab.requests.append(request.url))
    page.on("pageerror", lambda error: tab.errors.append(str(error)))
    routed(page)
    page.goto(address)
    yield tab
    page.close()
