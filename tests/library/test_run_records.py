"""What a training began with, written and read back; records of earlier versions too."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from facechain_ext.base.errors import LibraryTooNew
from facechain_ext.base.host import CheckpointRef
from facechain_ext.config import TrainConfig
from facechain_ext.library.runs import RunRecord

RECORD = RunRecord(
    person="Ana",
    trigger_word="fcsks",
    photo_count=2,
    prompt="fcsks",
    negative_prompt="",
    checkpoint=CheckpointRef("mini", Path("mini.safetensors").absolute()),
    family="sd1",
    prediction_type="epsilon",
    started=datetime(2026, 1, 2, tzinfo=timezone.utc),
    config=TrainConfig(),
)


def told(schema: int, **config: object) -> str:
    facts = json.loads(RECORD.to_json())
    return json.dumps({**facts, "schema": schema, "config": {**facts["config"], **config}})


def test_a_record_is_read_as_it_was_written() -> None:
    assert RunRecord.from_json(RECORD.to_json()) == RECORD


def test_0_in_a_record_of_the_first_schema_stands_for_automatic() -> None:
    config = RunRecord.from_json(told(1, learning_rate=0.0, resolution=0)).config
    assert (config.learning_rate, config.resolution) == (None, None)
    config = RunRecord.from_json(told(1, learning_rate=0.002, resolution=192)).config
    assert (config.learning_rate, config.resolution) == (0.002, 192)


def test_a_learning_rate_of_0_is_0_since_then() -> None:
    assert RunRecord.from_json(told(2, learning_rate=0.0)).config.learning_rate == 0


def test_a_record_of_a_later_schema_is_left_alone() -> None:
    with pytest.raises(LibraryTooNew):
        RunRecord.from_json(told(3))
