"""Events: a list and a stream; what was missed is told again, and a lost connection costs none."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest
import uvicorn
from starlette.testclient import TestClient

from facechain_ext.api import event_stream
from facechain_ext.api.app import make_site
from facechain_ext.api.feed import Feed
from facechain_ext.api.services import ApiServices
from facechain_ext.base.events import Candidate, Drawing, Event
from facechain_ext.jobs.queue import Jobs
from facechain_ext.jobs.work import Attempt
from tests.api.conftest import Gate, follow, problem
from tests.jobs.told import TOLD, submit, work

pytestmark = pytest.mark.slow(5)

JSON = {"Accept": "application/json"}


def three() -> Iterator[Event]:
    yield from (Candidate(done, 3) for done in (1, 2, 3))


def parsed(text: str) -> list[tuple[int | None, str, Any]]:
    """Return the events of a stream: id, type, data."""
    found = []
    for block in text.split("\n\n"):
        lines = dict(
            line.split(": ", 1) for line in block.splitlines() if line[:1] not in ("", ":")
        )
        if "data" in lines:
            number = int(lines["id"]) if "id" in lines else None
            found.append((number, lines["event"], json.loads(lines["data"])))
    return found


def test_a_job_that_is_over_is_told_from_its_beginning(
    client: TestClient, services: ApiServices
) -> None:
    job = follow(submit(services.jobs, "three", three))
    response = client.get(f"jobs/{job.id}/events")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["content-encoding"] == "identity"
    events = parsed(response.text)
    numbers = [number for number, _, _ in events if number is not None]
    assert numbers == sorted(set(numbers))
    types = [kind for number, kind, _ in events if number is not None]
    assert types == ["state", "state", "candidate", "state", "candidate", "candidate", "state"]
    assert events[-1][2]["data"] == {"state": "succeeded", "error": None}
    assert events[-1][2]["job"] == job.id
    seen = numbers[3]
    for rest in (
        client.get(f"jobs/{job.id}/events", headers={"Last-Event-ID": str(seen)}),
        client.get(f"jobs/{job.id}/events?last_event_id={seen}"),
    ):
        assert [number for number, _, _ in parsed(rest.text)] == numbers[4:]
    done = client.get(f"jobs/{job.id}/events", headers={"Last-Event-ID": str(numbers[-1])})
    assert (done.status_code, done.content) == (204, b"")


def test_events_come_as_a_list(client: TestClient, services: ApiServices) -> None:
    first, second = (follow(submit(services.jobs, name, three)) for name in "ab")
    page = client.get(f"jobs/{second.id}/events?limit=3", headers=JSON).json()
    assert len(page["events"]) == 3
    rest = client.get(f"jobs/{second.id}/events?last_event_id={page['next']}", headers=JSON).json()
    assert [event["data"].get("done") for event in rest["events"]] == [None, 2, 3, None]
    assert rest["next"] is None
    every = client.get("events", headers=JSON).json()["events"]
    assert [*dict.fromkeys(event["job"] for event in every)] == [first.id, second.id]


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 400])
def test_an_odd_last_event_is_refused(client: TestClient, services: ApiServices, last: str) -> None:
    job = follow(submit(services.jobs, "three", three))
    by_header = client.get(f"jobs/{job.id}/events", headers={"Last-Event-ID": last.encode()})
    by_query = client.get(f"jobs/{job.id}/events", params={"last_event_id": last})
    both = {"headers": {"Last-Event-ID": last.encode()}, "params": {"last_event_id": 0}}
    for response in (by_header, by_query, client.get(f"jobs/{job.id}/events", **both)):
        assert (response.status_code, problem(response)["field"]) == (422, "last_event_id")


@contextmanager
def served(services: ApiServices) -> Iterator[int]:
    """Serve the API on a free port."""
    config = uvicorn.Config(
        make_site(services), log_level="error", lifespan="off", timeout_graceful_shutdown=10
    )
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield int(listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


class Stream:
    """One connection that reads events as they come."""

    def __init__(self, port: int, path: str, **headers: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request("GET", f"/facechain/v1/{path}", headers=headers)
        self.response = self.connection.getresponse()
        self.last = ""

    def block(self) -> str:
        lines: list[str] = []
        while line := self.response.readline().decode():
            if line == "\n":
                break
            lines.append(line)
        return "".join(lines)

    def until(self, fits: Callable[[str, Any], bool]) -> list[tuple[str, Any]]:
        """Read until an event fits, and return all up to it."""
        found: list[tuple[str, Any]] = []
        while text := self.block():
            for number, kind, told in parsed(text):
                self.last = str(number or self.last)
                found.append((kind, told["data"]))
                if fits(kind, told["data"]):
                    return found
        return found

    def rest(self) -> list[tuple[str, Any]]:
        return self.until(lambda kind, data: False)

    def close(self) -> None:
        self.response.close()
        self.connection.close()


def test_a_lost_connection_costs_no_event(services: ApiServices) -> None:
    gate = Gate(*three())
    job = submit(services.jobs, "held", gate)
    with served(services) as port:
        first = Stream(port, f"jobs/{job.id}/events")
        first.until(lambda kind, data: kind == "stage")
        first.close()
        gate.open.set()
        second = Stream(port, f"jobs/{job.id}/events", Last_Event_ID=first.last)
        rest = [(kind, data) for kind, data in second.rest() if kind != "progress"]
        second.close()
    assert [data["done"] for kind, data in rest if kind == "candidate"] == [1, 2, 3]
    assert rest[-1] == ("state", {"state": "succeeded", "error": None})


def test_a_restart_of_the_server_costs_no_event(services: ApiServices) -> None:
    gate = Gate(*three())
    job = submit(services.jobs, "held", gate)
    with served(services) as port:
        first = Stream(port, f"jobs/{job.id}/events")
        first.until(lambda kind, data: kind == "stage")
        first.close()
    gate.open.set()
    follow(job)
    services.jobs.close()
    again = replace(services, jobs=Jobs(services.studio, kinds=TOLD))
    with served(again) as port:
        second = Stream(port, f"jobs/{job.id}/events", Last_Event_ID=first.last)
        done = [data["done"] for kind, data in second.rest() if kind == "candidate"]
        second.close()
    again.jobs.close()
    assert done == [1, 2, 3]


def test_what_passes_is_told_without_a_number(services: ApiServices) -> None:
    told, shown = threading.Event(), threading.Event()

    def drawing(attempt: Attempt) -> Iterator[Event]:
        assert told.wait(60)
        attempt.tell(Drawing(1, 2, 3, 20))
        assert shown.wait(60)
        yield Candidate(1, 2)

    job = services.jobs.submit(work("draw", drawing, takes_attempt=True))
    behind = submit(services.jobs, "behind", three)
    with served(services) as port:
        own, next_one, everything = (
            Stream(port, path)
            for path in (f"jobs/{job.id}/events", f"jobs/{behind.id}/events", "events")
        )
        waiting = [{"job": behind.id, "position": 1}]
        everything.until(lambda kind, data: kind == "queue" and data["jobs"] == waiting)
        told.set()
        passing = own.until(lambda kind, data: kind == "progress" and data["drawing"] is not None)
        drawn = {"picture": 1, "pictures": 2, "step": 3, "steps": 20}
        assert passing[-1][1]["drawing"] == drawn
        waits = next_one.until(lambda kind, data: kind == "progress")
        assert (waits[-1][1]["state"], waits[-1][1]["position"]) == ("queued", 1)
        everything.until(lambda kind, data: kind == "progress" and data["drawing"] == drawn)
        shown.set()
        assert own.rest()[-1][1]["state"] == "succeeded"
        assert next_one.rest()[-1][1]["state"] == "succeeded"
        for stream in (own, next_one, everything):
            stream.close()


def test_a_stream_tells_how_things_stand_only_when_it_knows(
    services: ApiServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a stream before, nothing is told as if it were so now."""
    look = Feed._look

    def slow_look(feed: Feed) -> None:
        time.sleep(0.2)
        look(feed)

    monkeypatch.setattr(Feed, "_look", slow_look)
    gate = Gate()
    submit(services.jobs, "held", gate)
    assert gate.begun.wait(60)
    with served(services) as port:
        for name in ("behind", "more"):
            submit(services.jobs, name, three)
            waiting = services.jobs.books.jobs.waiting()
            stream = Stream(port, "events")
            queue = stream.until(lambda kind, data: kind == "queue")[-1][1]
            stream.close()
            assert [each["job"] for each in queue["jobs"]] == [*waiting]
            while services.feed._thread:
                time.sleep(0.01)
    services.jobs.stop_all()
    gate.open.set()


