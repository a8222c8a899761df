"""`facechain ui`: the page in a browser, with the API beside it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

from facechain_ext.cli.here import new_studio, queue_of
from facechain_ext.cli.paths import port
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.server import serve

Result = dict[str, Any]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's own flags."""
    parser.add_argument("--port", type=port, help="a fixed port (default: a free one from 7860 on)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")


def ui(args: argparse.Namespace) -> Result:
    """Show the page, with the API beside it where fastapi is installed."""
    studio = new_studio(args)
    jobs = queue_of(studio, "ui")
    jobs.start()
    services = Services(studio, jobs)
    serve(
        services,
        port=args.port,
        open_browser=not args.no_browser,
        beside=partial(_api_beside, services),
    )
    return {"page": "closed"}


def _api_beside(services: Services, ending: Callable[[], bool]) -> dict[str, Any]:
    if find_spec("fastapi") is None:
        return {}
    from facechain_ext.api.app import MOUNT, make_app
    from facechain_ext.api.auth import Open
    from facechain_ext.api.services import ApiServices
    from facechain_ext.ui.live import LivePage

    studio, jobs, page = services.studio, services.jobs, LivePage(services)
    api = ApiServices(studio, jobs, Open(), local_only=True, ending=ending, page=page)
    return {MOUNT: make_app(api)}
