"""Tokens in a file: made once, kept as hashes, taken back at once."""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path

import pytest

from facechain_ext.api.server import is_local, serving
from facechain_ext.api.services import ApiServices
from facechain_ext.api.tokens import TokenFile
from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import ApiConfig
from tests.api.conftest import NewClient, problem


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tokens.json")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def basic(user: str, token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()}


def test_a_token_lets_in_until_it_is_taken_back(file: TokenFile, new_client: NewClient) -> None:
    anas, bobs = file.add("ana"), file.add("bob")
    client = new_client(auth=TokenFile(file.path))
    for headers in (
        bearer(anas),
        basic("ana", anas),
        bearer(bobs),
        {"authorization": f"bearer {anas}"},
    ):
        assert client.get("people", headers=headers).status_code == 200
    assert file.remove("ana") == 1
    assert client.get("people", headers=bearer(anas)).status_code == 401
    assert client.get("people", headers=bearer(bobs)).status_code == 200
    file.path.unlink()
    assert client.get("people", headers=bearer(bobs)).status_code == 401


def test_nothing_else_lets_in(file: TokenFile, new_client: NewClient) -> None:
    token = file.add("ana")
    client = new_client(auth=TokenFile(file.path))
    other = token[:-1] + ("A" if token[-1] != "A" else "B")
    for headers in (
        {},
        bearer(other),
        bearer(token[:-1]),
        bearer(""),
        basic("bob", token),
        basic("ana", other),
        {"Authorization": token},
        {"Authorization": "Basic \xff"},
        {"Authorization": "Bearer " + "x" * 60_000},
        bearer("fc-00000000-" + token[12:]),
    ):
        encoded = {key: value.encode("latin-1") for key, value in headers.items()}
        response = client.get("people", headers=encoded)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Basic")
        assert problem(response)["type"] == "unauthorized"


def test_who_guesses_is_slowed_down(file: TokenFile, new_client: NewClient) -> None:
    token = file.add("ana")
    client = new_client(auth=TokenFile(file.path))
    statuses = [client.get("health").status_code for _ in range(62)]
    assert statuses[:60] == [401] * 60
    assert statuses[61] == 429
    assert client.get("health", headers=bearer(token)).status_code == 200


def test_the_file_holds_no_secret(file: TokenFile) -> None:
    token = file.add("ana")
    kept = file.path.read_text(encoding="utf-8")
    assert token.split("-", 2)[2] not in kept
    (entry,) = json.loads(kept)["tokens"]
    assert entry["name"] == "ana"
    if sys.platform != "win32":
        assert file.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"tokens": [{}]}', '{"tokens": {"a": 1}}', "\0"])
def test_a_damaged_file_lets_nobody_in(file: TokenFile, new_client: NewClient, text: str) -> None:
    token = file.add("ana")
    client = new_client(auth=file)
    assert client.get("health", headers=bearer(token)).status_code == 200
    file.path.write_text(text, encoding="utf-8")
    os.utime(file.path, (1, 1))
    response = client.get("health", headers=bearer(token))
    assert response.status_code == 401
    assert str(file.path.parent) not in response.text


@pytest.mark.parametrize("name", ["", " ", "a:b", "a\0", "x" * 101])
def test_a_name_must_be_fit_for_one(file: TokenFile, name: str) -> None:
    with pytest.raises(InvalidInput):
        file.add(name)
    assert not file.path.exists()


class TestServer:
    def test_strangers_need_tokens(self, services: ApiServices, file: TokenFile) -> None:
        def made(host: str, auth: Path | None = None, **config: bool) -> ApiServices:
            studio, jobs = services.studio, services.jobs
            return serving(studio, jobs, ApiConfig(**config), host=host, auth=auth)

        for host in ("0.0.0.0", "::", "192.168.1.5", "my.host", ""):
            with pytest.raises(InvalidInput, match="--auth FILE"):
                made(host)
        assert made("127.0.0.1").local_only
        with pytest.raises(InvalidInput, match="holds no token"):
            made("0.0.0.0", file.path)
        with pytest.raises(InvalidInput, match="--owners"):
            made("127.0.0.1", owners=True)
        file.add("ana")
        assert not made("0.0.0.0", file.path).local_only

    def test_names_of_this_computer(self) -> None:
        assert all(map(is_local, ("127.0.0.1", "127.9.9.9", "localhost", "::1")))

    def test_a_name_that_was_pointed_here_is_refused(self, new_client: NewClient) -> None:
        client = new_client(local_only=True)
        assert client.get("health").status_code == 200
        for host in ("evil.example", "127.0.0.1.evil.example", "localhost:1:2", ""):
            response = client.get("health", headers={"Host": host})
            assert response.status_code == 403
            assert problem(response)["type"] == "forbidden"
