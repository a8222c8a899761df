"""Photos judged without being kept, and what jobs have found of photos."""

from __future__ import annotations

from dataclasses import dataclass

from facechain_ext.api.errors import without_paths
from facechain_ext.api.operation import Call, Operation
from facechain_ext.api.reading import BadField
from facechain_ext.api.schema import told
from facechain_ext.api.starts import JobOptions, submitted
from facechain_ext.api.tickets import JOB, JobTicket, job_at, ticket
from facechain_ext.api.uploads import PhotoUpload
from facechain_ext.api.waiting import PREFER, answering
from facechain_ext.config import PrepareConfig
from facechain_ext.jobs.record import JobRecord
from facechain_ext.jobs.works import Check
from facechain_ext.studio.uploads import MOST_PHOTOS


@dataclass(frozen=True, kw_only=True)
class NewCheck(JobOptions):
    """Photos that may be of use."""

    photos: tuple[PhotoUpload, ...] = told("Of one person.", least=1, most=MOST_PHOTOS)
    prepare: PrepareConfig = told("What is asked of them.", default=PrepareConfig())


@dataclass(frozen=True)
class PhotoVerdict:
    """What was found of a photo."""

    photo: str = told("The file's name.")
    accepted: bool = told("Whether it can be trained on.")
    reason: str | None = told("Why it cannot, in snake_case.")
    message: str = told("The same for people.")


@dataclass(frozen=True)
class CheckResult:
    """What a job has found of its photos so far."""

    job: JobTicket = told("The job.")
    accepted: int = told("How many can be trained on.")
    photos: tuple[PhotoVerdict, ...] = told("In the order in which they were judged.")


def start_check(call: Call) -> JobRecord:
    """Judge photos, and keep none."""
    if not call.photos:
        raise BadField("photos", "There are no photos in this.")
    return submitted(call, Check(photos=call.photos, prepare=call.body.prepare))


def get_check(call: Call) -> CheckResult:
    record = job_at(call, "check", "enrol", "train")
    events = call.services.jobs.books.events.after(0, job=record.id)
    verdicts = tuple(
        PhotoVerdict(
            event.data["photo"],
            event.data["accepted"],
            event.data["reason"],
            without_paths(event.data["message"]),
        )
        for event in events
        if event.type == "photo"
    )
    return CheckResult(ticket(call, record), sum(v.accepted for v in verdicts), verdicts)


OPERATIONS = (
    Operation(
        "POST",
        "/checks",
        answering(start_check),
        "Judge photos, and keep none",
        "photos",
        {202: JobTicket, 200: JobTicket},
        body=NewCheck,
        photos=True,
        headers=(PREFER,),
        most_bytes=lambda services: services.config.max_upload_mb * 2**20,
        example={"photos": [{"name": "beach.jpg", "data": "/9j/4AAQSkZJRgABAQAAAQ=="}]},
        errors=(507,),
    ),
    Operation(
        "GET",
        "/checks/{job}",
        get_check,
        "Look at what a job has found of photos",
        "photos",
        {200: CheckResult},
        help="Of a check, of photos that are being kept, and of a training that brought photos.",
        parts=JOB,
    ),
)
