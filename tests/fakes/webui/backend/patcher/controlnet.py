"""A ControlNet on its device."""

from __future__ import annotations

from typing import Any


class ControlNet:
    def __init__(
        self, control_model: Any, load_device: Any = None, manual_cast_dtype: Any = None
    ) -> None:
        self.control_model = control_model
