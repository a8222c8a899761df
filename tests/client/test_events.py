"""Jobs followed over lines that are cut and servers that restart."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from facechain_ext.api.services import ApiServices
from facechain_ext.base.events import Candidate, Event, Stage
from facechain_ext.client import AsyncClient, Client
from facechain_ext.client.errors import NoAnswer
from facechain_ext.client.following import Following
from facechain_ext.client.progress import progress_of
from facechain_ext.client.records import JobEvent
from facechain_ext.jobs.job import Job
from tests.client.conftest import PATIENCE, Line, serving
from tests.jobs.told import submit

pytestmark = pytest.mark.slow(6)

PARTS = 3


class Steps:
    """A job in parts, each of which waits to be let go."""

    def __init__(self) -> None:
        self.gates = [threading.Event() for _ in range(PARTS)]

    def __call__(self) -> Iterator[Event]:
        yield Stage("generate", PARTS)
        for number, gate in enumerate(self.gates, 1):
            assert gate.wait(PATIENCE)
            yield Candidate(number, PARTS)


@pytest.fixture
def steps() -> Iterator[Steps]:
    steps = Steps()
    yield steps
    for gate in steps.gates:
        gate.set()


@pytest.fixture
def job(services: ApiServices, steps: Steps) -> Job:
    return submit(services.jobs, "portraits", steps, kind="portraits", person="Ana")


def kept(events: list[JobEvent]) -> list[str]:
    """Return what kept events tell, states but the last aside: types, or a candidate's number."""
    numbered = [event for event in events if event.id is not None]
    assert [event.id for event in numbered] == sorted({event.id or 0 for event in numbered})
    shown = [event for event in numbered if event.type != "state" or event.ends]
    return [str(e.data["done"]) if e.type == "candidate" else e.type for e in shown]


TOLD = ["stage", "1", "2", "3", "state"]


def test_a_job_is_followed_to_its_end(client: Client, job: Job, steps: Steps) -> None:
    for gate in steps.gates:
        gate.set()
    events = list(client.events(job.id))
    assert kept(events) == TOLD
    assert events[-1].ends
    assert kept(list(client.events(job.id, after=events[-2].id or 0))) == ["state"]
    assert list(client.events(job.id, after=events[-1].id or 0)) == []


def test_a_line_cut_twice_loses_and_doubles_nothing(line: Line, job: Job, steps: Steps) -> None:
    told = []
    with Client(f"http://127.0.0.1:{line.port}") as client:
        for event in client.events(job.id):
            told.append(event)
            if event.type in ("stage", "candidate"):
                if kept(told)[-1] in ("stage", "1"):
                    line.cut()
                steps.gates[min(int(event.data.get("done", 0)), PARTS - 1)].set()
    assert kept(told) == TOLD
    assert line.used >= 3


def test_the_same_for_asyncio(line: Line, job: Job, steps: Steps) -> None:
    async def follow() -> list[JobEvent]:
        told = []
        async with AsyncClient(f"http://127.0.0.1:{line.port}") as client:
            async for event in client.events(job.id):
                told.append(event)
                if event.type == "stage":
                    line.cut()
                    for gate in steps.gates:
                        gate.set()
        return told

    assert kept(asyncio.run(follow())) == TOLD


def test_a_server_that_restarts_is_waited_for(
    services: ApiServices, job: Job, steps: Steps
) -> None:
    with serving(services) as port:
        client = Client(f"http://127.0.0.1:{port}")
        events = client.events(job.id)
        told = [next(events) for _ in range(2)]
    for gate in steps.gates:
        gate.set()
    with client, serving(services, port):
        told += list(events)
    assert kept(told) == TOLD


def test_a_server_that_stays_away_is_given_up(services: ApiServices, job: Job) -> None:
    with serving(services) as port:
        client = Client(f"http://127.0.0.1:{port}", patience=0.3)
        events = client.events(job.id)
        next(events)
    with client, pytest.raises(NoAnswer, match=r"cannot be reached|was lost"):
        list(events)


def test_half_an_event_is_none() -> None:
    following = Following("0" * 32)
    line = 'data: {"id":5,"job":null,"time":"","type":"state","data":{"state":"running"}}'
    assert list(following.line(line)) == []
    assert [event.id for event in following.line("")] == [5]
    assert list(following.line(line)) == []
    assert list(following.line("")) == [], "it was told before"
    assert following.request["headers"]["Last-Event-ID"] == "5"


def test_events_are_progress_as_it_is_here() -> None:
    def told(kind: str, **data: object) -> Event | None:
        return progress_of(JobEvent(1, None, "", kind, data))

    assert told("stage", name="train", total=5) == Stage("train", 5)
    assert told("candidate", done=1, total=3) == Candidate(1, 3)
    assert told("stage", title="of a newer server") is None
    assert told("dance") is None
