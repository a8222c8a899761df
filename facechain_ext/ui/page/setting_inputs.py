"""Which component edits a config field on the webui's own settings page."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args, get_origin

import gradio as gr


def setting_input(spec: dataclasses.Field[Any], hint: Any) -> tuple[type, dict[str, Any]]:
    """Return a component's class and the arguments it is made with, besides label and value."""
    if get_origin(hint) is not None:
        return gr.Radio, {"choices": list(get_args(hint))}
    if hint is bool:
        return gr.Checkbox, {}
    if hint is str:
        return gr.Textbox, {}
    bounds = {side: spec.metadata[side] for side in ("minimum", "maximum")}
    return gr.Number, {**bounds, **({"precision": 0} if hint is int else {})}


def dropdown() -> type:
    """Return the component to choose one of many with."""
    return gr.Dropdown
