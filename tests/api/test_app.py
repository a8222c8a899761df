"""The app as a whole: what every address has in common."""

from __future__ import annotations

import re

from starlette.testclient import TestClient

from facechain_ext import __version__
from facechain_ext.api.app import OPERATIONS, _by_path
from tests.api.conftest import NewClient, problem


def test_the_server_tells_that_it_is_well(client: TestClient) -> None:
    assert client.get("health").json() == {"status": "ok"}
    assert client.get("version").json() == {"version": __version__, "api": 1}


def test_what_is_not_there_is_told_in_the_one_shape(client: TestClient) -> None:
    for response in (client.get("nothing"), client.get("../v2/health"), client.get("health/")):
        assert response.status_code == 404
        assert problem(response)["type"] == "not_found"
    assert client.post("health").status_code == 405
    assert client.post("health").headers["allow"] == "GET"
    assert problem(client.post("health"))["type"] == "method_not_allowed"
    for odd in ("jobs/%0A", "jobs/a%0Db/cancel", "%0A/%0A"):
        assert problem(client.get(odd))["type"] in ("not_found", "method_not_allowed"), odd


def test_a_wrong_method_is_told_which_ones_there_are(client: TestClient) -> None:
    for path, operations in _by_path(OPERATIONS).items():
        told = client.options(re.sub("{.*?}", "a1", path[1:]))
        assert told.status_code == 405
        methods = {operation.method for operation in operations}
        assert {*told.headers["allow"].split(", ")} == methods, path


def test_nothing_is_kept_or_shown_elsewhere(client: TestClient) -> None:
    for response in (client.get("health"), client.get("nothing")):
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"


def test_a_fault_of_ours_is_told_without_its_details(new_client: NewClient, caplog) -> None:
    response = new_client(studio=None).get("openapi.json?a=1")
    assert response.status_code == 422
