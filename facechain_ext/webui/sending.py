"""Pictures and settings handed between our tab and the webui's others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facechain_ext.ui.page.services import PasteTarget, SendSources

TITLE, TAB = "FaceChain", "facechain"
"""Our tab's title and id; javascript/facechain.js has the switch_to_facechain that goes with it."""

PICTURE_TABS = ("img2img", "inpaint", "extras")
PNG_INFO_LAST_BUTTON, PNG_INFO_TEXT = "extras_tab", "pnginfo_generation_info"

_bindings: list[Any] = []
_fields: list[Any] = []
_png_info: dict[str, Any] = {}


def forget() -> None:
    """Drop what was drawn for an earlier page; the webui is about to build a new one."""
    _bindings.clear()
    _fields.clear()
    _png_info.clear()


def draw_send_buttons(sources: SendSources) -> None:
    """Draw "Send to ..." buttons for the picture that is chosen in a gallery."""
    from modules import infotext_utils

    buttons = infotext_utils.create_buttons(["txt2img", *PICTURE_TABS])
    for tab, button in buttons.items():
        button.elem_id = f"facechain_{sources.called}send_to_{tab}"
        binding = infotext_utils.ParamBinding(
            paste_button=button,
            tabname=tab,
            source_text_component=None if tab == "extras" else sources.infotext,
            source_image_component=sources.gallery if tab in PICTURE_TABS else None,
        )
        _bindings.append(binding)


def paste_fields(fields: Sequence[tuple[Any, PasteTarget]]) -> None:
    """Name the components that a pasted infotext fills, and with which of its fields."""
    _fields[:] = fields


def add_to_png_info(component: Any, **_: Any) -> None:
    """Put our button beside the webui's own in PNG Info, once those are there."""
    name = getattr(component, "elem_id", None)
    if name == PNG_INFO_TEXT:
        _png_info["text"] = component
    elif name == PNG_INFO_LAST_BUTTON and "text" in _png_info and "button" not in _png_info:
        from modules import infotext_utils

        _png_info["button"] = None  # the next line comes here again
        _png_info["button"] = infotext_utils.create_buttons([TITLE])[TITLE]


def connect(*, tab_shown: bool) -> None:
    """Hand the webui what the finished tab has drawn; it connects it a moment later.

    Not before: a button that leads to components of an unfinished tab would break the whole page.
    """
    from modules import infotext_utils

    button = _png_info.get("button")
    if button is not None:
        button.visible = tab_shown and bool(_fields)
    if not tab_shown:
        return
    if _fields:
        infotext_utils.add_paste_fields(TAB, None, list(_fields))
        if button is not None:
            _bindings.append(
                infotext_utils.ParamBinding(
                    paste_button=button, tabname=TAB, source_text_component=_png_info["text"]
                )
            )
    for binding in _bindings:
        infotext_utils.register_paste_params_button(binding)
