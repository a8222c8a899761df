"""The OpenAPI document, made of the operations: the same beside every version of fastapi."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from starlette.responses import Response

from facechain_ext import __version__
from facechain_ext.api.answers import Json
from facechain_ext.api.errors import ErrorAnswer
from facechain_ext.api.operation import VERSION, Call, Media, Operation
from facechain_ext.api.schema import components_of, fields_of, object_schema, schema_of
from facechain_ext.config.setting import setting_of

MOUNTED = "/facechain"
ALWAYS = (400, 401, 403, 429, 500)
"""Errors that every operation may answer with."""

WHY = {
    400: "What came is not HTTP or JSON.",
    401: "Log in: nobody known asks.",
    403: "Another site's page asks.",
    404: "There is no such thing, or none that you may see.",
    409: "It cannot be done as things are now.",
    413: "Too many bytes, pixels or photos.",
    415: "The body is of a kind that is not read here.",
    422: "A field is out of bounds, or what is asked for cannot be done.",
    429: "Too many requests or jobs; Retry-After has the seconds to wait.",
    500: "A fault of the program; its log has the details.",
    502: "A download failed.",
    507: "There is no room for this.",
}

DESCRIPTION = (
    "Photos in, a face LoRA; a style in, ranked portraits. Long work is a job: it is answered at "
    "once, survives a restart, and tells what it does by events."
)


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of some operations."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = f"{MOUNTED}{VERSION}{operation.path}"
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "FaceChain", "version": __version__, "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {k: object_schema(v) for k, v in sorted(_components(operations).items())},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
        "security": [{"basic": []}, {"token": []}, {}],
    }


def _components(operations: Iterable[Operation]) -> dict[str, type[Any]]:
    found: dict[str, type[Any]] = {}
    components_of(ErrorAnswer, found)
    for operation in operations:
        answers = (kind for each in operation.answers.values() for kind in kinds_of(each))
        for kind in (operation.body, *answers):
            components_of(kind, found)
    return found


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [*_path_parameters(operation), *_query(operation), *_headers(operation)]
    return {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        **({"description": operation.help} if operation.help else {}),
        **({"parameters": parameters} if parameters else {}),
        **_request_body(operation),
        "responses": {
            **{str(s): _answer(s, kind) for s, kind in operation.answers.items()},
            **{str(s): _error(s) for s in errors_of(operation)},
        },
    }


def errors_of(operation: Operation) -> list[int]:
    """Return the statuses of the errors that an operation may answer with."""
    takes_input = bool(operation.body or operation.raw or fields_of(operation.query))
    found = {*ALWAYS, *operation.errors}
    found |= {404} if operation.parts else set()
    found |= {422} if takes_input else set()
    found |= {413, 415} if operation.body or operation.raw else {413}
    return sorted(found)


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"},
         "description": operation.parts[name]}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]  # fmt: skip


def _query(operation: Operation) -> list[dict[str, Any]]:
    shape = object_schema(operation.query)["properties"]
    return [
        {"name": name, "in": "query", "required": False,
         "description": setting_of(spec, hint).help, "schema": shape[name]}
        for name, (spec, hint) in fields_of(operation.query).items()
    ]  # fmt: skip


def _headers(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": header.name, "in": "header", "required": False, "description": header.help,
         "schema": {"type": "string", **({"pattern": header.pattern} if header.pattern else {})},
         **({"example": header.example} if header.example else {})}
        for header in operation.headers
    ]  # fmt: skip


def _request_body(operation: Operation) -> dict[str, Any]:
    if operation.raw is not None:
        content = {operation.raw.type: {"schema": {"type": "string", "format": "binary"}}}
        return {"requestBody": {"required": True, "content": content}}
    if operation.body is None:
        return {}
    example = {"example": operation.example} if operation.example is not None else {}
    content = {"application/json": {"schema": schema_of(operation.body), **example}}
    if operation.photos:
        content["multipart/form-data"] = {"schema": _form(operation.body)}
    return {"requestBody": {"required": _is_needed(operation.body), "content": content}}


def _is_needed(body: type[Any]) -> bool:
    """Tell whether a body must come; one whose fields can all be left out may be left out, too."""
    return "required" in object_schema(body)


def _form(body: type[Any]) -> dict[str, Any]:
    """Describe a form that photos and a recording come in: they are files, all else as in JSON."""
    shape = object_schema(body)
    file, known = {"type": "string", "format": "binary"}, shape["properties"]
    files = {"photos": {**known["photos"], "items": file}}
    if "audio" in known:
        files["audio"] = {"description": known["audio"]["description"], **file}
    return {**shape, "properties": {**known, **files}}


def kinds_of(answer: Any) -> tuple[Any, ...]:
    """Return what an answer may be: one kind, or one for each type that can be asked for."""
    return answer if isinstance(answer, tuple) else (answer,)


def _answer(status: int, answer: Any) -> dict[str, Any]:
    kinds = kinds_of(answer)
    if kinds == (None,):
        return {"description": "Done."}
    word = "Accepted: a job does it." if status == 202 else "Done."
    told = next((kind.help for kind in kinds if isinstance(kind, Media)), word)
    return {"description": told, "content": dict(map(_content, kinds))}


def _content(kind: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(kind, Media):
        return kind.type, {"schema": _media_schema(kind)}
    return "application/json", {"schema": schema_of(kind)}


def _media_schema(media: Media) -> dict[str, Any]:
    """Describe what is no dataclass; of a stream, each of its events."""
    if media.event is not None:
        data = {"contentMediaType": "application/json", "contentSchema": schema_of(media.event)}
        fields = {"id": {}, "event": {}, "data": data}
        shape = {name: {"type": "string", **more} for name, more in fields.items()}
        return {"type": "object", "properties": shape}
    if media.type == "application/json":
        return {"type": "object"}
    return {"type": "string", "format": "binary"}


def _error(status: int) -> dict[str, Any]:
    return {
        "description": WHY[status],
        "content": {"application/json": {"schema": schema_of(ErrorAnswer)}},
    }


def describe_api(call: Call) -> Response:
    """Answer with the document."""
    return Json(call.request.app.openapi())


OPERATIONS = (
    Operation(
        "GET",
        "/openapi.json",
        describe_api,
        "This document",
        "about",
        {200: Media("application/json", "The OpenAPI 3.1 document of this API.")},
    ),
)
