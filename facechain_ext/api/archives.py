"""People as zip files: out of the library and into one."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import FileResponse

from facechain_ext.api.operation import Answer, Call, Media, Operation
from facechain_ext.api.people import SLUG, created
from facechain_ext.api.person_facts import PersonDetail
from facechain_ext.api.visible import known_as, person_at
from facechain_ext.config.option import Validated, option
from facechain_ext.library.names import LONGEST_NAME

ZIP = "application/zip"


@dataclass(frozen=True)
class ImportName(Validated):
    """Under which name to take somebody in."""

    name: str = option(
        "", label="Name", longest=LONGEST_NAME, help="Instead of the one in the export."
    )


def export_person(call: Call) -> FileResponse:
    person = person_at(call)
    assert call.folder is not None
    archive = call.folder / f"{person.slug}.zip"
    call.services.studio.library.export(known_as(call, person), archive)
    return FileResponse(archive, media_type=ZIP, filename=archive.name)


def import_person(call: Call) -> Answer:
    return created(call, call.services.studio.import_person(call.body, call.query.name))


OPERATIONS = (
    Operation(
        "GET",
        "/people/{slug}/export",
        export_person,
        "Get all about a person as a zip file",
        "people",
        {200: Media(ZIP, "Photos, crops, trainings, LoRAs and portraits.")},
        parts=SLUG,
        needs_folder=True,
        errors=(409, 422, 507),
    ),
    Operation(
        "POST",
        "/people/import",
        import_person,
        "Take a person in from an export",
        "people",
        {201: PersonDetail},
        help="The body is the zip file itself.",
        query=ImportName,
        raw=Media(ZIP, "What an export gave."),
        most_bytes=lambda services: services.config.max_archive_mb * 2**20,
        errors=(409, 507),
    ),
)
