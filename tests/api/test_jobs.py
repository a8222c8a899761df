"""Jobs over HTTP: begun once, listed, waited for, canceled, and seen by nobody else."""

from __future__ import annotations

import base64
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, get_args

import pytest
from starlette.testclient import TestClient

from facechain_ext.api.job_works import TAKES
from facechain_ext.api.services import ApiServices
from facechain_ext.api.tickets import RESULTS, JobKind
from facechain_ext.base.errors import NoUsablePhotos
from facechain_ext.base.events import Candidate, Event
from facechain_ext.config import ApiConfig, JobsConfig, PrepareConfig, TrainConfig
from facechain_ext.jobs.database import FILE, Database
from facechain_ext.jobs.kinds import KINDS
from facechain_ext.jobs.queue import Job
from facechain_ext.jobs.record import JobRecord
from facechain_ext.jobs.store import JobStore
from facechain_ext.jobs.talk_work import Talk
from facechain_ext.jobs.template_work import MakeTemplate
from tests.api.conftest import ORIGIN, Gate, Named, NewClient, follow, problem
from tests.api.test_photos import in_json, jpeg
from tests.bad_templates import BAD, Bad
from tests.jobs.told import submit, work

pytestmark = pytest.mark.slow(7)

CHECK = {"kind": "check", **in_json(b"no photo")}
PICTURE = in_json(jpeg())
CHANGED = {PrepareConfig: {"size": 768}, TrainConfig: {"learning_rate": 3e-4}}


def one() -> Iterator[Event]:
    yield Candidate(1, 1)


def failing() -> Iterator[Event]:
    raise NoUsablePhotos("Nothing of /srv/secret/me.jpg can be used.")
    yield


@pytest.fixture
def gate(services: ApiServices) -> Iterator[Gate]:
    """Keep the queue busy."""
    gate = Gate(Candidate(1, 1))
    submit(services.jobs, "held", gate, person="Zoe")
    assert gate.begun.wait(60)
    yield gate
    gate.open.set()


def queued(services: ApiServices, count: int, person: str = "Ana") -> list[Job]:
    return [submit(services.jobs, f"{n}", one, person=person) for n in range(count)]


def test_jobs_are_listed_in_pages_newest_first(
    client: TestClient, services: ApiServices, gate: Gate
) -> None:
    ids = [job.id for job in reversed(queued(services, 3))]
    first = client.get("jobs?limit=2").json()
    assert [job["id"] for job in first["jobs"]] == ids[:2]
    assert [job["position"] for job in first["jobs"]] == [3, 2]
    rest = client.get("jobs", params={"limit": 2, "before": first["next"]}).json()
    assert rest["jobs"][0]["id"] == ids[2]
    assert rest["jobs"][1]["title"] == "held"
    assert rest["next"] is None
    assert len(client.get("jobs?person=ana&state=queued").json()["jobs"]) == 3
    assert len(client.get("jobs?state=active").json()["jobs"]) == 4
    assert client.get("jobs?state=failed").json()["jobs"] == []
    assert client.get("jobs?kind=portraits").json()["jobs"] == []
    assert problem(client.get("jobs?before=nobody"))["field"] == "before"
    assert problem(client.get("jobs?state=lost"))["field"] == "state"


def test_the_queue_tells_who_is_next(client: TestClient, services: ApiServices, gate: Gate) -> None:
    ids = [job.id for job in queued(services, 2)]
    queue = client.get("queue").json()
    assert queue["running"]["title"] == "held"
    assert (queue["busy"], queue["waiting"]) == (True, 2)
    assert [job["id"] for job in queue["jobs"]] == ids


def test_a_job_tells_how_it_ended(client: TestClient, services: ApiServices) -> None:
    done, failed = submit(services.jobs, "good", one), submit(services.jobs, "bad", failing)
    follow(done)
    follow(failed)
    good = client.get(f"jobs/{done.id}").json()
    assert (good["state"], good["progress"], good["error"]) == ("succeeded", 1.0, None)
    assert good["started"].endswith("+00:00")
    assert client.get(ORIGIN + good["links"]["events"]).status_code == 200
    bad = client.get(f"jobs/{failed.id}").json()
    assert bad["state"] == "failed"
    assert bad["error"] == {
        "type": "no_usable_photos",
        "message": "Nothing of me.jpg can be used.",
    }
    assert client.get("jobs/nothing").status_code == 404


