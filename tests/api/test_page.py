"""What the page's script is sent: all at first, then what changes, until one of the two goes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.testclient import TestClient

from facechain_ext.api.app import make_site
from facechain_ext.api.errors import Unauthorized
from facechain_ext.api.services import ApiServices
from facechain_ext.base.events import Event, Stage, Step
from facechain_ext.config import ApiConfig
from facechain_ext.jobs.queue import Jobs
from facechain_ext.ui.live import LivePage
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page.services import Services
from tests.api.conftest import NewClient
from tests.jobs.told import TOLD, submit

httpx = pytest.importorskip("httpx")
SECONDS = 20


@pytest.fixture
def jobs(services: ApiServices) -> Iterator[Jobs]:
    jobs = Jobs(services.studio, kinds=TOLD)
    yield jobs
    jobs.close()


@pytest.fixture
def page(services: ApiServices, jobs: Jobs) -> LivePage:
    return LivePage(Services(services.studio, jobs))


@pytest.fixture
def client(new_client: NewClient, jobs: Jobs, page: LivePage) -> TestClient:
    return new_client(jobs=jobs, page=page)


class Training:
    """A training of Ana that takes a step when it is told to."""

    def __init__(self, jobs: Jobs) -> None:
        self.steps = threading.Semaphore(0)
        self.job = submit(jobs, "Training Ana", self._work, person="Ana")

    def _work(self) -> Iterator[Event]:
        yield Stage("train")
        for number in range(1, 4):
            assert self.steps.acquire(timeout=SECONDS)
            yield Step(number, 3, 0.1, 1e-3, 2.0, 9.0)


def test_the_page_is_drawn_as_gradio_draws_it(client: TestClient, jobs: Jobs) -> None:
    first = client.get("page/now").json()
    assert "Nobody chosen" in first["html"][ids.PROGRESS]
    assert "ready" in first["html"][ids.STATUS]
    assert first["busy"] is False
    training = Training(jobs)
    training.steps.release(1)
    assert "Step 1 of 3" in drawn_when(client, lambda html: "Step 1 of 3" in html[ids.PROGRESS])
    told = client.get("page/now", params={"person": "Ana", "run": "The latest"}).json()
    assert "<svg" in told["html"][ids.CURVES]
    assert "step 1 of 3" in told["html"][ids.queue_row(0)]
    assert told["busy"] is True
    assert told["state"] != first["state"]
    training.steps.release(2)


def drawn_when(client: TestClient, holds: Callable[[dict[str, str]], bool]) -> str:
    """Ask until it holds; return Ana's progress then."""
    for _ in range(SECONDS * 20):
        html = client.get("page/now", params={"person": "Ana"}).json()["html"]
        if holds(html):
            return str(html[ids.PROGRESS])
        time.sleep(0.05)
    pytest.fail("it never came to be")


def test_programs_are_not_told_of_it(client: TestClient, new_client: NewClient) -> None:
    assert "/facechain/v1/page" not in client.get("openapi.json").json()["paths"]
    assert new_client().get("page/now").status_code == 404


def test_where_people_have_owners_it_shows_nobody(
    new_client: NewClient, jobs: Jobs, page: LivePage
) -> None:
    owned = new_client(jobs=jobs, page=page, config=ApiConfig(owners=True))
    assert owned.get("page/now").status_code == owned.get("page").status_code == 404


class Closed:
    """Knows nobody."""

    challenge = "Basic"

    def user(self, connection: Any) -> str:
        raise Unauthorized("Log in first.")

    def trusts(self, origin: str) -> bool:
        return False


def test_no_browser_asks_for_a_password_in_the_midst_of_the_page(
    new_client: NewClient, jobs: Jobs, page: LivePage
) -> None:
    closed = new_client(jobs=jobs, page=page, auth=Closed())
    for path in ("page", "page/now"):
        answer = closed.get(path)
        assert answer.status_code == 401
        assert "www-authenticate" not in answer.headers
    assert closed.get("health").headers["www-authenticate"] == "Basic"


@contextmanager
def served(services: ApiServices) -> Iterator[tuple[str, uvicorn.Server]]:
    """Serve for real, behind a gzip layer as in a webui."""
    site = make_site(services)
    site.user_middleware.append(Middleware(GZipMiddleware, minimum_size=1000))
    config = uvicorn.Config(site, port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    object.__setattr__(services.feed, "ending", lambda: server.should_exit)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/facechain/v1/", server
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        assert not thread.is_alive(), "a stream keeps the server from ending"


def messages(response: Any) -> Iterator[Any]:
    for line in response.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def test_what_changes_comes_by_itself_and_nothing_else(
    services: ApiServices, jobs: Jobs, page: LivePage
) -> None:
    services = ApiServices(services.studio, jobs, services.auth, page=page)
    with (
        served(services) as (address, _),
        httpx.stream("GET", f"{address}page?person=Ana", timeout=SECONDS) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        told = messages(response)
        first = next(told)
        assert set(first["html"]) >= {ids.STATUS, ids.PROGRESS, ids.CURVES, ids.queue_row(7)}
        training = Training(jobs)
        running = next(each for each in told if "running" in each["html"].get(ids.PROGRESS, ""))
        assert running["state"] != first["state"]
        training.steps.release()
        step = next(each for each in told if "Step 1 of 3" in each["html"].get(ids.PROGRESS, ""))
        assert set(step["html"]) == {ids.PROGRESS, ids.CURVES, ids.queue_row(0)}
        assert step["state"] == running["state"]
        training.steps.release(2)
        last = next(each for each in told if each["busy"] is False)
        assert last["state"] != step["state"]


def test_streams_end_with_the_server_and_cost_one_thread(
    services: ApiServices, jobs: Jobs, page: LivePage
) -> None:
    services = ApiServices(services.studio, jobs, services.auth, page=page)
    others = {*threading.enumerate()}  # a feed of an earlier test may still be ending
    with served(services) as (address, server), httpx.Client(timeout=SECONDS) as browser:
        streams = [browser.stream("GET", f"{address}page") for _ in range(5)]
        opened = [messages(stream.__enter__()) for stream in streams]
        assert [next(told)["busy"] for told in opened] == [False] * 5
        began_since = {*threading.enumerate()} - others
        assert [each.name for each in began_since].count("facechain-feed") == 1
        server.should_exit = True
        began = time.monotonic()
        assert [list(told) for told in opened] == [[]] * 5
        assert time.monotonic() - began < 3
        for stream in streams:
            stream.__exit__(None, None, None)
