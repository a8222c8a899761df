"""The REST API as an app that is mounted at /facechain, in a webui or by itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from facechain_ext import __version__
from facechain_ext.api import (
    about,
    archives,
    catalogue,
    checks,
    events,
    jobs,
    nets,
    openapi,
    people,
    photos,
    portraits,
    trainings,
    videos,
)
from facechain_ext.api.answers import Ending, answer, error_answer
from facechain_ext.api.bodies import read_body
from facechain_ext.api.gate import USER, Gate
from facechain_ext.api.operation import VERSION, Call, Operation
from facechain_ext.api.reading import read_query
from facechain_ext.api.services import ApiServices

MOUNT = "/facechain"

OPERATIONS: tuple[Operation, ...] = (
    *archives.OPERATIONS,  # before people, among whom "import" would be looked for
    *people.OPERATIONS,
    *photos.OPERATIONS,
    *checks.OPERATIONS,
    *trainings.OPERATIONS,
    *portraits.OPERATIONS,
    *videos.OPERATIONS,
    *jobs.OPERATIONS,
    *events.OPERATIONS,
    *catalogue.OPERATIONS,
    *nets.OPERATIONS,
    *about.OPERATIONS,
    *openapi.OPERATIONS,
)
"""Every route there is, in the order of the documentation."""


def make_app(services: ApiServices) -> FastAPI:
    """Make the app; it is mounted at MOUNT."""
    app = FastAPI(
        title="FaceChain",
        version=__version__,
        openapi_url=None,  # it is one of our own operations, behind the gate as all are
        docs_url=None,
        redoc_url=None,
        middleware=[Middleware(Gate, services=services)],
        exception_handlers={HTTPException: _on_http_error},
    )
    app.router.redirect_slashes = False
    for path, operations in _by_path((*OPERATIONS, *_of_the_page(services))).items():
        app.router.routes.append(_route(path, operations, services))
    services.webhooks.start()
    app.openapi = lambda: openapi.document(OPERATIONS)  # type: ignore[method-assign]
    return app


def _route(path: str, operations: Sequence[Operation], services: ApiServices) -> Route:
    """Make the route of an address, for its methods alone: a plain one, since requests are read and
    answers written by ourselves."""
    route = Route(VERSION + path, _endpoint(operations, services), name=path)
    route.methods = {operation.method for operation in operations}
    return route


def _by_path(operations: Iterable[Operation]) -> dict[str, list[Operation]]:
    """Return the operations of each address: one route alone can say which methods it takes."""
    found: dict[str, list[Operation]] = {}
    for operation in operations:
        found.setdefault(operation.path, []).append(operation)
    return found


def _of_the_page(services: ApiServices) -> tuple[Operation, ...]:
    """Return the routes for the script of a page that stands beside the API.

    A page shows everybody: where people belong to somebody there are none.
    """
    if services.page is None or services.config.owners:
        return ()
    from facechain_ext.api import page  # where there is a page, there is gradio

    return page.OPERATIONS


def make_site(services: ApiServices) -> Starlette:
    """Make a site of its own, with nothing but the API on it."""
    return Starlette(routes=[mounted(services)])


def mounted(services: ApiServices) -> Mount:
    """Return the app at its place; addresses with a line's end in them are its own, too."""
    mount = Mount(MOUNT, app=make_app(services))
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


async def _on_http_error(_: Request, error: Exception) -> Response:
    return error_answer(error, headers=getattr(error, "headers", None))


def _endpoint(
    operations: Sequence[Operation], services: ApiServices
) -> Callable[[Request], Awaitable[Response]]:
    by_method = {operation.method: operation for operation in operations}

    async def respond(request: Request) -> Response:
        operation = by_method[request.method]
        with ExitStack() as ends:
            try:
                call = await _read(operation, services, request, ends)
                result = await _handled(operation, call)
                return Ending(answer(result, operation.usual_status), ends.pop_all())
            except Exception as error:  # noqa: BLE001  # nothing stands above us
                return error_answer(error)

    return respond


async def _read(
    operation: Operation, services: ApiServices, request: Request, ends: ExitStack
) -> Call:
    query = read_query(operation.query, request.query_params.multi_items())
    body = await read_body(operation, services, request, ends)
    return Call(
        services=services,
        request=request,
        user=request.scope[USER],
        path=request.path_params,
        query=query,
        body=body.value,
        photos=body.photos,
        audio=body.audio,
        folder=body.folder,
        asked=body.asked,
    )


async def _handled(operation: Operation, call: Call) -> Any:
    if inspect.iscoroutinefunction(operation.handle):
        return await operation.handle(call)
    return await run_in_threadpool(operation.handle, call)
