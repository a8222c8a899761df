"""Bodies of requests: JSON, a form with files, or one file; within their limits, or refused."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal, NoReturn, get_origin, get_type_hints

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from facechain_ext.api.errors import BadRequest, UnsupportedMedia
from facechain_ext.api.forms import FormReader
from facechain_ext.api.limits import limited, too_many_bytes
from facechain_ext.api.operation import Operation
from facechain_ext.api.reading import BadField, Reader
from facechain_ext.api.services import ApiServices
from facechain_ext.api.uploads import Incoming, request_folder, uploads_dir

JSON, FORM = "application/json", "multipart/form-data"
PHOTOS, AUDIO = "photos", "audio"
FILES = (PHOTOS, AUDIO)
NO_FILES: dict[str, Any] = {PHOTOS: (), AUDIO: None}


@dataclass(frozen=True)
class Body:
    """What came: the dataclass, photos and a recording on disk, or the path of the one file.

    asked: as in a Call.
    """

    value: Any = None
    photos: tuple[Path, ...] = ()
    audio: Path | None = None
    folder: Path | None = None
    asked: str = ""


async def read_body(
    operation: Operation, services: ApiServices, request: Request, ends: ExitStack
) -> Body:
    """Read a request's body; its files go when `ends` is closed.

    Raises BadRequest, BadField, TooLarge, UnsupportedMedia.
    """
    most = operation.most_bytes(services)
    _require_length(request, most)
    request = Request(request.scope, limited(request.receive, most))
    folder = _folder(operation, services, ends)
    if operation.raw is not None:
        return Body(await _keep(request, operation, folder), folder=folder)
    if operation.body is None:
        return Body(folder=folder)
    reader = Reader(services.defaults)
    if operation.photos and _kind(request) == FORM:
        return await _read_form(request, operation, reader, Incoming(folder, services.config))
    data = await request.body()
    if data or _kind(request):  # nothing at all asks for what is usual
        _require_kind(request, (JSON, FORM) if operation.photos else (JSON,))
    given = _decoded(data) if data else {}
    value, asked = reader.read(operation.body, given), _asked(given)
    if not operation.photos:
        return Body(value, folder=folder, asked=asked)
    incoming = Incoming(folder, services.config)
    await run_in_threadpool(_keep_all, incoming, value)
    dropped = {name: NO_FILES[name] for name in _file_fields(operation)}
    return Body(replace(value, **dropped), tuple(incoming.paths), incoming.audio, folder, asked)


def _file_fields(operation: Operation) -> tuple[str, ...]:
    """Return the fields that files come in: photos, and beside them a recording for some."""
    return FILES if AUDIO in get_type_hints(operation.body) else (PHOTOS,)


def _folder(operation: Operation, services: ApiServices, ends: ExitStack) -> Any:
    if not (operation.photos or operation.raw or operation.needs_folder):
        return None
    return ends.enter_context(request_folder(uploads_dir(services.studio.host.paths)))


def _require_length(request: Request, most: int) -> None:
    told = request.headers.get("content-length", "0")
    if not (told.isascii() and told.isdecimal()):
        raise BadRequest("Content-Length is no number.")
    if len(told) > 18 or int(told) > most:
        raise too_many_bytes(most)


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _require_kind(request: Request, kinds: tuple[str, ...]) -> None:
    if _kind(request) not in kinds:
        raise UnsupportedMedia(f"The body must be {' or '.join(kinds)}; Content-Type says which.")


def _decoded(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is not JSON ({error}).") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _asked(given: dict[str, Any]) -> str:
    return json.dumps({k: v for k, v in given.items() if k not in FILES}, sort_keys=True)


def _keep_all(incoming: Incoming, value: Any) -> None:
    for photo in value.photos:
        incoming.add(photo.name, photo.data)
    if (audio := getattr(value, AUDIO, None)) is not None:
        with incoming.begin_audio(audio.name) as file:
            file.write(audio.data)
    incoming.require_pixels()


async def _keep(request: Request, operation: Operation, folder: Path) -> Path:
    """Write a body that is one file to disk."""
    assert operation.raw is not None
    _require_kind(request, (operation.raw.type,))
    path = folder / "body"
    with path.open("xb") as file:
        async for block in request.stream():
            await run_in_threadpool(file.write, block)
    return path


def _field(hint: Any, value: bytes) -> Any:
    """Read a field of a form: text as it is, one of some words also in quotes, else JSON."""
    word = get_origin(hint) is Literal and value[:1] != b'"'
    return value.decode("utf-8", "replace") if word or hint is str else _decoded(value)


async def _read_form(
    request: Request, operation: Operation, reader: Reader, incoming: Incoming
) -> Body:
    """Read a form: files are photos or a recording, other parts are fields; objects and numbers in
    JSON."""

    file_fields = _file_fields(operation)

    def open_file(field: str, name: str) -> BinaryIO:
        if field not in file_fields:
            raise BadField(field[:60], f"Files come in the field {' or '.join(file_fields)}.")
        return incoming.begin(name) if field == PHOTOS else incoming.begin_audio(name)

    form = FormReader(request.headers["content-type"], open_file)
    with closing(form):
        async for block in request.stream():
            await run_in_threadpool(form.feed, block)
    hints, fields = get_type_hints(operation.body), form.finish()
    if name := next((each for each in file_fields if each in fields), None):
        raise BadField(name, f"{name} come as files: each part needs a filename.")
    given = {name: _field(hints.get(name), value) for name, value in fields.items()}
    await run_in_threadpool(incoming.require_pixels)
    value = reader.read(operation.body, {**given, PHOTOS: []})
    return Body(value, tuple(incoming.paths), incoming.audio, incoming.folder, _asked(given))