def test_jobs_are_canceled_before_and_after_they_begin(
    client: TestClient, services: ApiServices, gate: Gate
) -> None:
    (waiting,) = queued(services, 1)
    running = services.jobs.running
    assert running is not None
    assert client.post(f"jobs/{waiting.id}/cancel").json()["state"] == "canceled"
    assert client.post(f"jobs/{running.id}/cancel").json()["stopping"] is True
    assert client.post(f"jobs/{waiting.id}/cancel").json()["state"] == "canceled"
    assert client.post("jobs/nothing/cancel").status_code == 404


def test_put_begins_a_job_once(client: TestClient, gate: Gate) -> None:
    first = client.put("jobs/mine-1", json=CHECK)
    assert first.status_code == 202
    again = client.put("jobs/mine-1", json=CHECK)
    assert again.json()["id"] == first.json()["id"]
    assert first.headers["location"] == f"/facechain/v1/jobs/{first.json()['id']}"
    other = client.put("jobs/mine-1", json={"kind": "check", **in_json(b"other")})
    assert (other.status_code, problem(other)["type"]) == (409, "conflict")
    assert client.get("jobs/mine-1").json()["client_id"] == "mine-1"
    gate.open.set()
    over = client.put("jobs/mine-1", json=CHECK, headers={"Prefer": "wait=60"})
    assert over.status_code == 200
    assert over.json()["state"] == "succeeded"
    assert client.put(f"jobs/{first.json()['id']}", json=CHECK).status_code == 409


def test_put_of_somebody_new_is_the_same_job_when_they_are_there(
    client: TestClient, services: ApiServices
) -> None:
    body = {"kind": "enrol", "person": " Ana  Maria ", **in_json(jpeg())}
    wait = {"Prefer": "respond-async, wait=60"}
    first = client.put("jobs/mine", json=body, headers=wait)
    assert (first.status_code, first.json()["state"]) == (200, "succeeded")
    assert client.put("jobs/mine", json=body).json()["id"] == first.json()["id"]
    named = {**body, "person": "ana-maria"}
    assert client.put("jobs/other", json=named, headers=wait).json()["person"] == "Ana Maria"
    assert client.get("people").json()["total"] == 1


def test_put_again_is_the_same_job_whatever_defaults_have_become(
    new_client: NewClient, services: ApiServices, gate: Gate
) -> None:
    services.studio.library.create_or_get("Ana", "fcsks")
    body = {"kind": "train", "person": "ana", "train": {"rank": 8, "max_train_steps": 5}}
    first = new_client().put("jobs/mine", json=body).json()
    later = new_client(defaults=lambda kind: replace(kind(), **CHANGED.get(kind, {})))
    assert later.put("jobs/mine", json=body).json()["id"] == first["id"]
    turned = json.dumps(dict(reversed(body.items())), indent=2)
    headers = {"Content-Type": "application/json"}
    again = later.put("jobs/mine", content=turned, headers=headers)
    assert again.json()["id"] == first["id"], "order and layout say nothing"
    for other in ({"train": {"rank": 8}}, {"priority": 1}, {"prepare": {}}):
        assert later.put("jobs/mine", json={**body, **other}).status_code == 409, other


def test_put_again_finds_who_was_renamed(
    client: TestClient, services: ApiServices, gate: Gate
) -> None:
    services.studio.library.create_or_get("Ana", "fcsks")
    body = {"kind": "train", "person": "ana"}
    first = client.put("jobs/mine", json=body).json()
    client.patch("people/ana", json={"name": "Eva"})
    again = client.put("jobs/mine", json=body)
    assert (again.status_code, again.json()["id"]) == (202, first["id"])


