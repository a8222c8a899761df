"""The lines of curl in docs/rest-api.md, each asked as it is printed."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

import pytest
from starlette.testclient import TestClient

from facechain_ext.api.app import OPERATIONS, make_site
from facechain_ext.api.operation import Operation
from tests.api.conftest import ADDRESS, ORIGIN
from tests.api.test_photos import jpeg
from tools.fuzz.service import service
from tools.rest_api import curl

BEGINS = {
    "start_check": {"get_check"},
    "start_training": {"get_training", "get_curves", "get_samples", "get_sample", "get_lora"},
    "start_portraits": {"get_portraits", "get_portrait", "get_job", "follow_job", "cancel_job"},
}
"""Whose job the lines of others are about."""
REFUSED = {
    "add_person": 409,
    "resume_training": 422,
    "publish_snapshot": 422,
    "download_model": 422,
    "get_video": 404,
    "get_video_file": 404,
}
"""Ana is there, and has neither stopped training nor snapshot; a test agrees to no download. Nobody
spoke: a machine may lack the voice."""
LAST = ("export_person", "delete_photo", "change_person", "delete_person", "import_person")

FLAGS = argparse.ArgumentParser()
for flag in ("-X", "--json", "--data-binary"):
    FLAGS.add_argument(flag)
for flag in ("-H", "-F"):
    FLAGS.add_argument(flag, action="append", default=[])
for flag in ("-OJ", "-N"):
    FLAGS.add_argument(flag, action="store_true")
FLAGS.add_argument("address")


@pytest.fixture
def client(tmp_path: Path, small_folder: Path) -> Iterator[TestClient]:
    with service(tmp_path / "data", small_folder) as services:
        yield TestClient(make_site(services), base_url=ADDRESS, raise_server_exceptions=False)


def asked(client: TestClient, line: str, known: Mapping[str, str], files: Path) -> Any:
    """Ask what a line of curl asks."""
    told = FLAGS.parse_args(shlex.split(Template(line).substitute(known))[1:])
    headers = dict(each.split(": ", 1) for each in told.H)
    how: dict[str, Any] = {"headers": {"Accept": "*/*", **headers}}
    if told.json:
        how["json"] = json.loads(told.json)
    elif told.data_binary:
        how["content"] = (files / told.data_binary.removeprefix("@")).read_bytes()
    elif told.F:
        how["files"] = [_part(*field.split("=", 1), files) for field in told.F]
    sends = told.json or told.data_binary or told.F
    return client.request(told.X or ("POST" if sends else "GET"), told.address, **how)


def _part(name: str, value: str, files: Path) -> tuple[str, tuple[str | None, bytes]]:
    file = value.removeprefix("@")
    return name, (file, (files / file).read_bytes()) if file != value else (None, value.encode())


def by_turn(operation: Operation) -> tuple[int, bool]:
    """Put what begins jobs first, and last what takes away what others look at."""
    last = LAST.index(operation.name) + 1 if operation.name in LAST else 0
    return last, operation.name not in BEGINS


def test_every_line_can_be_run(client: TestClient, tmp_path: Path) -> None:
    for name in ("1.jpg", "2.jpg"):
        (tmp_path / name).write_bytes(jpeg())
    begun: dict[str, str] = {}
    for operation in sorted(OPERATIONS, key=by_turn):
        (line,) = curl(operation)
        job = next((begun[key] for key, others in BEGINS.items() if operation.name in others), "")
        known = {"API": ADDRESS.rstrip("/"), "JOB": job, "SAMPLE": "step-000001-0.png"}
        if operation.name == "download_model":
            line = line.replace("true", "false")
        answer = asked(client, line, known, tmp_path)
        expected = REFUSED.get(operation.name)
        assert answer.status_code in ((expected,) if expected else operation.answers), (
            line,
            answer.text[:300],
        )
        if operation.name in BEGINS:
            begun[operation.name] = str(answer.json()["id"])
            client.get(f"jobs/{answer.json()['id']}", headers={"Prefer": "wait=60"})
        if operation.name == "export_person":
            (tmp_path / "ana.zip").write_bytes(answer.content)
        if operation.name == "change_person":
            client.patch(ORIGIN + answer.json()["links"]["self"], json={"name": "Ana"})
    assert re.fullmatch(r"[0-9a-f]{32}", begun["start_check"])
