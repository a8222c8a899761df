"""The documents in docs/: what the routes say now, whole, and true."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest
from starlette.testclient import TestClient

from facechain_ext.api.app import OPERATIONS
from facechain_ext.api.checks import NewCheck
from facechain_ext.api.errors import Problem
from facechain_ext.api.job_works import JobOrder
from facechain_ext.api.openapi import document
from facechain_ext.api.operation import Operation
from facechain_ext.api.people import NewPerson, PersonChange
from facechain_ext.api.photos import Captions
from facechain_ext.api.portraits import PortraitPicture
from facechain_ext.api.reading import BadField, Reader
from facechain_ext.api.schema import object_schema
from facechain_ext.api.tickets import JobTicket
from facechain_ext.api.trainings import NewTraining
from facechain_ext.api.uploads import PhotoUpload
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


def shape_of(kind: type[Any], name: str) -> Any:
    return object_schema(kind)["properties"][name]


def test_what_may_come_in_is_told_and_what_goes_out_is_not_cut() -> None:
    for kind, name, longest in (
        (NewPerson, "name", 100),
        (PersonChange, "trigger_word", 60),
        (JobOrder, "person", 100),
        (PhotoUpload, "name", 200),
    ):
        shape = shape_of(kind, name)
        assert (shape["maxLength"], bool(re.search(shape["pattern"], "a\x1b"))) == (longest, False)
    assert shape_of(Captions, "captions")["additionalProperties"]["maxLength"] == 5000
    assert shape_of(NewCheck, "photos")["minItems"] == 1
    assert "minItems" not in shape_of(NewTraining, "photos")
    for kind, name in ((PortraitPicture, "infotext"), (Problem, "message"), (JobTicket, "title")):
        assert "maxLength" not in shape_of(kind, name)


def test_what_need_not_come_is_told() -> None:
    paths = document(OPERATIONS)["paths"]
    needed = {
        operation.name: paths[f"/facechain/v1{operation.path}"][operation.method.lower()][
            "requestBody"
        ]["required"]
        for operation in OPERATIONS
        if operation.body or operation.raw
    }
    optional = {"change_person", "start_training", "start_portraits", "resume_training"}
    optional |= {"publish_snapshot"}
    assert {name for name, must in needed.items() if not must} == optional
    headers = paths["/facechain/v1/events"]["get"]["parameters"]
    (last,) = (each for each in headers if each["name"] == "Last-Event-ID")
    assert re.search(last["schema"]["pattern"], "41")
    assert not re.search(last["schema"]["pattern"], "s")


def test_base64_is_what_is_decoded() -> None:
    pattern = shape_of(PhotoUpload, "data")["pattern"]
    for data in ("", "YQ==", "YWI=", "YWJj", "data:image/png;base64,YWJj"):
        Reader().read(PhotoUpload, {"data": data})
        assert re.search(pattern, data)
    for data in ("YQ", "Y===", "YWJj...", "data:image/png;base64", "Y W=", "ä"):
        with pytest.raises(BadField):
            Reader().read(PhotoUpload, {"data": data})
        assert not re.search(pattern, data)


def test_pictures_and_streams_are_told_as_they_come() -> None:
    paths = document(OPERATIONS)["paths"]
    photo = paths["/facechain/v1/people/{slug}/photos/{stem}"]["get"]["responses"]["200"]
    assert [*photo["content"]] == ["image/jpeg", "image/png"]
    stream = paths["/facechain/v1/events"]["get"]["responses"]["200"]["content"]
    data = stream["text/event-stream"]["schema"]["properties"]["data"]
    assert references(data) == {"EventEntry"}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_examples_and_lines_are_sound(operation: Operation) -> None:
    if operation.body is not None:
        assert operation.example is not None
        Reader().read(operation.body, operation.example)
    (line,) = rest_api.curl(operation)
    assert shlex.split(line)[0] == "curl"
    assert "{" not in line.rpartition("$API")[2]
