"""The kinds of ControlNets that Forge tries, in order."""

from __future__ import annotations

from typing import Any

supported_control_models: list[Any] = []
