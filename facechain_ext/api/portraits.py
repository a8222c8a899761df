"""Portraits: begin, look at, get."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse

from facechain_ext.api.errors import NotFound, without_paths
from facechain_ext.api.operation import Call, Media, Operation
from facechain_ext.api.people import SLUG
from facechain_ext.api.schema import told
from facechain_ext.api.starts import JobOptions, submitted
from facechain_ext.api.tickets import JOB, JobTicket, job_at, last_event, ticket
from facechain_ext.api.training_facts import PNG
from facechain_ext.api.trainings import JobsOfPerson, jobs_of_person
from facechain_ext.api.visible import known_as, person_at
from facechain_ext.api.waiting import PREFER, answering
from facechain_ext.base.records import Rejection
from facechain_ext.config import PortraitConfig
from facechain_ext.config.option import Validated, option
from facechain_ext.jobs.record import JobRecord
from facechain_ext.jobs.works import MakePortraits

KIND, TEMPLATE, TRY_ON = "portraits", "template", "try-on"


@dataclass(frozen=True, kw_only=True)
class NewPortraits(JobOptions):
    """Portraits to make."""

    portrait: PortraitConfig = told("How they are made.", default=PortraitConfig())


@dataclass(frozen=True)
class PicturesIn(Validated):
    """Whether pictures come with it."""

    pictures: bool = option(
        False, label="Pictures", help="Put the ranked pictures into the answer, in base64."
    )


@dataclass(frozen=True)
class PortraitPicture:
    """A picture that was drawn."""

    name: str = told("Its name; events call it so, too.")
    link: str = told("Its address.")
    likeness: float | None = told("Cosine similarity to the photos, -1..1.")
    rejection: Rejection | None = told("Why it was not ranked.")
    seed: int = told("The seed that it was drawn with.")
    infotext: str = told("Everything that is needed to draw it again; it is in the file, too.")
    fusion_note: str | None = told("Why the photo's face was blended in less than asked for.")
    data: str | None = told("The PNG file in base64, where that was asked for.")


@dataclass(frozen=True)
class Portraits:
    """Portraits, best first."""

    job: JobTicket = told("The job.")
    portraits: tuple[PortraitPicture, ...] = told("The ranked ones, best first.")
    spare: tuple[PortraitPicture, ...] = told("Good ones beyond the count.")
    rejected: tuple[PortraitPicture, ...] = told("Those that were set aside, with the reason.")
    notes: tuple[str, ...] = told("What was asked for and could not be had.")
    stopped: str | None = told("Why it ended too early.")
    seconds: dict[str, float] = told("How long each part took.")


def start_portraits(call: Call) -> JobRecord:
    person = known_as(call, person_at(call))
    return submitted(call, MakePortraits(person, call.body.portrait))


def list_portraits(call: Call) -> JobsOfPerson:
    return jobs_of_person(call, KIND)


def get_portraits(call: Call) -> Portraits:
    record = job_at(call, KIND, TEMPLATE, TRY_ON)
    data = last_event(call, record, KIND)
    if data is None:
        return Portraits(ticket(call, record), (), (), (), (), None, {})
    inline = call.query.pictures
    return Portraits(
        job=ticket(call, record),
        portraits=tuple(_pictures(call, record, data["ranked"], inline)),
        spare=tuple(_pictures(call, record, data["spare"])),
        rejected=tuple(_pictures(call, record, data["rejected"])),
        notes=tuple(map(without_paths, data["notes"])),
        stopped=data["stopped"] or None,
        seconds=data["seconds"],
    )


def _pictures(
    call: Call, record: JobRecord, drawn: list[dict[str, Any]], inline: bool = False
) -> Iterator[PortraitPicture]:
    for facts in drawn:
        name = facts["picture"]
        path = _folder(call, record) / name
        if path.is_file():
            yield PortraitPicture(
                name=name,
                link=call.link(KIND, record.id, "pictures", name),
                likeness=facts["similarity"],
                rejection=None if facts["rejection"] is None else Rejection(facts["rejection"]),
                seed=facts["seed"],
                infotext=facts["infotext"],
                fusion_note=facts["fusion_note"],
                data=base64.b64encode(path.read_bytes()).decode("ascii") if inline else None,
            )


def _folder(call: Call, record: JobRecord) -> Path:
    return call.services.jobs.books.folder(record.id)


def get_portrait(call: Call) -> FileResponse:
    """Answer with a picture by its name, or a ranked one by its place."""
    record, wanted = job_at(call, KIND, TEMPLATE, TRY_ON), call.path["name"]
    data = last_event(call, record, KIND) or {"ranked": [], "spare": [], "rejected": []}
    names = {str(place): each["picture"] for place, each in enumerate(data["ranked"], 1)}
    for group in ("ranked", "spare", "rejected"):
        names |= {each["picture"]: each["picture"] for each in data[group]}
    if wanted not in names or not (_folder(call, record) / names[wanted]).is_file():
        raise NotFound(f"There is no picture {wanted[:60]!a} here.")
    return FileResponse(_folder(call, record) / names[wanted], media_type=PNG)


OPERATIONS = (
    Operation(
        "POST",
        "/people/{slug}/portraits",
        answering(start_portraits),
        "Make portraits",
        "portraits",
        {202: JobTicket, 200: JobTicket},
        help="Drawn, judged and ranked; what is left out of `portrait` is as the user set it.",
        body=NewPortraits,
        parts=SLUG,
        headers=(PREFER,),
        example={"portrait": {"style": "portrait", "prompt": "in a garden", "count": 4}},
        errors=(409,),
    ),
    Operation(
        "GET",
        "/people/{slug}/portraits",
        list_portraits,
        "List a person's portraits",
        "portraits",
        {200: JobsOfPerson},
        help="The jobs that made them, as long as these are kept.",
        parts=SLUG,
        errors=(409, 422),
    ),
    Operation(
        "GET",
        "/portraits/{job}",
        get_portraits,
        "Look at portraits",
        "portraits",
        {200: Portraits},
        help="Empty until they are ranked. Of a template likewise: whole pictures, best first.",
        query=PicturesIn,
        parts=JOB,
    ),
    Operation(
        "GET",
        "/portraits/{job}/pictures/{name}",
        get_portrait,
        "Get a portrait",
        "portraits",
        {200: Media(PNG, "The picture, with its infotext.")},
        parts={**JOB, "name": "Its name, or the place of a ranked one: 1 is the best."},
    ),
)
