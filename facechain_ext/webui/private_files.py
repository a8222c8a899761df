"""People's photos, kept from whoever reaches the webui's port: gradio would hand them out."""

from __future__ import annotations

from typing import Any

from facechain_ext.ui.closed_folders import ClosedFolders
from facechain_ext.webui.host.paths import host_paths


def close(_: Any, app: Any) -> None:
    """Put people and jobs out of reach of the webui's app, which may be serving already.

    Among its layers, so that it stays when others add theirs later, as they may until it serves.
    """
    from starlette.middleware import Middleware

    layer = Middleware(ClosedFolders, folders=(host_paths().people_dir, host_paths().jobs_dir))
    app.user_middleware.insert(0, layer)
    if app.middleware_stack is not None:
        app.middleware_stack = app.build_middleware_stack()
