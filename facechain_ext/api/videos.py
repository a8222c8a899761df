"""Portraits that speak: look at what came of a job, get the video."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from starlette.responses import FileResponse

from facechain_ext.api.errors import NotFound, without_paths
from facechain_ext.api.operation import Call, Media, Operation
from facechain_ext.api.schema import told
from facechain_ext.api.tickets import JOB, JobTicket, job_at, last_event, ticket

KIND, FINISHED = "talk", "video"
TYPES = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".gif": "image/gif",
    ".webp": "image/webp",
}


@dataclass(frozen=True)
class Video:
    """A portrait that speaks."""

    job: JobTicket = told("The job.")
    name: str | None = told("What the file is called; how it ends tells its format.")
    link: str | None = told("The video's address, once it is there.")
    length: float | None = told("Seconds that it lasts.")
    frames: int | None = told("Pictures that it is made of.")
    sound: bool | None = told("Whether the speech can be heard in it.")
    teeth: str | None = told('Whose are shown: of the "portrait", another "photo", or "painted".')
    notes: tuple[str, ...] = told("What was asked for and could not be had.")
    seconds: dict[str, float] = told("How long each part took.")


def get_video(call: Call) -> Video:
    record = job_at(call, KIND)
    data = last_event(call, record, FINISHED)
    if data is None:
        return Video(ticket(call, record), None, None, None, None, None, None, (), {})
    path = Path(data["saved"])
    return Video(
        job=ticket(call, record),
        name=path.name if path.is_file() else None,
        link=call.link("videos", record.id, "file") if path.is_file() else None,
        **{name: data[name] for name in ("length", "frames", "sound", "teeth", "seconds")},
        notes=tuple(map(without_paths, data["notes"])),
    )


def get_video_file(call: Call) -> FileResponse:
    data = last_event(call, job_at(call, KIND), FINISHED)
    path = Path(data["saved"]) if data else None
    if path is None or not path.is_file():
        raise NotFound("There is no video of this job, or it was deleted.")
    return FileResponse(path, media_type=TYPES[path.suffix.lower()], filename=path.name)


OPERATIONS = (
    Operation(
        "GET",
        "/videos/{job}",
        get_video,
        "Look at a portrait that speaks",
        "videos",
        {200: Video},
        help="A job of the kind `talk` makes one, begun under an id of your own.",
        parts=JOB,
    ),
    Operation(
        "GET",
        "/videos/{job}/file",
        get_video_file,
        "Get the video",
        "videos",
        {200: tuple(Media(kind, "The video.") for kind in TYPES.values())},
        parts=JOB,
    ),
)
