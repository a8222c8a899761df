"""The API behind a real uvicorn, over jobs that do what they are told; a line that can be cut."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.routing import BaseRoute

from facechain_ext.api.app import make_site
from facechain_ext.api.auth import Open
from facechain_ext.api.services import ApiServices
from facechain_ext.client import Client
from facechain_ext.jobs.queue import Jobs
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio
from tests.jobs.told import TOLD

PATIENCE = 30.0


def wait_until(holds: Callable[[], Any]) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def services(tmp_path: Path, small_folder: Path) -> Iterator[ApiServices]:
    studio = Studio(DiffusersHost(tmp_path / "data", small_folder, device="cpu"), FaceNets())
    jobs = Jobs(studio, kinds=TOLD)
    jobs.start()
    yield ApiServices(studio, jobs, Open())
    jobs.close()


@contextmanager
def serving(
    services: ApiServices, port: int = 0, routes: Sequence[BaseRoute] = ()
) -> Iterator[int]:
    """Serve the API, and other routes beside it; the value is its port."""
    site = make_site(services)
    site.router.routes.extend(routes)
    config = uvicorn.Config(site, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", port)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        wait_until(lambda: server.started)
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def port(services: ApiServices) -> Iterator[int]:
    with serving(services) as port:
        yield port


@pytest.fixture
def client(port: int) -> Iterator[Client]:
    with Client(f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
        yield client


@dataclass
class Line:
    """A proxy in front of a port that can be cut, and counts how often it was used."""

    port: int
    target: int
    used: int = 0
    ends: list[socket.socket] = field(default_factory=list)

    def cut(self) -> None:
        """Break every connection off."""
        for end in self.ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(65536):
            sink.sendall(block)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, line: Line) -> None:
    with suppress(OSError):
        while True:
            near, _ = listening.accept()
            far = socket.create_connection(("127.0.0.1", line.target))
            line.used += 1
            line.ends += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=_carry, args=ends, daemon=True).start()


@pytest.fixture
def line(port: int) -> Iterator[Line]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        line = Line(listening.getsockname()[1], port)
        thread = threading.Thread(target=_accept, args=(listening, line))
        thread.start()
        yield line
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
    for end in line.ends:
        end.close()
