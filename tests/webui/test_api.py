"""The API on a webui's app: mounted at its start, closed as the webui is closed."""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("fastapi")

from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.webui.conftest import Webui

BASIC = ("api", "pass:wörd")
COOKIE = {"access-token": "t0ken"}


def started(webui: Webui, app: FastAPI | None = None, **flags: Any) -> TestClient:
    """Return a client of a webui that was started with some flags."""
    from facechain_ext.webui import api

    for name, value in flags.items():
        setattr(webui.module("modules.shared").cmd_opts, name, value)
    app = app or FastAPI()
    api.mount(None, app)

    @app.get("/{path:path}")
    def page(path: str) -> str:
        return "the webui's page"

    return TestClient(app, base_url="http://127.0.0.1:7860")


def with_login(**more: Any) -> FastAPI:
    """Return an app of gradio's kind, whose page asks for a login."""
    app: Any = FastAPI()
    app.auth, app.tokens = {"ana": "x"}, {"t0ken": "ana"}
    for name, value in more.items():
        setattr(app, name, value)
    return app


@pytest.fixture(autouse=True)
def as_before(webui: Webui) -> Any:
    shared = webui.module("modules.shared")
    before = shared.cmd_opts
    shared.cmd_opts = SimpleNamespace(**vars(before))
    yield
    shared.cmd_opts = before
    if services := sys.modules.get("facechain_ext.webui.services"):
        services.jobs().close()


def status(client: TestClient, **how: Any) -> int:
    cookies = how.pop("cookies", {})
    headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())} if cookies else {}
    return client.get("/facechain/v1/people", headers=headers, **how).status_code


def test_it_is_open_as_the_webui_is_and_says_so_once(
    webui: Webui, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        client = started(webui)
        started(webui)
    assert status(client) == 200
    assert client.get("/").text == '"the webui\'s page"'
    told = [record.message for record in caplog.records if "/facechain/v1" in record.message]
    assert len(told) == 1


@pytest.mark.parametrize("api_auth", ["api:pass:wörd", "other:x,api:pass:wörd,last:y"])
def test_api_auth_asks_for_a_password(webui: Webui, api_auth: str) -> None:
    client = started(webui, api_auth=api_auth)
    response = client.get("/facechain/v1/people")
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Basic")
    assert response.json()["error"]["type"] == "unauthorized"
    assert status(client, auth=("api", "pass:wörd".encode())) == 200
    for wrong in (("api", "x"), ("other", "pass:wörd".encode()), ("", ""), ("api", "")):
        assert status(client, auth=wrong) == 401
    for header in ("Basic", "Basic !", "Basic YQ==", "Bearer api", "Basic " + "x" * 9000):
        answer = client.get("/facechain/v1/people", headers={"Authorization": header})
        assert answer.status_code == 401
    assert status(client, cookies=COOKIE) == 401


def test_the_pages_login_lets_in_by_its_cookie(webui: Webui) -> None:
    client = started(webui, with_login())
    assert status(client) == 401
    assert "www-authenticate" not in client.get("/facechain/v1/people").headers
    assert status(client, cookies=COOKIE) == 200
    assert status(client, cookies={"access-token-unsecure": "t0ken"}) == 200
    for wrong in ({"access-token": "other"}, {"access-token": ""}, {"access-token-1": "t0ken"}):
        assert status(client, cookies=wrong) == 401
    assert status(client, auth=("ana", "x")) == 401


def test_later_gradios_call_their_cookie_by_the_app(webui: Webui) -> None:
    client = started(webui, with_login(cookie_id="id"))
    assert status(client, cookies=COOKIE) == 401
    assert status(client, cookies={"access-token-id": "t0ken"}) == 200
    assert status(client, cookies={"access-token-unsecure-id": "t0ken"}) == 200


def test_with_both_either_will_do(webui: Webui) -> None:
    client = started(webui, with_login(), api_auth="api:p")
    assert status(client) == 401
    assert status(client, auth=("api", "p")) == 200
    assert status(client, cookies=COOKIE) == 200


def test_where_nobody_can_log_in_nobody_comes_in(webui: Webui) -> None:
    """--nowebui leaves no page on which --gradio-auth could ask."""
    client = started(webui, gradio_auth="ana:x")
    assert status(client) == 401
    assert status(client, cookies=COOKIE) == 401


def test_pages_elsewhere_need_the_webuis_leave(webui: Webui) -> None:
    client = started(webui, cors_allow_origins="https://a.example,https://b.example")
    path = "/facechain/v1/people"
    for origin, expected in (
        ("http://127.0.0.1:7860", 200),
        ("https://b.example", 200),
        ("https://c.example", 403),
        ("null", 403),
    ):
        assert client.get(path, headers={"Origin": origin}).status_code == expected
    for site, expected in (("same-origin", 200), ("none", 200), ("same-site", 403), ("x", 403)):
        assert client.get(path, headers={"Sec-Fetch-Site": site}).status_code == expected
    shared = webui.module("modules.shared")
    shared.cmd_opts.cors_allow_origins_regex = r"https://[a-z]+\.shop"
    assert client.get(path, headers={"Origin": "https://my.shop"}).status_code == 200
    assert client.get(path, headers={"Origin": "https://my.shop.evil"}).status_code == 403


def test_links_name_the_folder_that_a_proxy_serves(webui: Webui) -> None:
    app = FastAPI()
    app.root_path = "/sd"
    client = started(webui, app)
    webui.module("facechain_ext.webui.services").studio().library.create_or_get("Ana", "fcsks")
    # Proxies cut the folder off; later starlettes want it put back before the app is asked.
    answers = [client.get(f"{cut}/facechain/v1/people/ana") for cut in ("", "/sd")]
    found = next(answer.json() for answer in answers if "links" in answer.text)
    assert found["links"]["self"] == "/sd/facechain/v1/people/ana"


def test_it_begins_when_the_webui_serves(webui: Webui) -> None:
    from facechain_ext.webui import register

    register.register()
    app = FastAPI()
    webui.module("modules.script_callbacks").registered["app_started"](None, app)
    assert status(TestClient(app)) == 200
    webui.module("modules.script_callbacks").registered["script_unloaded"]()


def test_an_app_of_another_kind_costs_the_api_alone(webui: Webui) -> None:
    from facechain_ext.webui import serving

    serving.begin(None, SimpleNamespace())
    assert webui.module("facechain_ext.webui.services").jobs().holder() == ""
