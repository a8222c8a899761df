"""Webhooks: signed, tried again, told once, and never led into somebody's network."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from starlette.testclient import TestClient

from facechain_ext.api import posting, webhook_table
from facechain_ext.api.app import make_site
from facechain_ext.api.posting import Undelivered, addresses_of, post
from facechain_ext.api.services import ApiServices
from facechain_ext.api.webhooks import Mode, Webhook, read_target, require_webhook
from facechain_ext.config import ApiConfig
from facechain_ext.jobs.queue import Jobs
from tests.api.conftest import ADDRESS, follow, problem
from tests.api.test_events import three
from tests.api.test_jobs import CHECK
from tests.jobs.told import TOLD, submit

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@dataclass
class Receiver:
    """A server that takes messages and answers as it is told, 200 in the end."""

    answers: list[int] = field(default_factory=list)
    taken: list[tuple[Any, bytes]] = field(default_factory=list)
    location: str = ""
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/told?by=us"

    def handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                receiver.taken.append((self.headers, self.rfile.read(length)))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    with ThreadingHTTPServer(("127.0.0.1", 0), receiver.handler()) as server:
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()


@pytest.fixture
def hooked(services: ApiServices, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServices]:
    """Services that tell webhooks, quickly tried again."""
    monkeypatch.setattr(webhook_table, "AFTER", (0.01, 0.01))
    changed = replace(services, config=replace(ApiConfig(), webhooks="public"))
    yield changed
    changed.webhooks.close()


@pytest.fixture
def hook_client(hooked: ApiServices) -> TestClient:
    return TestClient(make_site(hooked), base_url=ADDRESS, raise_server_exceptions=False)


def hook(url: str, **others: Any) -> Any:
    return {"url": url, "secret": SECRET, **others}


def hooks_of(client: TestClient, job: str, until: Callable[[Any], bool]) -> Any:
    """Return what has become of a job's webhooks, once that is as it should be."""
    for _ in range(500):
        found = client.get(f"jobs/{job}").json()["webhooks"]
        if all(map(until, found)):
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def settled(state: Any) -> bool:
    return bool(state["state"] != "waiting")


def test_a_webhook_is_told_and_the_message_is_signed(
    hook_client: TestClient, receiver: Receiver
) -> None:
    wanted = hook(receiver.url, events=["started", "completed"])
    job = hook_client.put("jobs/mine", json={**CHECK, "webhook": wanted}).json()
    states = hooks_of(hook_client, job["id"], settled)
    assert [(s["event"], s["state"], s["status"]) for s in states] == [
        ("started", "delivered", 200),
        ("completed", "delivered", 200),
    ]
    assert states[0]["host"] == "127.0.0.1"
    assert SECRET not in hook_client.get("jobs/mine").text
    told = {json.loads(body)["type"]: (headers, body) for headers, body in receiver.taken}
    headers, body = told["job.completed"]
    data = json.loads(body)["data"]
    assert (data["id"], data["client_id"], data["state"]) == (job["id"], "mine", "succeeded")
    stamp = headers["webhook-timestamp"]
    assert abs(int(stamp) - time.time()) < 60
    content = f"{headers['webhook-id']}.{stamp}.".encode() + body
    digest = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert headers["webhook-id"].startswith("msg_")
    assert len(receiver.taken) == 2


def test_a_refused_message_is_tried_again_and_given_up_in_the_end(
    hook_client: TestClient, receiver: Receiver
) -> None:
    receiver.answers = [500, 302, 204]
    receiver.location = "http://169.254.169.254/"
    body = {**CHECK, "webhook": hook(receiver.url)}
    first = hook_client.put("jobs/a", json=body).json()["id"]
    (told,) = hooks_of(hook_client, first, settled)
    assert (told["state"], told["attempts"], told["status"]) == ("delivered", 3, 204)
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 1
    receiver.answers = [500, 500, 500, 500]
    (told,) = hooks_of(hook_client, hook_client.put("jobs/b", json=body).json()["id"], settled)
    assert (told["state"], told["attempts"]) == ("failed", 3)
    assert told["problem"] == "It answered 500."
    receiver.answers = [410]
    (told,) = hooks_of(hook_client, hook_client.put("jobs/c", json=body).json()["id"], settled)
    assert (told["state"], told["attempts"]) == ("failed", 1)


def test_a_webhook_is_told_after_a_restart(
    hooked: ApiServices, hook_client: TestClient, receiver: Receiver
) -> None:
    hooked.webhooks.close()
    job = hook_client.put("jobs/a", json={**CHECK, "webhook": hook(receiver.url)}).json()["id"]
    follow(hooked.jobs.get(job))  # type: ignore[arg-type]
    hooked.jobs.close()
    assert receiver.taken == []
    again = replace(hooked, jobs=Jobs(hooked.studio, kinds=TOLD))
    again.webhooks.start()
    for _ in range(500):
        if receiver.taken:
            break
        time.sleep(0.02)
    again.webhooks.close()
    again.jobs.close()
    assert len(receiver.taken) == 1


