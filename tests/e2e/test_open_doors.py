"""What a running webui hands to somebody without a login while a training shows its pictures.

    FACECHAIN_WEBUI=http://127.0.0.1:7860 FACECHAIN_PEOPLE=<photos> FACECHAIN_DATA=<folder> \\
        pytest -x tests/e2e/test_open_doors.py

FACECHAIN_DATA is the folder that holds facechain/people: the webui's own, or its
--facechain-data-dir. FACECHAIN_LOGIN, as "user:password", is what the webui was started with as
both --gradio-auth and --api-auth; without it, it was started with neither.
"""

from __future__ import annotations

import base64
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Client

pytestmark = [pytest.mark.e2e, pytest.mark.people, pytest.mark.slow, pytest.mark.timeout(1800)]

LOGIN = os.environ.get("FACECHAIN_LOGIN", "")
SECONDS = int(os.environ.get("FACECHAIN_WATCH", "60"))
"""How long the progress is asked for."""


@pytest.fixture(scope="module")
def data() -> Path:
    folder = os.environ.get("FACECHAIN_DATA")
    if not folder:
        pytest.skip("FACECHAIN_DATA does not name the webui's data folder")
    return Path(folder).resolve()


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def ask(client: Client, route: str, body: Any = None, *, login: str = "") -> tuple[int, Any]:
    """Post a body, or get without one; returns the status and what was answered."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{client.url}{route}", data=data)
    request.add_header("Content-Type", "application/json")
    if login:
        token = base64.b64encode(login.encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None


def spellings(data: Path, file: Path) -> Iterator[str]:
    inside = file.relative_to(data).as_posix()
    for name in (inside, file.as_posix(), f"facechain/../{inside}", f"./{inside}"):
        for prefix in ("/file=", "/file/", "/gradio_api/file="):
            yield prefix + quote(name)
            yield prefix + quote(name, safe="")


def test_no_file_of_a_person_is_served(webui: Client, data: Path) -> None:
    files = [path for path in (data / "facechain" / "people").rglob("*") if path.is_file()]
    assert files, "there is nobody in the library"
    served = [
        path
        for file in files
        for path in spellings(data, file)
        if status(f"{webui.url}{path}") == 200
    ]
    assert served == []


def test_previews_of_loras_lead_to_nobody(webui: Client, data: Path) -> None:
    """Their route asks for no login, and takes a name for one of its folder by how it begins."""
    folders = (data / name for name in ("facechain", "outputs/facechain"))
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    ways = [data / "models" / "Lora" / ".." / ".." / file.relative_to(data) for file in files]
    route = f"{webui.url}/sd_extra_networks/thumb?filename="
    assert [way for way in ways if status(route + quote(str(way), safe="")) != 403] == []


def test_no_picture_of_a_training_is_handed_out(webui: Client) -> None:
    """A training or portraits must be under way, and show pictures; they are asked for often."""
    handed_out, seen = [], set()
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        _, open_answer = ask(webui, "/internal/progress", {"id_live_preview": -1})
        code, api = ask(webui, "/sdapi/v1/progress?skip_current_image=false")
        assert code == (401 if LOGIN else 200)
        handed_out += [open_answer["live_preview"], api and api["current_image"]]
        if LOGIN:
            code, api = ask(webui, "/sdapi/v1/progress?skip_current_image=false", login=LOGIN)
            assert code == 200
        seen.add(api["state"]["job"])
        time.sleep(0.5)
    assert any(seen), "no job of ours was under way"
    assert [picture for picture in handed_out if picture] == []
