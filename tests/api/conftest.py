"""The API over a studio on the tiny model, asked without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from facechain_ext.api.app import make_site
from facechain_ext.api.auth import Open
from facechain_ext.api.services import ApiServices
from facechain_ext.jobs.queue import Jobs
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio

ADDRESS = "http://127.0.0.1:7860/facechain/v1/"


@pytest.fixture(scope="session")
def nets() -> FaceNets:
    return FaceNets()


@pytest.fixture
def services(tmp_path: Path, small_folder: Path, nets: FaceNets) -> Iterator[ApiServices]:
    host = DiffusersHost(tmp_path / "data", small_folder, device="cpu")
    studio = Studio(host, nets)
    jobs = Jobs(studio)
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


def problem(response: Any) -> Any:
    """Return what an error answer tells."""
    return response.json()["error"]
