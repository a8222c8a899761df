"""The API by itself: `facechain serve`."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from pathlib import Path

from facechain_ext.api.app import make_site
from facechain_ext.api.auth import Auth, Open
from facechain_ext.api.services import ApiServices
from facechain_ext.api.tokens import TokenFile
from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import ApiConfig
from facechain_ext.jobs.queue import Jobs
from facechain_ext.studio.studio import Studio


def serve(services: ApiServices, *, host: str, port: int) -> None:
    """Answer until interrupted."""
    import uvicorn

    config = uvicorn.Config(
        make_site(replace(services, ending=lambda: server.should_exit)),
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    server.run()


def serving(
    studio: Studio, jobs: Jobs, config: ApiConfig, *, host: str, auth: Path | None
) -> ApiServices:
    """Return what such a server works with; raises InvalidInput."""
    who: Auth = Open()
    if auth is not None:
        who = TokenFile(auth)
        who.require_some()
    elif not is_local(host):
        raise InvalidInput(
            f"{host} lets others reach this computer: say with --auth FILE who may, and make the "
            "file with facechain serve --auth FILE --add-token NAME."
        )
    if config.owners and auth is None:
        raise InvalidInput("--owners needs --auth FILE: without, nobody has a name.")
    return ApiServices(studio, jobs, who, config=config, local_only=auth is None)


def is_local(host: str) -> bool:
    """Tell whether an address is of this computer alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