def test_a_form_asks_for_the_same_as_json(client: TestClient) -> None:
    prepare = {"trigger_word": "anna"}
    first = client.put("jobs/mine", json={**CHECK, "prepare": prepare}).json()
    photos = [("photos", ("a.jpg", b"no photo"))]
    for kind in ("check", '"check"'):
        parts = [("kind", (None, kind)), ("prepare", (None, json.dumps(prepare)))]
        assert client.put("jobs/mine", files=[*parts, *photos]).json()["id"] == first["id"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("jobs/a%20b", CHECK, "job"),
        (f"jobs/{'a' * 101}", CHECK, "job"),
        ("jobs/a", {"kind": "check"}, "photos"),
        ("jobs/a", {"kind": "enrol", "person": "Ana"}, "photos"),
        ("jobs/a", {"kind": "sing"}, "kind"),
        ("jobs/a", {**CHECK, "person": "Ana"}, "person"),
        ("jobs/a", {**CHECK, "train": {}}, "train"),
        ("jobs/a", {**CHECK, "priority": 101}, "priority"),
        ("jobs/a", {"kind": "resume"}, "person"),
        ("jobs/a", {"kind": "train", "person": "Ana", "train": {"rank": 0}}, "train.rank"),
        ("jobs/a", {"kind": "portraits", "portrait": {"seed": "x"}}, "portrait.seed"),
        ("jobs/a", {"kind": "template", "cast": {"1": "ana"}}, "photos"),
        ("jobs/a", {"kind": "template", **PICTURE}, "cast"),
        ("jobs/a", {"kind": "template", **PICTURE, "cast": {"one": "ana"}}, "cast"),
        ("jobs/a", {"kind": "template", **PICTURE, "cast": {"1": 2}}, "cast.1"),
        ("jobs/a", {"kind": "template", **PICTURE, "template": {"mask": "x"}}, "template.mask"),
        ("jobs/a", {"kind": "template", **PICTURE, "words": "a pair"}, "words"),
        ("jobs/a", {"kind": "template", "words": "a pair"}, "who"),
        ("jobs/a", {"kind": "template", "templates": ["gone"]}, "templates"),
        ("jobs/a", {"kind": "template", "templates": ["x"] * 101}, "templates"),
        ("jobs/a", {"kind": "template", "templates": 5}, "templates"),
        ("jobs/a", {**CHECK, "who": ["ana"]}, "who"),
        ("jobs/a", {**CHECK, "cast": {"1": "ana"}}, "cast"),
        ("jobs/a", {"kind": "talk", "talk": {"text": "Hello"}}, "person"),
        ("jobs/a", {"kind": "talk", "photos": PICTURE["photos"] * 2}, "photos"),
        ("jobs/a", {"kind": "talk", "person": "Ana", "talk": {"speed": 9}}, "talk.speed"),
        ("jobs/a", {"kind": "talk", "person": "Ana", "portrait": {"count": 1}}, "portrait"),
        ("jobs/a", {"kind": "try-on", **PICTURE}, "photos"),
        ("jobs/a", {"kind": "try-on", **PICTURE, "try_on": {"way": "thrown"}}, "try_on.way"),
        ("jobs/a", {"kind": "try-on", **PICTURE, "template": {}}, "template"),
        ("jobs/a", {"kind": "keep_look", "name": "Rain"}, "photos"),
        ("jobs/a", {"kind": "train_style", **PICTURE}, "name"),
        ("jobs/a", {"kind": "train_style", "name": "Rain", "person": "Ana"}, "person"),
        ("jobs/a", {"kind": "train_style", "name": "Rain", "style": {"rank": 0}}, "style.rank"),
        ("jobs/a", {"kind": "keep_look", "name": "Rain", **PICTURE, "resume": True}, "resume"),
        ("jobs/a", {"kind": "train_style", "name": "R", **PICTURE, "resume": True}, "resume"),
        (
            "jobs/a",
            {"kind": "train_style", "name": "R", **PICTURE, "captions": {"x": ""}},
            "captions",
        ),
    ],
)
def test_a_job_that_cannot_be_is_refused(
    client: TestClient, path: str, body: object, field: str
) -> None:
    response = client.put(path, json=body)
    assert (response.status_code, problem(response)["field"]) == (422, field)


