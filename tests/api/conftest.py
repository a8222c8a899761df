"""The API over a studio on the tiny model, asked without a network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from facechain_ext.api.app import make_site
from facechain_ext.api.auth import Open
from facechain_ext.api.services import ApiServices
from facechain_ext.base.events import Event, Stage
from facechain_ext.jobs.queue import Job, Jobs
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio
from tests.jobs.told import TOLD

ORIGIN = "http://127.0.0.1:7860"
ADDRESS = f"{ORIGIN}/facechain/v1/"


@pytest.fixture(scope="session")
def nets() -> FaceNets:
    return FaceNets()


@pytest.fixture
def services(tmp_path: Path, small_folder: Path, nets: FaceNets) -> Iterator[ApiServices]:
    host = DiffusersHost(tmp_path / "data", small_folder, device="cpu")
    studio = Studio(host, nets)
    jobs = Jobs(studio, kinds=TOLD)
    yield ApiServices(studio, jobs, Open())
    jobs.close()


NewClient = Callable[..., TestClient]


@pytest.fixture
def new_client(services: ApiServices) -> NewClient:
    """Give a client of an API whose services differ in some ways."""

    def made(**changes: Any) -> TestClient:
        site = make_site(replace(services, **changes))
        return TestClient(site, base_url=ADDRESS, raise_server_exceptions=False)

    return made


@pytest.fixture
def client(new_client: NewClient) -> TestClient:
    return new_client()


class Named:
    """Takes everybody for whom they say they are."""

    challenge = ""

    def user(self, connection: HTTPConnection) -> str:
        return connection.headers.get("x-user", "")

    def trusts(self, origin: str) -> bool:
        return False


class Gate:
    """Work that waits until it is let on."""

    def __init__(self, *events: Event) -> None:
        self.events, self.begun, self.open = events, threading.Event(), threading.Event()

    def __call__(self) -> Iterator[Event]:
        yield Stage("prepare")
        self.begun.set()
        assert self.open.wait(60)
        yield from self.events


def follow(job: Job) -> Job:
    """Wait until a job is over."""
    for _ in job.follow():
        pass
    return job


def problem(response: Any) -> Any:
    """Return what an error answer tells."""
    return response.json()["error"]
