"""The list of model classes, and the one for Stable Diffusion 1."""

from __future__ import annotations

from typing import Any

from tests.fakes import model_class


class SD15(model_class.SD15):
    def process_vae_state_dict(self, state_dict: dict[str, Any]) -> dict[str, Any]:
        return state_dict


models: list[type] = [SD15]
