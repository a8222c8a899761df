"""The LoRA extension's list: filled from the folder when it is asked for a name it lacks."""

from __future__ import annotations

from pathlib import Path

from modules import shared

available_networks: dict[str, Path] = {}


def update_available_networks_by_names(names: list[str]) -> None:
    for path in Path(shared.cmd_opts.lora_dir).rglob("*.safetensors"):
        if path.stem in names:
            available_networks[path.stem] = path


def list_available_networks() -> None:
    for path in Path(shared.cmd_opts.lora_dir).rglob("*.safetensors"):
        available_networks[path.stem] = path
