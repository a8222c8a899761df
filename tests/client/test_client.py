"""The client against a real server: answers as records, refusals as our errors, files, retries."""

from __future__ import annotations

import asyncio
import base64
import importlib
import socket
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route

from facechain_ext.api.errors import Unauthorized as Stranger
from facechain_ext.api.services import ApiServices
from facechain_ext.base.errors import (
    Cancelled,
    Conflict,
    FaceChainError,
    InvalidInput,
    PersonNotFound,
)
from facechain_ext.client import AsyncClient, Client, JobOptions
from facechain_ext.client.errors import (
    Answered,
    NoAnswer,
    NotFound,
    NotUnderstood,
    Taken,
    Unauthorized,
)
from facechain_ext.client.requesting import address_of
from facechain_ext.config import PortraitConfig
from tests.client.conftest import Line, serving
from tests.jobs.told import submit

pytestmark = pytest.mark.slow(9)

BASIC = "Basic " + base64.b64encode(b"ana:let-me-in").decode()
NO_PHOTO = ("notes.txt", b"no photo")


def test_people_are_added_changed_and_deleted(client: Client) -> None:
    ana = client.add_person("Ana", "fcsks")
    assert (ana.slug, ana.name, ana.photos) == ("ana", "Ana", 0)
    assert [each.slug for each in client.people(search="an").people] == ["ana"]
    assert client.change_person("ana", name="Åsa").slug == "asa"
    assert client.captions("asa").captions == {}
    assert client.delete_person("asa").deleted
    assert client.people().total == 0


def test_what_the_server_is_and_has(client: Client) -> None:
    assert client.health().status == "ok"
    assert client.version().api == 1
    assert {style.name for style in client.styles().styles} >= {"portrait"}
    assert client.models().models[0].state == "shipped"
    assert client.checkpoints().checkpoints
    assert client.loras().loras == ()
    assert client.queue().waiting == 0


@pytest.mark.parametrize(
    ("ask", "kind", "sentence", "status"),
    [
        (lambda c: c.person("bob"), PersonNotFound, "no person 'bob'", 404),
        (lambda c: c.job("0" * 32), NotFound, "no such job", 404),
        (lambda c: next(c.events("0" * 32)), NotFound, "no such job", 404),
        (lambda c: c.add_person("ANA"), Taken, "taken", 409),
        (lambda c: c.make_portraits("ana", {"count": 0}), InvalidInput, "count", 422),
        (lambda c: c.train("ana", [], {"ranks": 3}), InvalidInput, "ranks is not known", 422),
        (lambda c: c.download_model("clip", consent=True), NotFound, "no net", 404),
        (lambda c: c.check([]), InvalidInput, "no photos", 422),
        (lambda c: c.try_on(NO_PHOTO, person="bob"), InvalidInput, "takes two pictures", 422),
        (lambda c: c.make_template(NO_PHOTO, {1: "bob"}), PersonNotFound, "no person 'bob'", 404),
        (lambda c: c.photo("ana", "../../manifest"), NotFound, "", 404),
    ],
)
def test_refusals_are_our_errors(
    client: Client, ask: object, kind: type[FaceChainError], sentence: str, status: int
) -> None:
    client.add_person("Ana")
    with pytest.raises(kind) as caught:
        ask(client)  # type: ignore[operator]
    assert sentence in str(caught.value)
    assert isinstance(caught.value.__cause__, Answered)
    assert caught.value.__cause__.status == status


def test_a_job_is_begun_once_under_an_id_of_ones_own(client: Client) -> None:
    mine = JobOptions(client_id="order-7")
    job = client.check([NO_PHOTO], options=mine)
    assert client.check([NO_PHOTO], options=mine).id == job.id
    assert client.job("order-7").id == job.id
    with pytest.raises(Conflict, match="something else"):
        client.check([NO_PHOTO, NO_PHOTO], options=mine)


