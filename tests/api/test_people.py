"""People over HTTP: add, list, look at, rename, delete, export, import."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from facechain_ext.api.services import ApiServices
from tests.api.conftest import NewClient, problem


def test_a_person_is_added_once(client: TestClient) -> None:
    response = client.post("people", json={"name": " Ana  María ", "trigger_word": "anna"})
    assert response.status_code == 201
    assert response.headers["location"] == "/facechain/v1/people/ana-maria"
    ana = response.json()
    assert (ana["slug"], ana["name"], ana["trigger_word"]) == ("ana-maria", "Ana María", "anna")
    assert ana["links"]["self"] == "/facechain/v1/people/ana-maria"
    assert client.get("people/ana-maria").json() == ana
    again = client.post("people", json={"name": "ANA MARÍA"})
    assert again.status_code == 409
    assert problem(again)["type"] == "taken"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": 5}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "Ana", "trigger_word": "a, b"}, None),
        ({"name": "Ana", "tigger_word": "a"}, "tigger_word"),
        ({"name": "\u0000"}, "name"),
        ({"name": "..."}, None),
        ([], None),
    ],
)
def test_a_wrong_field_is_named(client: TestClient, body: object, field: str | None) -> None:
    response = client.post("people", json=body)
    assert response.status_code == 422
    assert problem(response)["field"] == field
    assert client.get("people").json()["people"] == []


def test_lists_come_in_pages_and_can_be_searched(client: TestClient) -> None:
    for name in ("Ana", "Bob", "Björn", "Zoë"):
        client.post("people", json={"name": name})
    first = client.get("people?limit=3").json()
    assert [who["slug"] for who in first["people"]] == ["ana", "bjorn", "bob"]
    assert (first["total"], first["next"]) == (4, "bob")
    last = client.get("people", params={"after": first["next"]}).json()
    assert ([who["name"] for who in last["people"]], last["next"]) == (["Zoë"], None)
    found = client.get("people", params={"search": "bjÖ"}).json()
    assert [who["name"] for who in found["people"]] == ["Björn"]


def test_who_is_renamed_has_another_address(client: TestClient) -> None:
    client.post("people", json={"name": "Ana"})
    response = client.patch("people/ana", json={"name": "Eva", "trigger_word": "evaeva"})
    assert (response.json()["slug"], response.json()["trigger_word"]) == ("eva", "evaeva")
    assert client.get("people/ana").status_code == 404
    client.post("people", json={"name": "Ana"})
    assert client.patch("people/ana", json={"name": "Eva"}).status_code == 422


def test_deleting_tells_what_went(client: TestClient, services: ApiServices) -> None:
    client.post("people", json={"name": "Ana"})
    portrait = services.studio.host.paths.output_dir / "ana" / "1.png"
    portrait.parent.mkdir(parents=True)
    portrait.write_bytes(b"a face")
    response = client.delete("people/ana")
    assert response.json() == {"deleted": ["people/ana/person.json", "portraits/ana/1.png"]}
    assert not portrait.exists()
    assert client.delete("people/ana").status_code == 404


def test_who_is_damaged_is_told_and_can_be_deleted(
    client: TestClient, services: ApiServices
) -> None:
    client.post("people", json={"name": "Ana"})
    (services.studio.library.root / "ana" / "person.json").write_text("{", encoding="utf-8")
    (told,) = client.get("people").json()["people"]
    assert "person.json is damaged" in told["problem"]
    assert str(services.studio.library.root) not in told["problem"]
    response = client.get("people/ana")
    assert response.status_code == 422
    assert str(services.studio.library.root) not in problem(response)["message"]
    assert client.delete("people/ana").status_code == 200


@pytest.mark.parametrize("name", ["Ana", "ana-2", "Weiß & Söhne"])
def test_an_export_comes_in_again(client: TestClient, name: str) -> None:
    slug = client.post("people", json={"name": name}).json()["slug"]
    exported = client.get(f"people/{slug}/export")
    assert exported.headers["content-type"] == "application/zip"
    client.delete(f"people/{slug}")
    response = client.post(
        "people/import", content=exported.content, headers={"Content-Type": "application/zip"}
    )
    assert (response.status_code, response.json()["name"]) == (201, name)


def zipped(**members: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return data.getvalue()


MANIFEST = '{"name": "Ana", "trigger_word": "a", "created": "", "runs": [], "schema": 1, ' + (
    '"attributes": {"gender": null, "age": null}}'
)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no zip",
        zipped(),
        zipped(**{"ana/person.json": MANIFEST, "ana/../../evil": "x"}),
        zipped(**{"ana/person.json": MANIFEST, "/etc/evil": "x"}),
        zipped(**{"ana/person.json": MANIFEST, "ana/C:evil": "x"}),
        zipped(**{"ana/person.json": MANIFEST, "ana\\..\\evil": "x"}),
        zipped(**{"ana/person.json": "{"}),
        zipped(**{"ana/person.json": MANIFEST, "bob/person.json": MANIFEST}),
    ],
)
def test_what_is_no_export_leaves_nothing(
    client: TestClient, services: ApiServices, tmp_path: Path, data: bytes
) -> None:
    headers = {"Content-Type": "application/zip"}
    response = client.post("people/import", content=data, headers=headers)
    assert response.status_code == 422
    assert str(tmp_path) not in response.text
    assert client.get("people").json()["total"] == 0
    assert [*services.studio.host.paths.jobs_dir.glob("incoming/*")] == []
    assert [path.name for path in tmp_path.rglob("evil")] == []


def test_what_comes_with_a_request_goes_with_it(
    new_client: NewClient, services: ApiServices
) -> None:
    client = new_client()
    client.post("people", json={"name": "Ana"})
    assert client.get("people/ana/export").status_code == 200
    assert [*services.studio.host.paths.jobs_dir.glob("incoming/*")] == []
