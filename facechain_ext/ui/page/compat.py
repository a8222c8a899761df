"""All that differs between gradio 3.41 (AUTOMATIC1111), 4.40 (Forge) and 6 (on its own)."""

from __future__ import annotations

import inspect
import os
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

MAJOR = int(gr.__version__.split(".")[0])
UNCHANGED = gr.update()
"""An output's value that leaves it as it is."""

SENDS_PICTURES: dict[str, Any] = {"type": "pil"} if MAJOR >= 4 else {}
"""Of a Gallery whose pictures a host's "Send to ..." buttons read; gradio 3 sends them anyway."""

_HIDDEN_FROM_API: dict[str, Any] = (
    {"api_visibility": "private"} if MAJOR >= 6 else {"api_name": False}
)


def on(
    listener: Callable[..., Any],
    fn: Callable[..., Any] | None,
    inputs: Sequence[Any] = (),
    outputs: Sequence[Any] = (),
    *,
    js: str | None = None,
    queue: bool = False,
) -> Any:
    """Wire an event; queue it only when fn is a generator or slow. No event is part of an API.

    Where all inputs are words and choices, fn gets them as they are sent: gradio from 4 on would
    refuse, with "Error" and a traceback, a choice that was sent while its list was drawn anew.
    """
    script = {} if js is None else {"_js" if MAJOR < 4 else "js": js}
    as_sent = all(isinstance(each, gr.Dropdown | gr.Textbox) for each in inputs)
    return listener(
        fn,
        list(inputs),
        list(outputs),
        queue=queue,
        preprocess=not as_sent,
        show_progress="hidden",
        **_HIDDEN_FROM_API,
        **script,
    )


def as_typed(component: Any) -> Any:
    """Take a number as the browser sends it, whatever was typed.

    gradio would answer one out of bounds with "Error" and a traceback; the form says it in words.
    """
    component.preprocess = lambda typed: typed
    return component


MICROPHONE: dict[str, Any] = (
    {"sources": ["upload", "microphone"]}
    if MAJOR >= 4
    else {
        "source": "microphone",
        "show_edit_button": False,
    }
)
"""Of an Audio that records what somebody says. gradio 4 asks for the microphone as soon as the page
opens where that is the first source."""


def as_recorded(audio: Any) -> Any:
    """Take what a browser records as it is; gradio before 6 would have ffmpeg convert it, and fail
    with a traceback where that program is not there."""
    audio.preprocess = partial(_recorded, audio)
    return audio


def _recorded(audio: Any, sent: Any) -> str | None:
    """Return a recording's file in gradio's folder; sent: as gradio 3 or a later one has it."""
    if not sent:
        return None
    if not isinstance(sent, dict):
        return str(sent.path)
    if sent.get("is_file"):
        return str(audio.make_temp_copy_if_needed(sent["name"]))
    return str(audio.base64_to_temp_file_if_needed(sent["data"], sent["name"]))


CAN_TAKE_OTHERS = MAJOR >= 4
"""Whether a File that is drawn can be told to take other files; the page of gradio 3 cannot."""


def taking(suffixes: Sequence[str]) -> Any:
    """Return an update by which a File takes files of these suffixes, where it can be told."""
    types: dict[str, Any] = {"file_types": [*suffixes]} if CAN_TAKE_OTHERS else {}
    return gr.update(**types)


def limited(longest: int) -> dict[str, Any]:
    """Return what keeps a Textbox from taking more letters, where gradio has that."""
    known = "max_length" in inspect.signature(gr.Textbox.__init__).parameters
    return {"max_length": longest} if known else {}


def not_saved(component: Any) -> Any:
    """Keep what is typed about people out of the webui's ui-config.json."""
    component.do_not_save_to_config = True
    return component


def new_blocks(title: str, *, css: str = "", theme: Any = None) -> gr.Blocks:
    """Make an empty page; from gradio 6 on, looks are given when it is launched."""
    looks = {} if MAJOR >= 6 else {"css": css or None, "theme": theme}
    return gr.Blocks(title=title, analytics_enabled=False, **looks)


def launch(page: gr.Blocks, *, css: str, theme: Any, **options: Any) -> None:
    """Serve a page without sharing it; `options` are those that every gradio knows."""
    if MAJOR >= 6:
        options |= {"css": css, "theme": theme, "footer_links": []}
    elif MAJOR < 6:
        options["show_api"] = False
    if MAJOR >= 5:
        options["ssr_mode"] = False
    page.queue().launch(share=False, **options)


def paths_of(files: Any) -> list[Path]:
    """Return the paths of what a File component holds."""
    return [Path(getattr(file, "name", file)) for file in files or ()]


def temp_dir() -> Path:
    """Return the folder that gradio serves files from."""
    return Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio")
