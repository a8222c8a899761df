"""The client's records beside what the API answers with: the same fields, under the same names."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import pytest

from facechain_ext.api.app import OPERATIONS
from facechain_ext.api.event_facts import EventEntry
from facechain_ext.api.schema import components_of
from facechain_ext.client import records
from facechain_ext.client.errors import NotUnderstood
from facechain_ext.client.reading import answer_of, read

THEIRS = {
    "Job": "JobTicket",
    "JobPage": "JobList",
    "JobEvent": "EventEntry",
    "PeoplePage": "PersonList",
    "Person": "PersonDetail",
    "Portrait": "PortraitPicture",
    "Style": "StyleEntry",
    "Template": "TemplateEntry",
    "Checkpoint": "CheckpointEntry",
    "Lora": "LoraEntry",
}
"""What the API calls a record, where that is another name."""


def answered() -> dict[str, type[Any]]:
    found = components_of(EventEntry)
    for operation in OPERATIONS:
        for answer in operation.answers.values():
            for each in answer if isinstance(answer, tuple) else (answer,):
                components_of(each, found)
    return found


def own() -> list[type[Any]]:
    found = [each for _, each in inspect.getmembers(records, dataclasses.is_dataclass)]
    return [each for each in found if isinstance(each, type)]


@pytest.mark.parametrize("record", own(), ids=lambda record: record.__name__)
def test_records_hold_what_the_api_answers(record: type[Any]) -> None:
    theirs = answered().get(THEIRS.get(record.__name__, record.__name__))
    assert theirs is not None, "the API answers with no such thing"
    known = {field.name for field in dataclasses.fields(theirs)}
    assert {field.name for field in dataclasses.fields(record)} <= known


def test_a_newer_server_may_say_more_but_not_less() -> None:
    assert read(records.Version, {"version": "2", "api": 1, "more": {}}) == records.Version("2", 1)
    for answer in (b"{}", b'{"version": 2, "api": 1}', b"[]", b"<html>", b'{"version": null}'):
        with pytest.raises(NotUnderstood):
            answer_of(records.Version)(answer)
