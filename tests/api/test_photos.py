"""Photos over HTTP: as a form and in JSON, judged by a job, looked at again."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut
from starlette.testclient import TestClient

from facechain_ext.api.services import ApiServices
from facechain_ext.config import ApiConfig
from tests.api.conftest import NewClient, problem


def jpeg(pixels: Any = None) -> bytes:
    data = io.BytesIO()
    Image.fromarray(astronaut() if pixels is None else pixels).save(data, "JPEG")
    return data.getvalue()


def in_json(*photos: bytes) -> Any:
    return {"photos": [{"data": base64.b64encode(photo).decode()} for photo in photos]}


@pytest.fixture
def ana(client: TestClient) -> str:
    return str(client.post("people", json={"name": "Ana"}).json()["slug"])


@pytest.fixture(autouse=True)
def nothing_is_left(services: ApiServices) -> Iterator[None]:
    yield
    assert [*services.studio.host.paths.jobs_dir.glob("incoming/*")] == []


def wait_for(services: ApiServices, ticket: Any) -> Any:
    job = services.jobs.get(ticket["id"])
    assert job is not None
    for _ in job.follow():
        pass
    return job


def test_photos_in_json_are_judged_by_a_job(
    client: TestClient, services: ApiServices, ana: str
) -> None:
    wall = jpeg(np.full((192, 192, 3), 128, np.uint8))
    response = client.post("people/ana/photos", json=in_json(jpeg(), wall, b"no photo"))
    ticket = response.json()
    assert response.status_code in (200, 202)  # judged already, or not yet
    assert response.headers["location"] == f"/facechain/v1/jobs/{ticket['id']}"
    assert (ticket["kind"], ticket["person"]) == ("enrol", "Ana")
    job = wait_for(services, ticket)
    assert job.error is None
    assert client.get("people/ana").json()["photos"] == 1
    photo = client.get("people/ana/photos/000")
    assert Image.open(io.BytesIO(photo.content)).size == (512, 512)
    small = client.get("people/ana/photos/000/thumbnail?size=64")
    assert Image.open(io.BytesIO(small.content)).size == (64, 64)
    told = client.get("people/ana/photos").json()["photos"]
    assert [(each["stem"], each["accepted"], each["reason"]) for each in told] == [
        ("000", True, None),
        (None, False, "no_face"),
        (None, False, "unreadable"),
    ]
    assert told[0]["links"]["self"] == "/facechain/v1/people/ana/photos/000"
    captions = client.get("people/ana/captions").json()["captions"]
    assert [*captions] == ["000"]
    changed = client.put("people/ana/captions", json={"captions": {"000": "fcsks,  in space"}})
    assert changed.json() == {"captions": {"000": "fcsks, in space"}}
    wrong = client.put("people/ana/captions", json={"captions": {"../000": "x"}})
    assert wrong.status_code == 422
    assert client.delete("people/ana/photos/001").status_code == 404
    assert "000" not in client.delete("people/ana/photos/000").text
    assert client.get("people/ana/photos/000").status_code == 404


def test_photos_that_are_not_kept_are_shown_by_their_crops(
    client: TestClient, services: ApiServices, ana: str
) -> None:
    body = {**in_json(jpeg()), "prepare": {"keep_photos": False, "size": 128}}
    wait_for(services, client.post("people/ana/photos", json=body).json())
    photo = client.get("people/ana/photos/000")
    assert photo.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(photo.content)).size == (128, 128)
    assert client.get("people/ana/photos/000/thumbnail").status_code == 200


def test_more_photos_come_beside_the_first_or_in_their_place(
    client: TestClient, services: ApiServices, ana: str
) -> None:
    mirrored = jpeg(np.ascontiguousarray(astronaut()[:, ::-1]))
    for photo, add in ((jpeg(), True), (mirrored, True), (mirrored, False)):
        wait_for(
            services, client.post("people/ana/photos", json={**in_json(photo), "add": add}).json()
        )
        told = client.get("people/ana/photos").json()["photos"]
        assert len(told) == (2 if photo is mirrored and add else 1)


def test_photos_in_a_form_keep_their_names(
    client: TestClient, services: ApiServices, ana: str
) -> None:
    files = [("photos", (name, jpeg())) for name in ("me.jpg", "../me.jpg", "C:\\x\\con", "")]
    response = client.post(
        "people/ana/photos", files=files[:3], data={"prepare": '{"trigger_word": "anna"}'}
    )
    assert response.status_code in (200, 202), response.text
    job = wait_for(services, response.json())
    names = {event.photo.name for event in job.events if hasattr(event, "photo")}
    assert names == {"me.jpg", "2-me.jpg", "photo-con"}
    assert client.get("people/ana").json()["trigger_word"] == "anna"


BOUNDARY = {"Content-Type": "multipart/form-data; boundary=x"}
HEAD = b'--x\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n\r\n'


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"", BOUNDARY, 400),
        (b"--x--\r\n", BOUNDARY, 422),
        (b"junk", BOUNDARY, 400),
        (HEAD, BOUNDARY, 400),
        (HEAD + b"a\r\n--x--\r\n", {"Content-Type": "multipart/form-data"}, 400),
        (HEAD + b"a\r\n--x--\r\n", {"Content-Type": "multipart/form-data; boundary="}, 400),
        (HEAD.replace(b"photos", b"files") + b"a\r\n--x--\r\n", BOUNDARY, 422),
        (HEAD.replace(b"form-data; ", b"") + b"a\r\n--x--\r\n", BOUNDARY, 400),
        (HEAD.replace(b'"photos"', b'"\xff"') + b"a\r\n--x--\r\n", BOUNDARY, 422),
        (b'--x\r\nContent-Disposition: form-data; name="prepare"\r\n\r\n{\r\n--x--', BOUNDARY, 400),
        (b'--x\r\nContent-Disposition: form-data; name="photos"\r\n\r\n[]\r\n--x--', BOUNDARY, 422),
        (b"{}", {"Content-Type": "application/json"}, 422),
        (b"[", {"Content-Type": "application/json"}, 400),
        (b"\xff", {"Content-Type": "application/json"}, 400),
        (b"[" * 100_000, {"Content-Type": "application/json"}, 400),
        (b'{"photos": NaN}', {"Content-Type": "application/json"}, 400),
        (b'{"photos": ' + b"9" * 5000 + b"}", {"Content-Type": "application/json"}, 400),
        (b'{"photos": [{"data": "a"}]}', {"Content-Type": "application/json"}, 422),
        (b'{"photos": [{"data": "\xc3\xa9"}]}', {"Content-Type": "application/json"}, 422),
        (b'{"photos": [{"data": "", "name": "\\ud8"}]}', {"Content-Type": "application/json"}, 400),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {}, 415),
    ],
)  # fmt: skip
def test_a_damaged_body_is_refused(
    client: TestClient, ana: str, content: bytes, headers: dict[str, str], status: int
) -> None:
    response = client.post("people/ana/photos", content=content, headers=headers)
    assert response.status_code == status, response.text
    assert problem(response)["message"]


@pytest.mark.parametrize("path", ["checks", "people/ana/photos", "people/ana/trainings"])
@pytest.mark.parametrize("value", ["", "[]", "null", "YQ=="])
def test_photos_of_a_form_come_as_files(
    client: TestClient, ana: str, path: str, value: str
) -> None:
    response = client.post(path, files={"photos": (None, value)})
    assert (response.status_code, problem(response)["field"]) == (422, "photos")


def test_more_than_is_accepted_is_refused(new_client: NewClient, ana: str) -> None:
    client = new_client(config=ApiConfig(max_upload_mb=1, max_photos=2, max_megapixels=1.0))
    many = [("photos", ("a.jpg", b"x")) for _ in range(3)]
    too_many = [("photos", ("a.jpg", b"x")) for _ in range(9)]
    large = jpeg(np.zeros((1100, 1100, 3), np.uint8))
    heavy = [("photos", ("a.jpg", bytes(2**20)))]

    def chunks() -> Iterator[bytes]:
        yield from [b" " * 2**16] * 20

    for response in (
        client.post("people/ana/photos", files=many),
        client.post("people/ana/photos", files=too_many),
        client.post("people/ana/photos", json=in_json(b"x", b"x", b"x")),
        client.post("people/ana/photos", json=in_json(large)),
        client.post("people/ana/photos", files=[("photos", ("a.jpg", large))]),
        client.post("people/ana/photos", files=heavy),
        client.post(
            "people/ana/photos", content=chunks(), headers={"Content-Type": "application/json"}
        ),
        client.post(
            "people/import",
            content=b"",
            headers={"Content-Length": "9" * 30, "Content-Type": "a/b"},
        ),
    ):
        assert response.status_code == 413, response.text
        assert problem(response)["type"] == "too_large"
