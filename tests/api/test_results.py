"""What trainings and portraits came to, over HTTP: curves, samples, LoRA, ranked pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from facechain_ext.api.services import ApiServices
from facechain_ext.base.errors import Cancelled
from facechain_ext.base.events import (
    Event,
    Filming,
    PortraitsFinished,
    Preview,
    Step,
    TrainingFinished,
    VideoFinished,
)
from facechain_ext.base.records import LoraFile, Portrait, Rejection, Score
from tests.api.conftest import ORIGIN, follow, problem
from tests.jobs.told import submit, work

GREY = np.full((8, 8, 3), 128, np.uint8)


def step(number: int, loss: float) -> Step:
    return Step(number, 4, loss, 1e-4, 1.0, 1.0)


@pytest.fixture
def lora(services: ApiServices) -> Path:
    folder = services.studio.host.paths.lora_dir
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "ana.safetensors"
    path.write_bytes(b"weights")
    return path


def test_a_training_that_went_on_shows_all_of_itself(
    client: TestClient, services: ApiServices, lora: Path
) -> None:
    def first() -> Iterator[Event]:
        yield from (step(1, 0.5), step(2, 0.4), step(3, float("nan")))
        raise Cancelled("Stopped.")

    def second() -> Iterator[Event]:
        yield from (step(3, 0.3), step(4, 0.2), Preview(4, (GREY, GREY), (0.5, None)))
        yield TrainingFinished(LoraFile(lora, "fcsks", "abc", 1.0, "ana"), (4,), 0.25, {"train": 1})

    follow(submit(services.jobs, "begin", first, person="Ana"))
    job = follow(submit(services.jobs, "go on", second, person="Ana", kind="resume"))
    training = client.get(f"trainings/{job.id}").json()
    assert (training["lora"], training["likeness"], training["steps"]) == ("ana", 0.25, [4])
    links = training["links"]
    curves = client.get(ORIGIN + links["curves"]).json()
    assert curves["loss"] == {"steps": [1, 2, 3, 4], "values": [0.5, 0.4, 0.3, 0.2]}
    assert curves["likeness"] == {"steps": [4], "values": [0.25]}
    assert curves["total"] == 4
    (sample,) = client.get(ORIGIN + links["samples"]).json()["samples"]
    assert [picture["likeness"] for picture in sample["pictures"]] == [0.5, None]
    picture = client.get(ORIGIN + sample["pictures"][0]["link"])
    assert Image.open(io.BytesIO(picture.content)).size == (8, 8)
    assert client.get(ORIGIN + links["lora"]).content == b"weights"
    lora.unlink()
    assert client.get(ORIGIN + links["lora"]).status_code == 404
    assert client.get(f"portraits/{job.id}").status_code == 404, "it is a training"


def test_a_styles_training_that_went_on_shows_all_of_itself(
    client: TestClient, services: ApiServices
) -> None:
    """The jobs of every style are nobody's, so that others' come between."""

    def train(style: str, run: str, *losses: tuple[int, float]) -> str:
        steps = [step(*loss) for loss in losses]
        told = work(f"train {style}", lambda: iter(steps), kind="train_style")
        return follow(services.jobs.submit(replace(told, name=style, run_name=run))).id

    train("Ink", "", (1, 0.9), (2, 0.9))
    train("Ink", "", (1, 0.5), (2, 0.4))
    train("Oil", "", (1, 0.8))
    train("Ink", "monday", (2, 0.3), (3, 0.2))
    train("Oil", "tuesday", (2, 0.7))
    last = train("Ink", "monday", (4, 0.1))
    curves = client.get(f"trainings/{last}/curves").json()
    assert curves["loss"] == {"steps": [1, 2, 3, 4], "values": [0.5, 0.3, 0.2, 0.1]}


def test_a_training_that_has_shown_nothing_is_empty(
    client: TestClient, services: ApiServices
) -> None:
    job = follow(submit(services.jobs, "nothing", lambda: iter(())))
    assert client.get(f"trainings/{job.id}").json()["lora"] is None
    assert client.get(f"trainings/{job.id}/curves").json()["total"] is None
    assert client.get(f"trainings/{job.id}/samples").json() == {"samples": []}
    for path in ("lora", "samples/step-000001-0.png", "samples/..%2f..%2fjobs.sqlite3"):
        assert client.get(f"trainings/{job.id}/{path}").status_code == 404


def portrait(seed: int, likeness: float | None, rejection: Rejection | None = None) -> Portrait:
    return Portrait(GREY, Score(likeness, rejection), seed, f"a face\nSeed: {seed}")


def test_portraits_come_ranked_with_scores_and_infotext(
    client: TestClient, services: ApiServices
) -> None:
    def draw() -> Iterator[Event]:
        yield PortraitsFinished(
            (portrait(7, 0.9), portrait(8, 0.8)),
            (portrait(9, 0.7),),
            (portrait(10, None, Rejection.NO_FACE),),
            {"generate": 1.0},
            ("The style of /srv/x/y.txt is not there.",),
        )

    job = follow(submit(services.jobs, "draw", draw, person="Ana", kind="portraits"))
    result = client.get(f"portraits/{job.id}?pictures=true").json()
    best, other = result["portraits"]
    assert (best["likeness"], best["seed"], best["infotext"]) == (0.9, 7, "a face\nSeed: 7")
    assert result["rejected"][0]["rejection"] == "no_face"
    assert result["notes"] == ["The style of y.txt is not there."]
    assert [picture["seed"] for picture in result["spare"]] == [9]
    file = client.get(ORIGIN + best["link"]).content
    assert base64.b64decode(best["data"]) == file
    told: Any = Image.open(io.BytesIO(file))
    assert told.text["parameters"] == "a face\nSeed: 7"
    assert client.get(f"portraits/{job.id}/pictures/2").status_code == 200
    assert client.get(ORIGIN + other["link"]).content == (
        client.get(f"portraits/{job.id}/pictures/2").content
    )
    assert client.get(ORIGIN + result["rejected"][0]["link"]).status_code == 200
    assert client.get(f"portraits/{job.id}").json()["portraits"][0]["data"] is None
    for wrong in ("0", "3", "%2e%2e%2fjobs.sqlite3", "uploads"):
        assert client.get(f"portraits/{job.id}/pictures/{wrong}").status_code in (404, 405)


def test_what_cannot_be_begun_is_told_at_once(client: TestClient) -> None:
    client.post("people", json={"name": "Ana"})
    untrained = client.post("people/ana/portraits", json={"portrait": {"count": 1}})
    assert untrained.status_code == 422, "the person is there"
    assert "no trained LoRA" in problem(untrained)["message"]
    odd = client.post("people/ana/trainings", json={"train": {"rank": 0}})
    assert (odd.status_code, problem(odd)["field"]) == (422, "train.rank")
    assert client.post("people/ana/trainings/resume", json={}).status_code == 422
    for path in ("trainings", "trainings/resume", "portraits"):
        assert client.post(f"people/nobody/{path}", json={}).status_code == 404
    assert client.get("people/ana/trainings").json() == {"jobs": []}
    assert client.get("people/ana/portraits").json() == {"jobs": []}


def test_a_video_is_looked_at_and_fetched(
    client: TestClient, services: ApiServices, tmp_path: Path
) -> None:
    path = tmp_path / "talking-001.webm"
    path.write_bytes(b"a video")
    notes = (f"{tmp_path} is full.",)

    def spoken() -> Iterator[Event]:
        yield Filming(3, 3)
        yield VideoFinished(path, False, 0.12, 3, "photo", {"film": 1.5}, notes)

    job = follow(submit(services.jobs, "talk", spoken, person="Ana", kind="talk"))
    told = client.get(f"videos/{job.id}").json()
    assert (told["name"], told["length"], told["frames"]) == ("talking-001.webm", 0.12, 3)
    assert (told["sound"], told["teeth"], told["seconds"]) == (False, "photo", {"film": 1.5})
    assert str(tmp_path) not in str(told)
    file = client.get(ORIGIN + told["link"])
    assert (file.content, file.headers["content-type"]) == (b"a video", "video/webm")
    path.unlink()
    assert client.get(f"videos/{job.id}").json()["link"] is None
    assert client.get(f"videos/{job.id}/file").status_code == 404
    other = follow(submit(services.jobs, "draw", list, person="Ana", kind="portraits"))
    assert client.get(f"videos/{other.id}").status_code == 404
