"""The API behind a real uvicorn: connections that break off, bodies without a length."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from facechain_ext.api.app import make_site
from facechain_ext.api.services import ApiServices

PATIENCE = 30.0


@pytest.fixture
def address(services: ApiServices) -> Iterator[tuple[str, int]]:
    config = uvicorn.Config(make_site(services), port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        wait_until(lambda: server.started)
        yield "127.0.0.1", listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def sent(address: tuple[str, int], data: bytes) -> bytes:
    """Send what no client would, and return what is answered."""
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        connection.sendall(data)
        answer = b""
        while block := connection.recv(65536):
            answer += block
            if b"\r\n\r\n" in answer:
                break
        return answer


def test_it_answers(address: tuple[str, int]) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{address[1]}") as client:
        assert client.get("/facechain/v1/health").json() == {"status": "ok"}
        ana = client.post("/facechain/v1/people", json={"name": "Ana"}).json()
        assert client.get(ana["links"]["self"]).json() == ana


def test_an_upload_that_breaks_off_leaves_nothing(
    address: tuple[str, int], services: ApiServices
) -> None:
    services.studio.library.create_or_get("Ana", "fcsks")
    incoming = services.studio.host.paths.jobs_dir / "incoming"
    head = (
        b"POST /facechain/v1/people/ana/photos HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 99999\r\n\r\n"
        b'--x\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n\r\nabc'
    )
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        connection.sendall(head)
        wait_until(lambda: any(incoming.glob("*/a.jpg")))
    wait_until(lambda: not any(incoming.glob("*")))
    assert services.jobs.all() == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /facechain/v1/people/../../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /facechain/v1/people/%2e%2e%2f%2e%2e HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /facechain/v1/people?limit=1%00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /facechain/v1/people?\xff=\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /facechain/v1/%ff%fe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /facechain/v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: \xff\xfe;=;\r\n\r\n",
        b"GET /facechain/v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://[\r\n\r\n",
        b"POST /facechain/v1/people HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /facechain/v1/people HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nZ\r\n",
        b"WHAT /facechain/v1/people HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /facechain/v1/health HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    ],
)
def test_odd_requests_are_the_clients_fault(address: tuple[str, int], request_bytes: bytes) -> None:
    status = sent(address, request_bytes).split(b" ", 2)[1]
    assert status[:1] in (b"2", b"4")


def test_an_upgrade_to_a_websocket_is_refused(address: tuple[str, int]) -> None:
    answer: Any = sent(
        address,
        b"GET /facechain/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YQ==\r\n\r\n",
    )
    assert answer.split(b" ", 2)[1][:1] == b"4"
