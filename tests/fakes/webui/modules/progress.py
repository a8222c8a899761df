"""Whose task is being worked on, and whose wait; what anybody may ask for, as in the webui."""

from __future__ import annotations

from typing import Any

from modules import shared

current_task: str | None = None
pending_tasks: dict[str, float] = {}


def preview(id_task: str | None = None) -> Any:
    """Return the picture that /internal/progress hands to whoever asks; None when it has none."""
    return shared.state.current_image if id_task == current_task else None
