"""A person's photos and captions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from starlette.responses import FileResponse, Response

from facechain_ext.api.operation import Call, Media, Operation
from facechain_ext.api.people import SLUG
from facechain_ext.api.reading import BadField
from facechain_ext.api.schema import told
from facechain_ext.api.starts import JobOptions, submitted
from facechain_ext.api.tickets import JobTicket
from facechain_ext.api.uploads import PhotoUpload
from facechain_ext.api.visible import file_of, person_at
from facechain_ext.api.waiting import PREFER, answering
from facechain_ext.config import PrepareConfig
from facechain_ext.config.option import Validated, option
from facechain_ext.imaging.encode import encode_jpeg
from facechain_ext.imaging.files import read_photo, resize
from facechain_ext.jobs.record import JobRecord
from facechain_ext.jobs.works import Enrol
from facechain_ext.library.person import Person
from facechain_ext.studio.uploads import MOST_PHOTOS

JPEG = "image/jpeg"
STEM = {**SLUG, "stem": "The photo's id: `stem` in the list."}


@dataclass(frozen=True, kw_only=True)
class NewPhotos(JobOptions):
    """Photos of one person."""

    photos: tuple[PhotoUpload, ...] = told("Five to fifteen are good.", most=MOST_PHOTOS)
    prepare: PrepareConfig = told("How they become training pictures.", default=PrepareConfig())


@dataclass(frozen=True)
class ThumbnailSize(Validated):
    """How large a thumbnail is."""

    size: int = option(
        256, label="Size", unit="px", minimum=16, maximum=1024, help="The longer side."
    )


@dataclass(frozen=True)
class Captions:
    """What training pictures show, in words."""

    captions: dict[str, str] = told("By the stem of the crop.", most=1000)


def add_photos(call: Call) -> JobRecord:
    """Judge photos and keep those that can be trained on, in place of earlier ones."""
    person = person_at(call)
    if not call.photos:
        raise BadField("photos", "There are no photos in this.")
    return submitted(call, Enrol(person.manifest.name, call.photos, call.body.prepare))


def get_photo(call: Call) -> FileResponse:
    return FileResponse(_photo_at(call), media_type=JPEG)


def get_thumbnail(call: Call) -> Response:
    pixels = read_photo(_photo_at(call)).pixels
    height, width = pixels.shape[:2]
    scale = min(call.query.size / max(height, width), 1)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return Response(encode_jpeg(resize(pixels, size), quality=85), media_type=JPEG)


def _photo_at(call: Call) -> Path:
    return file_of(person_at(call).photos(), call.path["stem"], "photo")


def get_captions(call: Call) -> Captions:
    return _captions(person_at(call))


def put_captions(call: Call) -> Captions:
    person = person_at(call)
    person.set_captions(call.body.captions)
    return _captions(person)


def _captions(person: Person) -> Captions:
    return Captions({path.stem: person.caption(path) for path in person.captions()})


OPERATIONS = (
    Operation(
        "POST",
        "/people/{slug}/photos",
        answering(add_photos),
        "Judge photos and keep those that can be trained on",
        "photos",
        {202: JobTicket, 200: JobTicket},
        headers=(PREFER,),
        help="They take the place of earlier ones when all are judged. As a form, each file is a "
        "part called `photos`, and `prepare` a part with JSON.",
        body=NewPhotos,
        photos=True,
        parts=SLUG,
        most_bytes=lambda services: services.config.max_upload_mb * 2**20,
        example={
            "photos": [{"name": "beach.jpg", "data": "/9j/4AAQSkZJRgABAQ..."}],
            "prepare": {"trigger_word": "fcsks"},
        },
        errors=(409, 507),
    ),
    Operation(
        "GET",
        "/people/{slug}/photos/{stem}",
        get_photo,
        "Get a photo",
        "photos",
        {200: Media(JPEG, "The photo as it is kept: upright, without EXIF.")},
        parts=STEM,
        errors=(409, 422),
    ),
    Operation(
        "GET",
        "/people/{slug}/photos/{stem}/thumbnail",
        get_thumbnail,
        "Get a photo made small",
        "photos",
        {200: Media(JPEG, "The photo, no larger than asked for.")},
        query=ThumbnailSize,
        parts=STEM,
        errors=(409,),
    ),
    Operation(
        "GET",
        "/people/{slug}/captions",
        get_captions,
        "Get the captions of a person's training pictures",
        "photos",
        {200: Captions},
        parts=SLUG,
        errors=(409, 422),
    ),
    Operation(
        "PUT",
        "/people/{slug}/captions",
        put_captions,
        "Change captions",
        "photos",
        {200: Captions},
        help="Those that are not named stay as they are; the answer has all.",
        body=Captions,
        parts=SLUG,
        example={"captions": {"000": "fcsks, a woman in a red coat, outdoors"}},
        errors=(409,),
    ),
)
