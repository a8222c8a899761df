"""The documents in docs/: what the routes say now, whole, and true."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest
from starlette.testclient import TestClient

from facechain_ext.api.app import OPERATIONS
from facechain_ext.api.openapi import document
from facechain_ext.api.operation import Operation
from facechain_ext.api.reading import Reader
from tools import rest_api


def test_they_are_those_of_the_routes() -> None:
    stale = "Run python -m tools.rest_api: the API is another than docs/ says"
    assert rest_api.OPENAPI.read_text(encoding="utf-8") == rest_api.openapi_text(), stale
    assert rest_api.GUIDE.read_text(encoding="utf-8") == rest_api.guide(), stale


def test_the_server_tells_the_same(client: TestClient) -> None:
    assert client.get("openapi.json").json() == json.loads(rest_api.openapi_text())


def references(value: Any) -> set[str]:
    return {*re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(value))}


def test_nothing_is_left_open() -> None:
    told = document(OPERATIONS)
    assert references(told) <= set(told["components"]["schemas"])
    for schema in told["components"]["schemas"].values():
        for name, shape in schema["properties"].items():
            assert shape.get("description"), f"{schema['description']}: {name}"
    for path, methods in told["paths"].items():
        for operation in methods.values():
            assert operation["summary"], path
            named = {each["name"] for each in operation.get("parameters", ())}
            assert {*re.findall(r"{(\w+)}", path)} <= named


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_examples_and_lines_are_sound(operation: Operation) -> None:
    if operation.body is not None:
        assert operation.example is not None
        example = operation.example
        if operation.photos:
            example = {**example, "photos": [{"data": "YQ=="} for _ in example.get("photos", ())]}
        Reader().read(operation.body, example)
    (line,) = rest_api.curl(operation)
    assert shlex.split(line)[0] == "curl"
    assert "{" not in line.rpartition("$API")[2]