def test_a_silent_stream_shows_that_it_lives(
    services: ApiServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT", 0.2)
    gate = Gate()
    job = submit(services.jobs, "held", gate)
    with served(services) as port:
        stream = Stream(port, f"jobs/{job.id}/events")
        stream.until(lambda kind, data: kind == "progress")
        while not (text := stream.block()).startswith(":"):
            assert text
        services.jobs.stop_all()
        gate.open.set()
        stream.close()


def test_a_stream_ends_when_its_job_is_deleted_or_the_server_stops(
    services: ApiServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT", 0.2)
    ending = threading.Event()
    gate, services = Gate(), replace(services, ending=ending.is_set)
    submit(services.jobs, "held", gate)
    gone, kept = (submit(services.jobs, name, three) for name in ("gone", "kept"))
    with served(services) as port:
        of_gone, of_kept = (Stream(port, f"jobs/{job.id}/events") for job in (gone, kept))
        for stream in (of_gone, of_kept):
            stream.until(lambda kind, data: kind == "progress")
        services.jobs.books.jobs.forget([gone.record])
        of_gone.rest()
        ending.set()
        of_kept.rest()
        of_gone.close()
        of_kept.close()
    gate.open.set()


def test_many_streams_share_one_thread(services: ApiServices) -> None:
    gate = Gate(*three())
    job = submit(services.jobs, "held", gate)
    before = set(threading.enumerate())
    with served(services) as port, ExitStack() as streams:
        opened = [Stream(port, f"jobs/{job.id}/events") for _ in range(20)]
        for stream in opened:
            streams.callback(stream.close)
            stream.until(lambda kind, data: kind == "progress")
        new = set(threading.enumerate()) - before
        feeds = [thread for thread in new if thread.name == "facechain-feed"]
        assert len(feeds) == 1
        gate.open.set()
        for stream in opened:
            assert stream.rest()[-1] == ("state", {"state": "succeeded", "error": None})
    feeds[0].join(5)
    assert not feeds[0].is_alive(), "nobody listens any more"
