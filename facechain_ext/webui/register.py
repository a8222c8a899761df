"""The one entry from the webui: what it must call, and when.

Reload UI forgets every callback and runs scripts/facechain.py again, while this package stays
loaded: registering is a function, and what must survive is kept by the modules it names.
"""

from __future__ import annotations

from modules import script_callbacks

from facechain_ext.webui import mini_listing, private_files, sending, settings, tab
from facechain_ext.webui.host import stop_buttons


def register() -> None:
    """Hook settings, tab, pasted infotexts and the mini checkpoint into the webui."""
    stop_buttons.guard()
    script_callbacks.on_app_started(private_files.close)
    script_callbacks.on_ui_settings(lambda: settings.add(on_mini_switched=mini_listing.switch))
    script_callbacks.on_before_ui(sending.forget)
    script_callbacks.on_after_component(sending.add_to_png_info)
    script_callbacks.on_ui_tabs(tab.tabs)
    script_callbacks.on_script_unloaded(mini_listing.unlist)
    if settings.mini_wanted():
        mini_listing.enlist()
