"""The button that begins a panel's work and the one that stops it, below what is said of them."""

from __future__ import annotations

from typing import Any

import gradio as gr


def draw_start_stop(start: str, stop: str, ids: tuple[str, str, str]) -> tuple[Any, Any, Any]:
    """Draw a message and both buttons so that they stay in sight while settings are scrolled.

    ids: of the three. The second button waits for work. Returns the three.
    """
    with gr.Column(elem_classes=["fc-actions"]):
        message = gr.HTML(elem_id=ids[0])
        with gr.Row():
            begin = gr.Button(start, variant="primary", elem_id=ids[1], min_width=120)
            end = gr.Button(stop, variant="stop", elem_id=ids[2], interactive=False, min_width=100)
    return message, begin, end
