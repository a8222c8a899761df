"""Which component edits a config field on the webui's own settings page."""

from __future__ import annotations

from typing import Any

import gradio as gr

from facechain_ext.config.setting import AUTO, Setting


def setting_input(setting: Setting) -> tuple[type, dict[str, Any]]:
    """Return a component's class and the arguments it is made with, besides label and value."""
    if setting.choices:
        # One type for all: the webui compares a setting's type with its default's.
        choices = [AUTO, *map(str, setting.choices)] if setting.automatic else [*setting.choices]
        return gr.Radio, {"choices": choices}
    if setting.kind is bool:
        return gr.Checkbox, {}
    if setting.kind is str or setting.automatic:
        return gr.Textbox, {}
    bounds = {"minimum": setting.minimum, "maximum": setting.maximum}
    return gr.Number, {**bounds, **({"precision": 0} if setting.kind is int else {})}


def dropdown() -> type:
    """Return the component to choose one of many with."""
    return gr.Dropdown
