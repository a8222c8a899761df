"""The REST API as an app that is mounted at /facechain, in a webui or by itself."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

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
    for operation in OPERATIONS:
        app.router.add_api_route(
            VERSION + operation.path,
            _endpoint(operation, services),
            methods=[operation.method],
            name=operation.name,
            response_model=None,
        )
    services.webhooks.start()
    app.openapi = lambda: openapi.document(OPERATIONS)  # type: ignore[method-assign]
    return app


def make_site(services: ApiServices) -> Starlette:
    """Make a site of its own, with nothing but the API on it."""
    return Starlette(routes=[Mount(MOUNT, app=make_app(services))])


async def _on_http_error(_: Request, error: Exception) -> Response:
    return error_answer(error, headers=getattr(error, "headers", None))


def _endpoint(
    operation: Operation, services: ApiServices
) -> Callable[[Request], Awaitable[Response]]:
    usual_status = next(iter(operation.answers))

    async def respond(request: Request) -> Response:
        with ExitStack() as ends:
            try:
                call = await _read(operation, services, request, ends)
                result = await _handled(operation, call)
                return Ending(answer(result, usual_status), ends.pop_all())
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
        folder=body.folder,
    )


async def _handled(operation: Operation, call: Call) -> Any:
    if inspect.iscoroutinefunction(operation.handle):
        return await operation.handle(call)
    return await run_in_threadpool(operation.handle, call)
