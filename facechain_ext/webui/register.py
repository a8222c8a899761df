"""The one entry from the webui: what it must call, and when.

Reload UI forgets every callback and runs scripts/facechain.py again, while this package stays
loaded: registering is a function, and what must survive is kept by the modules it names.

Each part stands by itself: what one needs of a webui that lacks it costs that part alone. Their
modules are imported where they are registered, and what the webui calls is guarded.
"""

from __future__ import annotations

from facechain_ext.webui.host.guarded import guarded


def register() -> None:
    """Hook settings, tab, API, pasted infotexts and the mini checkpoint into the webui."""
    for part in (_stop_buttons, _serving, _settings, _sending, _tab, _mini, _plot):
        guarded(part)()


def _stop_buttons() -> None:
    from facechain_ext.webui.host import stop_buttons

    stop_buttons.guard()


def _serving() -> None:
    from modules import script_callbacks

    from facechain_ext.webui import serving

    script_callbacks.on_app_started(guarded(serving.begin))


def _settings() -> None:
    from modules import script_callbacks

    from facechain_ext.webui import settings

    script_callbacks.on_ui_settings(
        guarded(lambda: settings.add(on_mini_switched=_switch_mini)),
    )


def _sending() -> None:
    from modules import script_callbacks

    from facechain_ext.webui import sending

    script_callbacks.on_before_ui(guarded(_before_the_page))
    script_callbacks.on_after_component(guarded(sending.add_to_png_info))


def _before_the_page() -> None:
    from facechain_ext.webui import sending

    sending.forget()
    guarded(_plot_axes)()


def _plot_axes() -> None:
    """Add our axes to the plots, which all scripts are loaded for by now."""
    from facechain_ext.webui import plot, plot_cell

    if plot_cell.is_added():
        plot.add_axes()


def _tab() -> None:
    from modules import script_callbacks

    from facechain_ext.webui import tab

    script_callbacks.on_ui_tabs(guarded(tab.tabs, instead=list))


def _mini() -> None:
    from modules import script_callbacks

    from facechain_ext.webui import mini_listing, settings

    script_callbacks.on_script_unloaded(guarded(mini_listing.unlist))
    if settings.mini_wanted():
        mini_listing.enlist()


def _plot() -> None:
    from modules import script_callbacks

    from facechain_ext.webui import plot_cell

    plot_cell.add_script()
    script_callbacks.on_before_image_saved(guarded(plot_cell.mark))


def _switch_mini(wanted: bool) -> None:
    from facechain_ext.webui import mini_listing

    mini_listing.switch(wanted)
