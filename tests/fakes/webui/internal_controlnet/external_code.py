"""What other extensions may call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from modules import paths

preprocessors = ["none", "openpose_full", "depth_midas"]
global_state = SimpleNamespace(cn_models={})


def get_models(update: bool = False) -> list[str]:
    if update:
        folder = Path(paths.models_path) / "ControlNet"
        files = sorted(folder.rglob("*.safetensors"))
        global_state.cn_models = {f"{path.stem} [01234567]": str(path) for path in files}
    return list(global_state.cn_models)


def get_modules(alias_names: bool = False) -> list[str]:
    return preprocessors


class Preprocessor:
    """Those that are there make depth of brightness."""

    @staticmethod
    def get_preprocessor(name: str) -> Any:
        return {"depth_midas": lambda input_image, resolution: input_image}[name]


@dataclass
class ControlNetUnit:
    """The real one is a pydantic model that is turned off unless told otherwise."""

    enabled: bool = False
    module: str = "none"
    model: str = "None"
    weight: float = 1.0
    image: Any = None
    processor_res: int = -1
    threshold_a: float = -1
    threshold_b: float = -1
    guidance_start: float = 0.0
    guidance_end: float = 1.0
    save_detected_map: bool = True
