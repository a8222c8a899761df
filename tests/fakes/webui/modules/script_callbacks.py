"""The callbacks that we register."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

callbacks: list[Callable[[Any], None]] = []
registered: dict[str, Callable[..., Any]] = {}
"""What the entry has registered, by the event's name."""


@dataclass
class CFGDenoiserParams:
    sampling_step: int
    total_sampling_steps: int


def on_cfg_denoiser(callback: Callable[[Any], None], *, name: str | None = None) -> None:
    callbacks.append(callback)


def on_app_started(callback: Callable[..., None], *, name: str | None = None) -> None:
    registered["app_started"] = callback


def on_ui_settings(callback: Callable[[], None], *, name: str | None = None) -> None:
    registered["ui_settings"] = callback


def on_before_ui(callback: Callable[[], None], *, name: str | None = None) -> None:
    registered["before_ui"] = callback


def on_before_image_saved(callback: Callable[[Any], None], *, name: str | None = None) -> None:
    registered["before_image_saved"] = callback


def on_after_component(callback: Callable[..., None], *, name: str | None = None) -> None:
    registered["after_component"] = callback


def on_ui_tabs(callback: Callable[[], Any], *, name: str | None = None) -> None:
    registered["ui_tabs"] = callback


def on_script_unloaded(callback: Callable[[], None], *, name: str | None = None) -> None:
    registered["script_unloaded"] = callback


def remove_callbacks_for_function(callback_func: Callable[[Any], None]) -> None:
    callbacks.remove(callback_func)


def cfg_denoiser_callback(params: CFGDenoiserParams) -> None:
    for callback in callbacks:
        callback(params)
