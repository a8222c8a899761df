"""People's photos, kept from whoever reaches the webui's port: it would hand them out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from facechain_ext.ui.closed_folders import ClosedFolders
from facechain_ext.webui.host.paths import host_paths

PREVIEWS = "/sd_extra_networks/"
"""Where the webui shows previews of LoRAs, without a login; "..", in a name, leads out of them."""


def close(_: Any, app: Any) -> None:
    """Put people, jobs and looks out of reach of the webui's app, which may be serving already.

    Portraits out of reach of previews, too: elsewhere the webui serves them as its other pictures.
    Among its layers, so that it stays when others add theirs later, as they may until it serves.
    """
    from starlette.middleware import Middleware

    portraits = (host_paths().output_dir,)
    app.user_middleware[:0] = [
        Middleware(ClosedFolders, folders=_folders()),
        Middleware(ClosedFolders, folders=portraits, under=PREVIEWS),
    ]
    if app.middleware_stack is not None:
        app.middleware_stack = app.build_middleware_stack()


def _folders() -> tuple[Path, ...]:
    """Return where people, jobs and looks are, and where they may lie since before."""
    from modules import paths

    ours = host_paths()
    places = ours.data_dir, Path(paths.data_path), Path(paths.script_path)
    each = [replace(ours, data_dir=place.absolute()) for place in places]
    return tuple(folder for one in each for folder in (one.people_dir, one.jobs_dir, one.looks_dir))
