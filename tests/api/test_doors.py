"""Who may ask for what: every address, each way to come, each way a server may be set up.

Walks the routes of the app itself, so that one that is added later is asked about, too.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import HTTPConnection
from starlette.routing import Mount
from starlette.testclient import TestClient

from facechain_ext.api.app import MOUNT, OPERATIONS, make_app
from facechain_ext.api.auth import Auth, Open
from facechain_ext.api.errors import Unauthorized
from facechain_ext.api.operation import VERSION
from facechain_ext.api.services import ApiServices
from facechain_ext.api.tokens import TokenFile
from facechain_ext.config import ApiConfig
from tests.api.conftest import problem

pytestmark = pytest.mark.slow(6)

BEYOND = [("GET", f"{MOUNT}{VERSION}/nothing"), ("GET", f"{MOUNT}/"), ("POST", MOUNT + "/x/y")]
"""Addresses below the mount that no route has."""

LISTED = {"Accept": "application/json"}
"""Asks for a list of events: a stream of all does not end."""


class Named:
    """Takes the name that is said for whom it is."""

    challenge = ""

    def user(self, connection: HTTPConnection) -> str:
        if not (name := connection.headers.get("x-user", "")):
            raise Unauthorized("Say who you are.")
        return name

    def trusts(self, origin: str) -> bool:
        return origin == "https://friend.example"


def walked(app: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Yield every method and address of an app, with something in place of each {name}."""
    for route in app.routes:
        if isinstance(route, Mount):
            yield from walked(route, before + route.path)
        else:
            path = re.sub(r"{[^}]*}", "a1", before + route.path)
            yield from ((method, path) for method in sorted(route.methods))


def site(services: ApiServices, auth: Auth, **more: Any) -> TestClient:
    app = FastAPI(openapi_url=None)
    app.router.routes.insert(0, Mount(MOUNT, app=make_app(replace(services, auth=auth, **more))))
    return TestClient(app, base_url="http://127.0.0.1:7860", raise_server_exceptions=False)


def every_address(client: TestClient) -> list[tuple[str, str]]:
    found = [*walked(client.app)]
    assert len(found) >= len(OPERATIONS)
    return [*found, *BEYOND]


def asked(client: TestClient, method: str, path: str, headers: dict[str, str]) -> int:
    """Return the status of an answer; of a stream, before it has ended."""
    with client.stream(method, path, headers={**LISTED, **headers}) as answer:
        return answer.status_code


def test_every_address_is_closed_to_who_has_no_token(services: ApiServices, tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    token = file.add("ana")
    unlimited = replace(services, config=ApiConfig(requests_per_minute=0))
    client = site(unlimited, file)
    basic = base64.b64encode(f"ana:{token}x".encode()).decode()
    refused = ({}, {"Authorization": f"Bearer {token}x"}, {"Authorization": f"Basic {basic}"})
    for method, path in every_address(client):
        for headers in refused:
            assert asked(client, method, path, headers) in (401, 429), (method, path, headers)
        allowed = asked(client, method, path, {"Authorization": f"Bearer {token}"})
        assert allowed not in (401, 403, 500), (method, path)


def test_every_address_is_closed_to_pages_elsewhere(services: ApiServices) -> None:
    for auth, who in ((Open(), {}), (Named(), {"X-User": "ana"})):
        client = site(services, auth)
        for method, path in every_address(client):
            for foreign in (
                {"Origin": "https://evil.example"},
                {"Origin": "null"},
                {"Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:7860"},
            ):
                assert asked(client, method, path, {**who, **foreign}) == 403, (method, path)


def test_a_friends_page_may_ask_but_has_to_log_in(services: ApiServices) -> None:
    client = site(services, Named())
    friend = {"Origin": "https://friend.example", "Sec-Fetch-Site": "cross-site"}
    for method, path in every_address(client):
        assert asked(client, method, path, friend) == 401
        assert asked(client, method, path, {**friend, "X-User": "ana"}) not in (401, 403, 500)


def test_every_address_answers_when_it_is_open(services: ApiServices) -> None:
    client = site(services, Open())
    for method, path in every_address(client):
        assert asked(client, method, path, {}) not in (401, 403, 500), (method, path)


def test_every_operation_is_a_route(services: ApiServices) -> None:
    there = {*walked(site(services, Open()).app)}
    for operation in OPERATIONS:
        path = re.sub(r"{[^}]*}", "a1", f"{MOUNT}{VERSION}{operation.path}")
        assert (operation.method, path) in there
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)


ODD = [
    *("..", ".", "%2e%2e", "..%2f..%2fetc", "%2fetc%2fpasswd", "..%5c..%5cwindows", "C:%5cx"),
    *("a%00b", "%00", "a%0d%0ab", "con", "nul", ".new-x", ".lock", "person.json", "*", "[a-z]"),
    *(
        "%ff",
        "%f0%9f%98%80",
        "a" * 3000,
        "%E2%80%AE",
        "ana%20",
        "ANA",
        "ana%2f",
        "'%20or%201=1",
        "~",
    ),
]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "POST"])
def test_no_id_leads_out_of_the_data_folder(
    services: ApiServices, tmp_path: Path, method: str
) -> None:
    library = services.studio.library
    library.create_or_get("Ana", "fcsks")
    (tmp_path / "person.json").write_text((library.root / "ana/person.json").read_text())
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    client = site(services, Open())
    for operation in OPERATIONS:
        if operation.method != method or "{" not in operation.path:
            continue
        for odd in ODD:
            path = f"{MOUNT}{VERSION}" + re.sub(r"{[^}]*}", lambda _, odd=odd: odd, operation.path)
            answer = client.request(
                method, path, json={} if method != "GET" else None, headers=LISTED
            )
            assert answer.status_code < 500, path
            assert str(tmp_path) not in answer.text
    there = {path: path.read_bytes() for path in kept if path.exists()}
    assert there == kept


class TestOwners:
    @pytest.fixture
    def client(self, services: ApiServices) -> TestClient:
        return site(services, Named(), config=ApiConfig(owners=True))

    def ask(self, client: TestClient, user: str, method: str, path: str, **how: Any) -> Any:
        address = f"{MOUNT}{VERSION}/{path}"
        return client.request(method, address, headers={"X-User": user}, **how)

    def test_people_are_seen_by_who_added_them(self, client: TestClient) -> None:
        assert self.ask(client, "ana", "POST", "people", json={"name": "Zoë"}).status_code == 201
        assert self.ask(client, "ana", "GET", "people").json()["total"] == 1
        assert self.ask(client, "bob", "GET", "people").json()["total"] == 0
        answers = {
            (operation.method, operation.path): self.ask(
                client,
                "bob",
                operation.method,
                re.sub(r"{slug}", "zoe", operation.path).replace("{stem}", "000")[1:],
                **({"json": operation.example} if operation.example else {}),
            )
            for operation in OPERATIONS
            if "{slug}" in operation.path
        }
        for key, answer in answers.items():
            assert answer.status_code == 404, key
            assert problem(answer)["type"] == "person_not_found"
            assert "Zoë" not in answer.text
        assert self.ask(client, "ana", "GET", "people/zoe").status_code == 200

    def test_a_name_is_taken_without_telling_by_whom(self, client: TestClient) -> None:
        self.ask(client, "ana", "POST", "people", json={"name": "Zoë"})
        answer = self.ask(client, "bob", "POST", "people", json={"name": "zoë"})
        assert answer.status_code == 409
        assert "ana" not in answer.text