def test_the_same_job_has_one_webhook(hook_client: TestClient, receiver: Receiver) -> None:
    body = {**CHECK, "webhook": hook(receiver.url)}
    job = hook_client.put("jobs/a", json=body).json()["id"]
    assert hook_client.put("jobs/a", json=body).json()["id"] == job
    for other in (CHECK, {**CHECK, "webhook": hook(receiver.url + "&to=others")}):
        assert problem(hook_client.put("jobs/a", json=other))["type"] == "conflict"
    hooks_of(hook_client, job, settled)
    assert len(receiver.taken) == 1


def test_a_deleted_job_takes_its_webhook_along(hooked: ApiServices) -> None:
    job = follow(submit(hooked.jobs, "three", three))
    table = webhook_table.WebhookTable(hooked.jobs.books.database)
    table.add(job.record, Webhook("http://127.0.0.1:9/", SECRET))
    assert table.waits()
    hooked.jobs.forget(job)
    assert not table.waits()


def test_webhooks_are_off_unless_they_are_allowed(client: TestClient) -> None:
    response = client.put("jobs/a", json={**CHECK, "webhook": hook("https://example.com")})
    assert (response.status_code, problem(response)["field"]) == (422, "webhook")
    assert client.get("jobs").json()["jobs"] == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https:///path",
        "https://user:word@example.com/",
        "https://example.com/#part",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com\\@127.0.0.1/",
        "https://example.com/\r\nX: y",
        "https://ex\u00e4mple.com/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/",
        "https://[fd00::1]/",
        "https://[2002:a00:1::]/",
        "https://[64:ff9b::a00:1]/",
        "https://224.0.0.1/",
        "https://0.0.0.0/",
        "https://100.64.0.1/",
        "https://[::1",
        "",
    ],
)
def test_an_address_that_may_not_be_told_is_refused(hook_client: TestClient, url: str) -> None:
    response = hook_client.put("jobs/a", json={**CHECK, "webhook": hook(url)})
    assert response.status_code == 422, response.text
    assert problem(response)["field"] == "webhook.url"


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"secret": "secret"}, "webhook.secret"),
        ({"secret": "whsec_" + base64.b64encode(b"short").decode()}, "webhook.secret"),
        ({"secret": "whsec_\u00e9"}, "webhook.secret"),
        ({"events": []}, "webhook.events"),
        ({"events": ["completed", "completed"]}, "webhook.events"),
        ({"events": ["lost"]}, "webhook.events[0]"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused(
    hook_client: TestClient, wrong: Any, where: str
) -> None:
    body = {**CHECK, "webhook": hook("https://example.com/", **wrong)}
    response = hook_client.put("jobs/a", json=body)
    assert (response.status_code, problem(response)["field"]) == (422, where)


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name lead to some addresses."""
    resolve = socket.getaddrinfo

    def found(host: str, port: int, *args: int, **kinds: int) -> list[Any]:
        each = addresses if host not in addresses else (host,)
        return [entry for address in each for entry in resolve(address, port, *args, **kinds)]

    monkeypatch.setattr(posting.socket, "getaddrinfo", found)


@pytest.mark.parametrize(
    ("url", "address", "mode", "fits"),
    [
        ("https://shop.example/", "93.184.216.34", "public", True),
        ("https://shop.example/", "10.0.0.1", "public", False),
        ("https://shop.example/", "127.0.0.1", "public", False),
        ("https://2130706433/", "127.0.0.1", "public", False),
        ("https://shop.example/", "10.0.0.1", "any", True),
        ("http://localhost/", "127.0.0.1", "public", True),
        ("http://localhost/", "93.184.216.34", "any", False),
    ],
)
def test_a_name_is_judged_by_where_it_leads(
    monkeypatch: pytest.MonkeyPatch, url: str, address: str, mode: Mode, fits: bool
) -> None:
    resolving(monkeypatch, address)
    if fits:
        assert addresses_of(read_target(url), mode) == [address]
        return
    with pytest.raises(Undelivered, match="private network"):
        addresses_of(read_target(url), mode)


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "93.184.216.34", "192.168.0.1")
    with pytest.raises(Undelivered):
        addresses_of(read_target("https://shop.example/"), "public")


def test_the_address_that_was_checked_is_the_one_that_is_called(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, "127.0.0.1")
    target = read_target(f"http://shop.example:{receiver.port}/")
    assert post(target, {}, b"{}", "any") == 200
    assert receiver.taken[0][0]["Host"] == f"shop.example:{receiver.port}"


def test_an_answer_that_never_ends_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "DEADLINE", 0.3)
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    connection.sendall(b"HTTP/1.1 200 OK\r\n")
                    while not done.wait(0.05):
                        connection.sendall(b"X: y\r\n")
                except OSError:
                    pass

        thread = threading.Thread(target=drip)
        thread.start()
        began = time.monotonic()
        with pytest.raises(Undelivered):
            post(read_target(f"http://127.0.0.1:{server.getsockname()[1]}/"), {}, b"", "public")
        assert time.monotonic() - began < 5
        done.set()
        thread.join()


def test_tls_is_asked_for_where_the_address_says_so(receiver: Receiver) -> None:
    with pytest.raises(Undelivered):
        post(read_target(f"https://127.0.0.1:{receiver.port}/"), {}, b"", "public")
    assert receiver.taken == []


def test_addresses_that_may_be_told_pass() -> None:
    require_webhook(Webhook("https://example.com/a?b=c", SECRET), "public")
    require_webhook(Webhook("http://192.168.0.7:8080/", SECRET), "any")
