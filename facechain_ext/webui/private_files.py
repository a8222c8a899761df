"""People's photos, kept from whoever reaches the webui's port: gradio would hand them out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from facechain_ext.ui.closed_folders import ClosedFolders
from facechain_ext.webui.host.paths import host_paths


def close(_: Any, app: Any) -> None:
    """Put people, jobs and looks out of reach of the webui's app, which may be serving already.

    Among its layers, so that it stays when others add theirs later, as they may until it serves.
    """
    from starlette.middleware import Middleware

    layer = Middleware(ClosedFolders, folders=_folders())
    app.user_middleware.insert(0, layer)
    if app.middleware_stack is not None:
        app.middleware_stack = app.build_middleware_stack()


def _folders() -> tuple[Path, ...]:
    """Return where people, jobs and looks are, and where they may lie since before."""
    from modules import paths

    ours = host_paths()
    places = ours.data_dir, Path(paths.data_path), Path(paths.script_path)
    each = [replace(ours, data_dir=place.absolute()) for place in places]
    return tuple(folder for one in each for folder in (one.people_dir, one.jobs_dir, one.looks_dir))
