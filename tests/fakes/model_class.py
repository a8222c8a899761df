"""The class of models for Stable Diffusion 1, as every loader with a list of classes has it."""

from __future__ import annotations

from typing import Any, ClassVar


class SD15:
    huggingface_repo = "runwayml/stable-diffusion-v1-5"
    unet_config: ClassVar[dict[str, Any]] = {
        "context_dim": 768,
        "model_channels": 320,
        "use_linear_in_transformer": False,
        "adm_in_channels": None,
        "use_temporal_attention": False,
    }
    unet_extra_config: ClassVar[dict[str, Any]] = {"num_heads": 8, "num_head_channels": -1}

    @classmethod
    def matches(cls, unet_config: dict[str, Any], state_dict: Any = None) -> bool:
        return all(unet_config.get(key, cls) == value for key, value in cls.unet_config.items())

    def __init__(self, unet_config: dict[str, Any]) -> None:
        self.unet_config = {**unet_config, **self.unet_extra_config}