def test_people_come_into_a_template(
    client: TestClient, services: ApiServices, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"kind": "template", **PICTURE, "cast": {"2": "ana"}, "template": {"count": 3}}
    refused = client.put("jobs/t", json=asked)
    assert (refused.status_code, problem(refused)["type"]) == (404, "person_not_found")
    client.post("people", json={"name": "Ana"})
    assert "no face 2" in problem(client.put("jobs/t", json=asked))["message"]
    untrained = problem(client.put("jobs/t", json={**asked, "cast": {"1": "ana"}}))
    assert "no trained LoRA" in untrained["message"]
    monkeypatch.setattr(MakeTemplate, "require", lambda work, studio: None)
    ticket = client.put("jobs/t", json=asked).json()
    assert (ticket["kind"], ticket["title"]) == ("template", "Template with Ana")
    assert ticket["links"]["result"].endswith(f"/portraits/{ticket['id']}")
    record = services.jobs.books.jobs.record(ticket["id"])
    assert record is not None
    assert record.work["cast"] == {"2": "Ana"}
    assert record.work["template"]["count"] == 3
    assert client.get(f"portraits/{ticket['id']}").json()["portraits"] == []
    assert [job["id"] for job in client.get("jobs?kind=template").json()["jobs"]] == [ticket["id"]]
    parts = [("kind", (None, "template")), ("cast", (None, '{"2": "ana"}'))]
    form = [*parts, ("photos", ("group.jpg", jpeg(), "image/jpeg"))]
    by_form = client.put("jobs/form", files=form)
    assert (by_form.status_code, by_form.json()["kind"]) == (202, "template"), by_form.text


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_a_template_is_one_sentence(
    client: TestClient, services: ApiServices, bad: Bad
) -> None:
    for name in ("Ana", "Ben"):
        client.post("people", json={"name": name})
    cast = {str(number): name for number, name in bad.cast.items()}
    parts = [("kind", (None, "template")), ("cast", (None, json.dumps(cast)))]
    form = [*parts, ("photos", (f"bad{bad.suffix}", bad.content))]
    answer = client.put("jobs/t", files=form)
    assert answer.status_code == 422
    assert bad.told in problem(answer)["message"]
    assert services.jobs.all() == []
    assert not [*services.studio.host.paths.output_dir.rglob("*.png")]


