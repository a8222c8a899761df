"""The list of model classes in reForge and Forge Classic, which say what reads the prompts, too."""

from __future__ import annotations

from typing import Any

from ldm_patched.modules import sd1_clip, supported_models_base
from tests.fakes import model_class


class SD15(model_class.SD15):
    def clip_target(self, state_dict: Any = None) -> Any:
        return supported_models_base.ClipTarget(sd1_clip.SD1Tokenizer, sd1_clip.SD1ClipModel)


models: list[type] = [SD15]
