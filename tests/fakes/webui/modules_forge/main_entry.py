"""What Forge will load next."""

from __future__ import annotations

from modules import sd_models


def refresh_model_loading_parameters() -> None:
    sd_models.model_data.forge_loading_parameters = {
        "checkpoint_info": sd_models.select_checkpoint()
    }