def test_photos_are_judged(client: Client, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no photo")
    job = client.check([tmp_path / "a.jpg", NO_PHOTO], {"trigger_word": "fcsks"})
    assert client.finish(job).state == "succeeded"
    found = client.verdicts(job.id)
    assert [(p.photo, p.reason) for p in found.photos] == [
        ("a.jpg", "unreadable"), ("notes.txt", "unreadable")
    ]  # fmt: skip


def test_what_a_job_failed_of_is_raised(client: Client, services: ApiServices) -> None:
    client.add_person("Ana")
    with pytest.raises(FaceChainError, match="Ana"):
        client.finish(client.make_portraits("ana", PortraitConfig()))
    waiting = submit(services.jobs, "long", lambda: iter(()), kind="train")
    client.cancel(waiting.id)
    job = client.job(waiting.id, wait=5)
    assert job.state in ("canceled", "succeeded")
    if job.state == "canceled":
        with pytest.raises(Cancelled):
            client.finish(job)


def test_exports_come_and_go_as_files(client: Client, tmp_path: Path) -> None:
    client.add_person("Ana")
    archive = client.export_person("ana", tmp_path / "ana.zip")
    assert archive.read_bytes()[:2] == b"PK"
    assert client.import_person(archive, "Eva").slug == "eva"
    with pytest.raises(PersonNotFound):
        client.export_person("bob", tmp_path / "bob.zip")
    with pytest.raises(InvalidInput, match="no such file or folder"):
        client.export_person("ana", tmp_path / "missing" / "ana.zip")
    with pytest.raises(InvalidInput, match="no such file or folder"):
        client.import_person(tmp_path / "missing.zip")
    assert [path.name for path in tmp_path.glob("*.zip*")] == ["ana.zip"]


def test_the_same_for_asyncio(port: int, tmp_path: Path) -> None:
    async def ask() -> list[str]:
        async with AsyncClient(f"http://127.0.0.1:{port}") as client:
            ana = await client.add_person("Ana")
            await client.export_person(ana.slug, tmp_path / "ana.zip")
            eva = await client.import_person(tmp_path / "ana.zip", "Eva")
            job = await client.finish(await client.check([NO_PHOTO]))
            with pytest.raises(PersonNotFound):
                await client.person("bob")
            return [eva.name, job.state]

    assert asyncio.run(ask()) == ["Eva", "succeeded"]


class OneToken:
    """Lets in who has the token "let-me-in", or the user ana with it for a password."""

    challenge = "Basic"

    def user(self, connection: HTTPConnection) -> str:
        if connection.headers.get("authorization") in ("Bearer let-me-in", BASIC):
            return "ana"
        raise Stranger("This needs a token: Authorization: Bearer TOKEN.")

    def trusts(self, origin: str) -> bool:
        return False


def test_tokens_let_in(services: ApiServices) -> None:
    with serving(replace(services, auth=OneToken())) as port:
        url = f"http://127.0.0.1:{port}"
        with Client(url) as stranger, pytest.raises(Unauthorized, match="needs a token"):
            stranger.people()
        with Client(url, token="let-me-in") as client:
            assert client.people().total == 0
        with Client(url, user="ana", password="let-me-in") as client:
            assert client.people().total == 0


class PageLogin:
    """Lets in who has the cookie of the page's login, as a webui with --gradio-auth alone does."""

    challenge = ""

    def user(self, connection: HTTPConnection) -> str:
        if connection.cookies.get("access-token-unsecure-x1") != "ana:let-me-in":
            raise Stranger("This needs the login of the webui's page.")
        return "ana"

    def trusts(self, origin: str) -> bool:
        return False


async def log_in(request: Request) -> Response:
    """Answer as gradio does."""
    given = parse_qs((await request.body()).decode())
    answer = Response("{}" if given["password"] == ["let-me-in"] else "", 200)
    if given["password"] == ["let-me-in"]:
        for name in ("access-token-x1", "access-token-unsecure-x1"):
            secure = "unsecure" not in name
            token = f"{given['username'][0]}:let-me-in"
            answer.set_cookie(name, token, httponly=True, samesite="none", secure=secure)
    return answer


def test_the_login_of_a_page_lets_in(services: ApiServices, tmp_path: Path) -> None:
    doors = [Route("/login", log_in, methods=["POST"])]
    with serving(replace(services, auth=PageLogin()), routes=doors) as port:
        url = f"http://127.0.0.1:{port}"
        stranger = Client(url, user="ana", password="wrong")
        with stranger, pytest.raises(Unauthorized, match="login of the webui's page"):
            stranger.people()
        with Client(url, user="ana", password="let-me-in") as client:
            client.add_person("Ana")
            archive = client.export_person("ana", tmp_path / "ana.zip")
        with Client(url, user="ana", password="let-me-in") as client:
            assert client.import_person(archive, "Eva").name == "Eva", "a body that goes out once"
            job = client.finish(client.check([NO_PHOTO]))
            assert [event.type for event in client.events(job.id)][-1] == "state"

        async def ask() -> int:
            async with AsyncClient(url, user="ana", password="let-me-in") as client:
                return (await client.people()).total

        assert asyncio.run(ask()) == 2


def test_a_lost_answer_is_asked_for_again(line: Line, services: ApiServices) -> None:
    with Client(f"http://127.0.0.1:{line.port}") as client:
        client.health()
        line.cut()
        job = client.check([NO_PHOTO])
        assert client.job(job.id).id == job.id
    assert len(services.jobs.all()) == 1


def test_who_cannot_be_reached_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with Client(url) as client, pytest.raises(NoAnswer, match=f"{url} cannot be reached"):
        client.health()


def test_who_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(url, timeout=0.2) as client, pytest.raises(NoAnswer, match="in time"):
            client.add_person("Ana")


@pytest.mark.parametrize(
    "url", ["", "ftp://a", "127.0.0.1:7870", "http://", "http://a:b", "http://a?b"]
)
def test_no_address_is_told_so(url: str) -> None:
    with pytest.raises(InvalidInput, match="is no address of a server"):
        Client(url)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://a", "http://a/facechain/v1/"),
        ("https://a:1/sd/", "https://a:1/sd/facechain/v1/"),
        ("http://[::1]:7870/facechain/v1", "http://[::1]:7870/facechain/v1/"),
    ],
)
def test_addresses(url: str, address: str) -> None:
    assert address_of(url) == address


def test_another_program_is_no_facechain(port: int) -> None:
    sentence = "not FaceChain's API: 404"
    with (
        Client(f"http://127.0.0.1:{port}/no") as client,
        pytest.raises(NotUnderstood, match=sentence),
    ):
        client.people()


def test_without_httpx_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    monkeypatch.delitem(sys.modules, "facechain_ext.client")
    with pytest.raises(FaceChainError, match=r"pip install .*client"):
        importlib.import_module("facechain_ext.client")
