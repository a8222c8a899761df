"""Forge's own kind of ControlNet."""

from __future__ import annotations

from typing import Any

from modules_forge.shared import supported_control_models


class ControlModelPatcher:
    def __init__(self, model_patcher: Any = None) -> None:
        self.model_patcher = model_patcher


class ControlNetPatcher(ControlModelPatcher):
    @staticmethod
    def try_build_from_state_dict(controlnet_data: Any, ckpt_path: str) -> Any:
        return None


supported_control_models.append(ControlNetPatcher)
