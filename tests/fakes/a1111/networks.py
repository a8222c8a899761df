"""The LoRA extension: it merges LoRAs into the weights, and leaves them there after a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from modules import shared

from facechain_ext.lora.checkpoint import read_lora
from facechain_ext.lora.merge import delta
from facechain_ext.lora.state import DOWN

available_networks: dict[str, Path] = {}
loaded_networks: list[Network] = []


class Network:
    def __init__(self, name: str, multiplier: float) -> None:
        self.name, self.multiplier = name, multiplier
        self.state = read_lora(available_networks[name])[0]


def update_available_networks_by_names(names: list[str]) -> None:
    for path in Path(shared.cmd_opts.lora_dir).rglob("*.safetensors"):
        if path.stem in names:
            available_networks[path.stem] = path


def load_networks(
    names: list[str],
    te_multipliers: list[float] | None = None,
    unet_multipliers: list[float] | None = None,
    dyn_dims: list[int] | None = None,
) -> None:
    multipliers = unet_multipliers or [1.0] * len(names)
    loaded_networks[:] = [Network(*pair) for pair in zip(names, multipliers, strict=True)]


@torch.no_grad()
def network_apply_weights(self: Any) -> None:
    """Bring one layer's weight up to date with what is loaded; the real one does it on forward."""
    wanted = tuple((each.name, each.multiplier) for each in loaded_networks)
    if getattr(self, "network_current_names", ()) == wanted:
        return
    if not hasattr(self, "network_weights_backup"):
        self.network_weights_backup = self.weight.to("cpu", copy=True)
    network_restore_weights_from_backup(self)
    for each in loaded_networks:
        if self.network_layer_name + DOWN in each.state:
            change = delta(each.state, self.network_layer_name, self.weight.device)
            self.weight += each.multiplier * change.reshape(self.weight.shape)
    self.network_current_names = wanted


def network_restore_weights_from_backup(self: Any) -> None:
    backup = getattr(self, "network_weights_backup", None)
    if backup is not None:
        self.weight.copy_(backup)
