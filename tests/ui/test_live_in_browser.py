"""What goes on appears by itself in a real browser: sent by the server, or else fetched."""

from __future__ import annotations

import re
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facechain_ext.ui.page import element_ids as ids
from tests.ui.browser import Tab, browsing, chromium, free_port, running
from tests.ui.conftest import save

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("fastapi")
expect = playwright.expect

pytestmark = [pytest.mark.model, pytest.mark.slow(60), pytest.mark.timeout(900)]

STREAM = re.compile(r"/facechain/v1/page\?")
POLL = re.compile(r"/facechain/v1/page/now\?")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("told"), free_port()
    module = ("tests.ui.told_page", str(port), str(folder / "data"))
    with running(port, folder / "log.txt", *module) as address:
        yield address


@dataclass
class Training:
    """Ana's training, which does what it is told. asked: what the page has asked gradio."""

    tab: Tab
    address: str
    step: int = 0
    asked: list[str] = field(default_factory=list)

    def tell(self, what: str) -> None:
        with urllib.request.urlopen(f"{self.address}/told/{what}", timeout=20):
            pass

    def steps(self, count: int) -> None:
        """Take steps and wait until the page tells of the last one."""
        for _ in range(count):
            self.tell("step_on")
        self.step += count
        self.tab.expect(ids.PROGRESS).to_contain_text(f"Step {self.step} of 100")
        expect(self.tab.element(ids.CURVES).locator("svg .fc-line").first).to_be_attached()
        self.tab.expect(ids.queue_row(0)).to_contain_text(f"step {self.step} of 100")

    def sample(self, count: int) -> None:
        """Show samples and wait until the page has them of `count` snapshots."""
        self.tell("sample")
        expect(self.tab.element(ids.SAMPLES).locator("img")).to_have_count(2 * count)

    def settle(self) -> None:
        """Wait until the page has nothing more to ask gradio; from then on all is counted."""
        while True:
            self.asked.clear()
            self.tab.page.wait_for_timeout(2500)
            if not self.asked:
                return


@contextmanager
def training(tab: Tab, address: str) -> Iterator[Training]:
    """Train Ana while the page is open."""
    told = Training(tab, address)
    tab.page.on("request", lambda r: told.asked.append(r.url) if r.method == "POST" else None)
    tab.expect(ids.STATUS).to_contain_text("ready")
    told.tell("begin")
    try:
        expect(tab.element(ids.STOP_TRAINING)).to_be_enabled()
        yield told
    finally:
        told.tell("end")
    tab.expect(ids.PROGRESS).to_contain_text("finished")
    expect(tab.element(ids.STOP_TRAINING)).to_be_disabled()
    assert tab.errors == []


def asked_for(tab: Tab, what: re.Pattern[str]) -> int:
    return sum(bool(what.search(url)) for url in tab.requests)


def test_what_goes_on_appears_without_gradio(browser: Any, address: str) -> None:
    with browsing(browser, address) as tab, training(tab, address) as told:
        told.steps(1)
        told.settle()
        told.steps(2)
        told.sample(1)
        told.steps(3)
        told.sample(2)
        assert told.asked == []
        assert asked_for(tab, STREAM) <= 2
        assert asked_for(tab, POLL) == 0


def test_a_stream_that_the_server_ends_is_taken_up_again(browser: Any, address: str) -> None:
    with browsing(browser, address) as tab, training(tab, address) as told:
        told.steps(1)
        told.settle()
        opened = asked_for(tab, STREAM)
        for number in (1, 2, 3):
            told.tell("cut")
            told.steps(1)
            told.sample(number)
        assert told.asked == []
        assert asked_for(tab, STREAM) > opened
        assert asked_for(tab, POLL) == 0


@dataclass
class Proxy:
    """Hands bytes on to a port of this computer, until it drops every connection."""

    target: int
    port: int = 0
    links: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.door.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                self.links += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._hand_on, args=pair, daemon=True).start()

    def _hand_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            end.close()

    def drop(self) -> None:
        links, self.links = self.links, []
        for link in links:
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.door.close()
        self.drop()


@pytest.fixture
def proxy(address: str) -> Iterator[Proxy]:
    proxy = Proxy(int(address.rsplit(":", 1)[1]))
    yield proxy
    proxy.close()


def test_connections_that_drop_are_made_anew(browser: Any, address: str, proxy: Proxy) -> None:
    with (
        browsing(browser, f"http://127.0.0.1:{proxy.port}") as tab,
        training(tab, address) as told,
    ):
        told.steps(1)
        told.settle()
        for number in (1, 2):
            proxy.drop()
            told.steps(2)
            told.sample(number)
        assert [url for url in told.asked if "/page" not in url] == []
        assert asked_for(tab, POLL) == 0


@pytest.mark.parametrize("way", ["held back", "refused"])
def test_where_no_stream_comes_it_is_fetched(browser: Any, address: str, way: str) -> None:
    def routed(page: Any) -> None:
        page.route(STREAM, lambda route: route.abort() if way == "refused" else None)

    with browsing(browser, address, routed) as tab:
        with training(tab, address) as told:
            told.steps(1)
            told.settle()
            told.steps(2)
            told.sample(1)
            assert told.asked == []
            assert asked_for(tab, POLL) > 2
        tab.page.unroute_all(behavior="ignoreErrors")


def test_where_nothing_comes_gradio_is_asked_as_before(browser: Any, address: str) -> None:
    def routed(page: Any) -> None:
        page.route("**/facechain/v1/**", lambda route: route.fulfill(status=404))

    with browsing(browser, address, routed) as tab, training(tab, address) as told:
        told.steps(2)
        told.sample(1)
        told.steps(2)
        assert told.asked


def test_gradio_goes_on_from_what_it_drew_itself(browser: Any, address: str) -> None:
    """What a stream has drawn is taken back when it is lost for good."""
    with browsing(browser, address) as tab, training(tab, address) as told:
        told.steps(3)
        told.sample(1)
        tab.page.route("**/facechain/v1/**", lambda route: route.abort())
        told.tell("cut")
        told.steps(2)
        told.sample(2)
        told.steps(2)


def test_a_row_stops_the_job_that_it_shows(browser: Any, address: str) -> None:
    with browsing(browser, address) as tab, training(tab, address) as told:
        told.steps(1)
        told.settle()
        tab.page.evaluate(SHOW_ANOTHER, ids.queue_row(0))
        tab.page.locator(f"#{ids.QUEUE}_1 button").first.click()
        tab.page.wait_for_timeout(1000)
        told.steps(1)
        tab.page.locator(f"#{ids.QUEUE}_1 button").first.click()
        tab.expect(ids.queue_row(0)).to_contain_text("stopping")


SHOW_ANOTHER = """(id) => {
    document.querySelector(`#${id} [data-job]`).dataset.job = "0123456789abcdef0123456789abcdef";
}"""


def test_no_upload_is_lost_while_work_goes_on(browser: Any, address: str, tmp_path: Path) -> None:
    wall = tmp_path / "wall.jpg"
    save(wall, np.full((300, 300, 3), 200, np.uint8))
    with browsing(browser, address) as tab, training(tab, address) as told:
        for number in range(3):
            for _ in range(3):
                told.tell("step_on")
            told.step += 3
            told.sample(number + 1)
            tab.element(ids.PHOTOS).locator("input[type=file]").set_input_files([str(wall)])
            told.steps(1)
            tab.expect(ids.VERDICTS).to_contain_text("None of 1 photo can be used")
            tab.page.reload()
            tab.expect(ids.PROGRESS).to_contain_text(f"Step {told.step} of 100")
