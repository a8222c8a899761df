"""The REST API on the webui's own app, with or without a page, beside --api or without it."""

from __future__ import annotations

import logging
from typing import Any

from facechain_ext.webui import settings

logger = logging.getLogger(__name__)

_told: list[str] = []
"""What was logged already: Reload UI starts another app."""


def mount(page: Any, app: Any) -> None:
    """Answer under /facechain, before whatever else the app would do there."""
    from facechain_ext.api.app import mounted
    from facechain_ext.api.services import ApiServices
    from facechain_ext.config import ApiConfig
    from facechain_ext.webui.api_auth import WebuiAuth
    from facechain_ext.webui.packages import require_packages
    from facechain_ext.webui.services import jobs, live_page, studio

    require_packages()
    auth = WebuiAuth.of(app)
    services = ApiServices(
        studio(),
        jobs(),
        auth,
        config=settings.chosen(ApiConfig),
        defaults=settings.chosen,
        # Reload UI waits for every connection, streams of events too.
        ending=lambda: bool(getattr(getattr(page, "server", None), "should_exit", False)),
        page=None if page is None else live_page(),
    )
    app.router.routes.insert(0, mounted(services))
    if auth.is_open:
        _tell_once(
            "FaceChain's API at /facechain/v1 is open to whoever reaches this port, as the webui "
            "itself is; --api-auth or --gradio-auth ask who comes."
        )


def _tell_once(text: str) -> None:
    if text not in _told:
        _told.append(text)
        logger.warning(text)