def test_templates_are_listed_and_used_by_their_names(
    client: TestClient, services: ApiServices, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = client.get("templates").json()["templates"][:2]
    assert not first["own"]
    assert first["faces"] >= 1
    words = client.get("templates", params={"words": first["title"]}).json()["templates"]
    assert first["name"] in [each["name"] for each in words]
    picture = client.get(f"templates/{first['name']}/picture")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert client.get("templates/gone/picture").status_code == 404
    client.post("people", json={"name": "Ana"})
    monkeypatch.setattr(MakeTemplate, "require", lambda work, studio: None)
    names = [first["name"], second["name"]]
    asked = {"kind": "template", "templates": names, "cast": {"1": "ana"}}
    ticket = client.put("jobs/t", json=asked).json()
    record = services.jobs.books.jobs.record(ticket["id"])
    assert record is not None
    assert record.work["further"] == [{"1": "Ana"}]
    uploads = [path.name for path in services.jobs.books.files.uploads(ticket["id"])]
    assert uploads == [f"{name}.jpg" for name in names]
    both = {**asked, "who": ["ana"]}
    assert problem(client.put("jobs/u", json=both))["field"] == "cast"
    drawn = {"kind": "template", "words": "a woman in a park", "who": ["ana"]}
    ticket = client.put("jobs/w", json=drawn).json()
    record = services.jobs.books.jobs.record(ticket["id"])
    assert record is not None
    assert (record.work["words"], record.work["who"]) == ("a woman in a park", ["Ana"])


def test_templates_of_ones_own_are_not_shown_where_people_have_owners(
    client: TestClient, new_client: NewClient, services: ApiServices
) -> None:
    services.studio.gallery.add(jpeg(), ".jpg", "Family")
    assert "family" in [each["name"] for each in client.get("templates").json()["templates"]]
    owned = new_client(auth=Named(), config=replace(ApiConfig(), owners=True))
    owned.headers["X-User"] = "ana"
    assert "family" not in [each["name"] for each in owned.get("templates").json()["templates"]]
    assert owned.get("templates/family/picture").status_code == 404
    body = {"kind": "template", "templates": ["family"]}
    assert problem(owned.put("jobs/t", json=body))["field"] == "templates"


def test_a_portrait_speaks(
    client: TestClient, services: ApiServices, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"kind": "talk", "person": "ana", "talk": {"text": "Hello"}}
    assert client.put("jobs/t", json=asked).status_code == 404
    client.post("people", json={"name": "Ana"})
    monkeypatch.setattr(Talk, "require", lambda work, studio: None)
    ticket = client.put("jobs/t", json=asked).json()
    assert (ticket["kind"], ticket["title"]) == ("talk", "A talking portrait of Ana")
    assert ticket["links"]["result"].endswith(f"/videos/{ticket['id']}")
    told = client.get(f"videos/{ticket['id']}").json()
    assert (told["link"], told["frames"]) == (None, None)
    assert client.get(f"videos/{ticket['id']}/file").status_code == 404
    anybody = {"kind": "talk", **PICTURE, "talk": {"text": "Hello"}}
    record = services.jobs.books.jobs.record(client.put("jobs/u", json=anybody).json()["id"])
    assert record is not None
    assert (record.person, record.work["given"]) == ("", ["portrait"])
    assert record.work["out"].endswith("talking")


def test_others_code_runs_where_the_owner_lets_callers_agree(
    client: TestClient, new_client: NewClient, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Talk, "require", lambda work, studio: None)
    asked = {"kind": "talk", **PICTURE, "talk": {"text": "Hello", "run_code": True}}
    answer = client.put("jobs/t", json=asked)
    assert answer.status_code == 422
    assert problem(answer)["field"] == "talk.run_code"
    assert new_client(config=ApiConfig(run_code=True)).put("jobs/t", json=asked).status_code == 202


def test_a_recording_is_spoken_and_goes_with_the_job(
    client: TestClient, services: ApiServices, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Talk, "require", lambda work, studio: None)
    monkeypatch.setattr(Talk, "run", lambda *_: one())
    audio = {"data": base64.b64encode(b"sound").decode(), "name": "../me.wav"}
    ticket = client.put("jobs/t", json={"kind": "talk", **PICTURE, "audio": audio}).json()
    picture = ("photos", ("photo", jpeg()))
    form = [("kind", (None, "talk")), ("audio", ("me.wav", b"sound")), picture]
    assert client.put("jobs/t", files=form).json()["id"] == ticket["id"]
    other = [("kind", (None, "talk")), ("audio", ("me.wav", b"others")), picture]
    assert client.put("jobs/t", files=other).status_code == 409
    record = services.jobs.books.jobs.record(ticket["id"])
    assert record is not None and record.work["given"] == ["portrait", "audio"]
    files = services.jobs.books.files
    _, kept = files.uploads(ticket["id"])
    assert (kept.name, kept.read_bytes()) == ("me.wav", b"sound")
    job = services.jobs.get(ticket["id"])
    assert job is not None
    gate.open.set()
    follow(job)
    until = time.monotonic() + 10
    while files.uploads(ticket["id"]) and time.monotonic() < until:
        time.sleep(0.02)
    assert files.uploads(ticket["id"]) == ()


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"kind": "check", "audio": ("a.wav", b"sound")}, "takes no audio"),
        ({"kind": "talk", "person": "Ana", "audio": "sound"}, "needs a filename"),
        ({"kind": "talk", "person": "Ana", "sound": ("a.wav", b"sound")}, "field photos or audio"),
    ],
)
def test_a_recording_that_is_out_of_place_is_refused(
    client: TestClient, parts: dict[str, Any], told: str
) -> None:
    form = {k: v if isinstance(v, tuple) else (None, v) for k, v in parts.items()}
    assert told in problem(client.put("jobs/a", files=form))["message"]
    two = [*form.items(), ("audio", ("b.wav", b"more"))]
    assert client.put("jobs/a", files=two).status_code in (413, 422)


def test_a_recording_that_is_none_is_refused_at_once(client: TestClient) -> None:
    form = {"kind": (None, "talk"), "photos": ("a.jpg", jpeg()), "audio": ("a.mp3", b"no sound")}
    refused = problem(client.put("jobs/a", files=form))
    assert refused["message"].startswith("a.mp3 is no ") and "/" not in refused["message"]


