"""A person's photos and captions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from starlette.responses import FileResponse, Response

from facechain_ext.api.errors import without_paths
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
from facechain_ext.config.setting import LONGEST_TEXT
from facechain_ext.imaging.encode import encode_jpeg
from facechain_ext.imaging.files import read_photo
from facechain_ext.imaging.thumbnail import shrunk
from facechain_ext.jobs.record import JobRecord
from facechain_ext.jobs.works import Enrol
from facechain_ext.library.person import Person
from facechain_ext.library.verdicts import PhotoVerdict
from facechain_ext.studio.uploads import MOST_PHOTOS

JPEG, PNG = "image/jpeg", "image/png"
CROP = Media(PNG, "The crop.")
STEM = {**SLUG, "stem": "The photo's id: `stem` in the list."}


@dataclass(frozen=True, kw_only=True)
class NewPhotos(JobOptions):
    """Photos of one person."""

    photos: tuple[PhotoUpload, ...] = told("Five to fifteen are good.", least=1, most=MOST_PHOTOS)
    add: bool = told(
        "Whether they come beside the photos that are there; else they take their place.",
        default=True,
    )
    prepare: PrepareConfig = told("How they become training pictures.", default=PrepareConfig())


@dataclass(frozen=True)
class PhotoEntry:
    """A photo that was added, and what was said of it."""

    stem: str | None = told("The id in addresses and of its caption; null: it was not kept.")
    name: str = told("What the file was called.")
    accepted: bool = told("Whether it is trained on.")
    reason: str | None = told("Why it is not, as one word.")
    message: str = told("The same as a sentence.")
    links: dict[str, str] = told("The photo and a small one, where there are any.")


@dataclass(frozen=True)
class PhotoList:
    """A person's photos, those too that were not kept."""

    photos: tuple[PhotoEntry, ...] = told("In the order in which they were added.")


@dataclass(frozen=True)
class ThumbnailSize(Validated):
    """How large a thumbnail is."""

    size: int = option(
        256, label="Size", unit="px", minimum=16, maximum=1024, help="The longer side."
    )


@dataclass(frozen=True)
class Captions:
    """What training pictures show, in words."""

    captions: dict[str, str] = told("By the stem of the crop.", most=1000, longest=LONGEST_TEXT)


def add_photos(call: Call) -> JobRecord:
    """Judge photos, and keep those that can be trained on."""
    person = person_at(call)
    if not call.photos:
        raise BadField("photos", "There are no photos in this.")
    asked: NewPhotos = call.body
    work = Enrol(person.manifest.name, call.photos, asked.prepare, asked.add)
    return submitted(call, work)


def list_photos(call: Call) -> PhotoList:
    return _photos(call, person_at(call))


def delete_photo(call: Call) -> PhotoList:
    """Delete a photo with its crop and caption; answers with those that are left."""
    person, stem = person_at(call), call.path["stem"]
    file_of(person.captions(), stem, "photo")
    return _photos(call, person.delete_photo(stem))


def _photos(call: Call, person: Person) -> PhotoList:
    return PhotoList(tuple(_photo(call, person, verdict) for verdict in person.verdicts()))


def _photo(call: Call, person: Person, verdict: PhotoVerdict) -> PhotoEntry:
    links = {}
    if verdict.stem is not None:
        own = call.link("people", person.slug, "photos", verdict.stem)
        links = {"self": own, "thumbnail": f"{own}/thumbnail"}
    return PhotoEntry(
        stem=verdict.stem,
        name=verdict.name,
        accepted=verdict.accepted,
        reason=verdict.reason.value if verdict.reason else None,
        message=without_paths(verdict.message),
        links=links,
    )


def get_photo(call: Call) -> FileResponse:
    """Answer with the photo, or with its crop where the photo itself was not kept."""
    path = _photo_at(call)
    return FileResponse(path, media_type=JPEG if path.suffix == ".jpg" else PNG)


def get_thumbnail(call: Call) -> Response:
    pixels = read_photo(_photo_at(call)).pixels
    return Response(encode_jpeg(shrunk(pixels, call.query.size), quality=85), media_type=JPEG)


def _photo_at(call: Call) -> Path:
    person = person_at(call)
    crop = file_of(person.captions(), call.path["stem"], "photo").with_suffix(".png")
    return next((path for path in person.photos() if path.stem == crop.stem), crop)


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
        "GET",
        "/people/{slug}/photos",
        list_photos,
        "List a person's photos, with what was said of each",
        "photos",
        {200: PhotoList},
        parts=SLUG,
        errors=(409, 422),
    ),
    Operation(
        "POST",
        "/people/{slug}/photos",
        answering(add_photos),
        "Judge photos and keep those that can be trained on",
        "photos",
        {202: JobTicket, 200: JobTicket},
        headers=(PREFER,),
        help="As a form, each file is a part called `photos`, and `prepare` a part with JSON.",
        body=NewPhotos,
        photos=True,
        parts=SLUG,
        most_bytes=lambda services: services.config.max_upload_mb * 2**20,
        example={
            "photos": [{"name": "beach.jpg", "data": "/9j/4AAQSkZJRgABAQAAAQ=="}],
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
        {200: (Media(JPEG, "The photo as it is kept: upright, without EXIF."), CROP)},
        help="Where the photos themselves are not kept it is the crop, a PNG.",
        parts=STEM,
        errors=(409, 422),
    ),
    Operation(
        "DELETE",
        "/people/{slug}/photos/{stem}",
        delete_photo,
        "Delete a photo, its crop and its caption",
        "photos",
        {200: PhotoList},
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
