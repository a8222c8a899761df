"""Our tab, or a panel that says what keeps it from opening."""

from __future__ import annotations

import logging
from typing import Any

from modules import shared

from facechain_ext.webui import sending, settings
from facechain_ext.webui.host.guarded import guarded
from facechain_ext.webui.packages import require_packages

logger = logging.getLogger(__name__)


_connect = guarded(sending.connect)


def tabs() -> list[tuple[Any, str, str]]:
    """Return the tab as a gradio Blocks, with its title and element id, as the webui wants it."""
    return [(_build(), sending.TITLE, sending.TAB)]


def _build() -> Any:
    try:
        require_packages()
        from facechain_ext.ui.tab import build_tab
        from facechain_ext.webui.services import services

        page = build_tab(services())
        settings.govern(page)
    except Exception as error:
        logger.exception("The FaceChain tab could not be built.")
        from facechain_ext.ui.error_panel import build_error_panel

        _connect(tab_shown=False)
        return build_error_panel(error)
    _connect(tab_shown=sending.TITLE not in getattr(shared.opts, "hidden_tabs", []))
    return page