def test_a_garment_is_tried_on(client: TestClient, services: ApiServices, gate: Gate) -> None:
    two = {"photos": PICTURE["photos"] * 2}
    asked = {"kind": "try-on", **two, "try_on": {"seam": 0}}
    worn = {"kind": "try-on", **PICTURE, "try_on": {"way": "worn"}}
    assert "Say who" in problem(client.put("jobs/t", json=worn))["message"]
    ticket = client.put("jobs/t", json=asked).json()
    assert (ticket["kind"], ticket["title"]) == ("try-on", "Clothes on a photo")
    assert ticket["links"]["result"].endswith(f"/portraits/{ticket['id']}")
    record = services.jobs.books.jobs.record(ticket["id"])
    assert record is not None
    assert record.work["try_on"]["seam"] == 0
    assert client.get(f"portraits/{ticket['id']}").json()["portraits"] == []
    assert [job["id"] for job in client.get("jobs?kind=try-on").json()["jobs"]] == [ticket["id"]]


LOOK = {"photos": [{**PICTURE["photos"][0], "name": f"{n}.jpg"} for n in range(10)]}


def test_a_style_is_trained_on_pictures_and_captions(
    client: TestClient, services: ApiServices, gate: Gate
) -> None:
    few = client.put("jobs/s", json={"kind": "train_style", "name": "Rain", **PICTURE})
    assert (few.status_code, "1 picture" in problem(few)["message"]) == (422, True)
    nothing = client.put("jobs/s", json={"kind": "train_style", "name": "Rain"})
    assert nothing.status_code == 422
    captions = {"1.jpg": "a bridge"}
    asked = {"kind": "train_style", "name": "Rain", **LOOK, "captions": captions}
    ticket = client.put("jobs/s", json={**asked, "style": {"rank": 8}}).json()
    assert (ticket["kind"], ticket["title"]) == ("train_style", "Training the style Rain")
    assert ticket["links"]["result"].endswith(f"/trainings/{ticket['id']}")
    record = services.jobs.books.jobs.record(ticket["id"])
    assert record is not None
    assert record.work["captions"] == [None, "a bridge", *[None] * 8]
    assert (record.work["name"], record.work["style"]["rank"]) == ("Rain", 8)
    assert client.get(f"trainings/{ticket['id']}").json()["lora"] is None
    assert client.get(f"trainings/{ticket['id']}/samples").json()["samples"] == []


def test_pictures_of_a_look_come_as_a_form_with_their_texts(
    client: TestClient, services: ApiServices, gate: Gate
) -> None:
    parts = [("kind", (None, "keep_look")), ("name", (None, "Rain"))]
    pictures = [("photos", (f"{n}.jpg", jpeg(), "image/jpeg")) for n in range(10)]
    texts = [("photos", ("3.txt", b"a street", "text/plain"))]
    answer = client.put("jobs/k", files=[*parts, *pictures, *texts])
    assert answer.status_code == 202, answer.text
    record = services.jobs.books.jobs.record(answer.json()["id"])
    assert record is not None
    assert record.work["captions"] == [*[None] * 3, "a street", *[None] * 6]


def test_where_users_are_apart_nobodys_pictures_are_trained_on(new_client: NewClient) -> None:
    client = new_client(auth=Named(), config=ApiConfig(owners=True))
    for more in ({}, {"resume": True}):
        answer = client.put("jobs/s", json={"kind": "train_style", "name": "Rain", **more})
        assert (answer.status_code, problem(answer)["field"]) == (422, "photos")


def test_jobs_of_nobody_are_refused(client: TestClient) -> None:
    for kind in ("train", "resume", "portraits"):
        response = client.put("jobs/a", json={"kind": kind, "person": "nobody"})
        assert (response.status_code, problem(response)["type"]) == (404, "person_not_found")
    client.post("people", json={"name": "Ana"})
    assert client.put("jobs/a", json={"kind": "resume", "person": "ana"}).status_code == 422


def test_waiting_ends_with_the_job_or_with_patience(
    client: TestClient, services: ApiServices, gate: Gate
) -> None:
    early = client.put("jobs/a", json=CHECK, headers={"Prefer": "wait=0"})
    assert early.status_code == 202
    assert early.headers["preference-applied"] == "wait=0"
    assert early.json()["position"] == 1
    for odd in ("wait", "wait=x", "wait=-1", "await=3", "return=minimal"):
        assert "preference-applied" not in client.get("jobs/a", headers={"Prefer": odd}).headers
    gate.open.set()
    late = client.get("jobs/a", headers={"Prefer": "wait=60"})
    assert (late.status_code, late.json()["state"]) == (200, "succeeded")


