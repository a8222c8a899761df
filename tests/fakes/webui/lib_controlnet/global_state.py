"""Its files and preprocessors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules import paths

preprocessors = ["None", "openpose_full", "depth_midas"]
found: dict[str, str] = {}


def update_controlnet_filenames() -> None:
    folder = Path(paths.models_path) / "ControlNet"
    found.clear()
    found["None"] = "model.safetensors"
    for path in sorted(folder.rglob("*.safetensors")):
        found[f"{path.stem} [0123456789]"] = str(path)


def get_all_controlnet_names() -> list[str]:
    return list(found)


def get_controlnet_filename(controlnet_name: str) -> str:
    return found[controlnet_name]


def get_all_preprocessor_names() -> list[str]:
    return preprocessors


def get_preprocessor(name: str) -> Any:
    return {"depth_midas": lambda input_image, resolution: input_image}[name]
