"""A ControlNet on its device."""

from __future__ import annotations

from typing import Any


class ControlNet:
    def __init__(self, control_model: Any, **how: Any) -> None:
        self.control_model = control_model