def test_who_asks_for_too_much_is_told_when_to_come_back(
    client: TestClient, services: ApiServices, gate: Gate
) -> None:
    services.jobs.config = lambda: JobsConfig(most_queued=1)
    assert client.put("jobs/a", json=CHECK).status_code == 202
    full = client.put("jobs/b", json=CHECK)
    assert (full.status_code, problem(full)["type"]) == (429, "too_many")
    assert int(full.headers["retry-after"]) >= 1
    assert client.put("jobs/a", json=CHECK).status_code == 202, "one that is there is no more"


def test_jobs_of_others_are_not_there(new_client: NewClient, services: ApiServices) -> None:
    client = new_client(auth=Named(), config=replace(ApiConfig(), owners=True))
    ana, bob = {"X-User": "ana"}, {"X-User": "bob"}
    job = client.put("jobs/mine", json=CHECK, headers=ana).json()["id"]
    follow(services.jobs.submit(work("other", one), owner="bob"))
    for path in (job, "mine", f"{job}/events"):
        assert client.get(f"jobs/{path}", headers=bob).status_code == 404
    for path in (f"checks/{job}", f"trainings/{job}", f"portraits/{job}"):
        assert client.get(path, headers=bob).status_code == 404
    assert client.post(f"jobs/{job}/cancel", headers=bob).status_code == 404
    assert [each["id"] for each in client.get("jobs", headers=ana).json()["jobs"]] == [job]
    listed = client.get("events", headers={**bob, "Accept": "application/json"}).json()
    assert listed["events"]
    assert job not in {event["job"] for event in listed["events"]}
    assert client.put("jobs/mine", json=CHECK, headers=bob).json()["id"] != job
    assert client.get("jobs", params={"before": job}, headers=bob).status_code == 422


def test_photos_are_checked_and_not_kept(client: TestClient) -> None:
    files = [("photos", ("me.jpg", jpeg())), ("photos", ("no.jpg", b"no photo"))]
    begun = client.post("checks", files=files, headers={"Prefer": "wait=60"})
    assert begun.status_code == 200, begun.text
    result = client.get(ORIGIN + begun.json()["links"]["result"]).json()
    assert result["accepted"] == 1
    verdicts = {photo["photo"]: photo["accepted"] for photo in result["photos"]}
    assert verdicts == {"me.jpg": True, "no.jpg": False}
    assert client.get("people").json()["total"] == 0
    assert client.post("checks", json={"photos": []}).status_code == 422


def test_who_asks_again_before_anything_changes_costs_no_look_into_the_books(
    client: TestClient, services: ApiServices, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facechain_ext.api.jobs.LOOK_AGAIN", 1e9)
    monkeypatch.setattr(Database, "changes", 7)  # whatever the job at work does meanwhile
    job, looks = queued(services, 1)[0], list[str]()
    record = JobStore.record

    def counted(store: JobStore, job_id: str) -> JobRecord | None:
        looks.append(job_id)
        return record(store, job_id)

    monkeypatch.setattr(JobStore, "record", counted)
    asked = [client.get(f"jobs/{job.id}").json() for _ in range(3)]
    assert (asked[0], looks) == (asked[2], [job.id])
    job.cancel()
    monkeypatch.setattr(Database, "changes", 8)
    assert client.get(f"jobs/{job.id}").json()["state"] == "canceled"


def test_what_another_process_changes_is_seen_by_who_asks_again(
    client: TestClient, services: ApiServices, gate: Gate
) -> None:
    job, folder = queued(services, 1)[0], services.jobs.books.database.folder
    assert client.get(f"jobs/{job.id}").json()["title"] == "0"
    with closing(sqlite3.connect(folder / FILE)) as other, other:
        other.execute("UPDATE jobs SET title = 'changed' WHERE id = ?", (job.id,))
    until = time.monotonic() + 60
    while client.get(f"jobs/{job.id}").json()["title"] != "changed":
        assert time.monotonic() < until


def test_every_kind_of_job_can_be_asked_for() -> None:
    assert set(get_args(JobKind)) == set(KINDS) == set(TAKES) == set(RESULTS) | {"check", "enrol"}
