"""The one callback that a host of ours registers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

callbacks: list[Callable[[Any], None]] = []


@dataclass
class CFGDenoiserParams:
    sampling_step: int
    total_sampling_steps: int


def on_cfg_denoiser(callback: Callable[[Any], None], *, name: str | None = None) -> None:
    callbacks.append(callback)


def remove_callbacks_for_function(callback_func: Callable[[Any], None]) -> None:
    callbacks.remove(callback_func)


def cfg_denoiser_callback(params: CFGDenoiserParams) -> None:
    for callback in callbacks:
        callback(params)
