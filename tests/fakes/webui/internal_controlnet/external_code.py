"""What other extensions may call."""

from __future__ import annotations

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


class ControlNetUnit(SimpleNamespace):
    """The real one is a pydantic model that is turned off unless told otherwise."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(**{"enabled": False, **fields})
