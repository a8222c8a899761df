"""The webui's own LoRA extension: make files known to it, and name them in a prompt."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import LoraUse


def lora_extension() -> ModuleType | None:
    """Return the module `networks` of the webui's LoRA extension; None where it is turned off."""
    networks = sys.modules.get("networks")
    return networks if hasattr(networks, "available_networks") else None


def publish(name: str) -> None:
    """List one file of the LoRA folder by its name without the suffix."""
    networks = lora_extension()
    if networks is not None:
        _look(networks, name)


def tags(uses: Sequence[LoraUse]) -> str:
    """Return what a prompt says to use LoRAs, in order.

    Raises InvalidInput for one that the webui does not see: it would draw without it and only
    say so in its log.
    """
    for use in uses:
        _require(use)
    return "".join(f" <lora:{use.lora.name}:{use.weight:g}>" for use in uses)


def _require(use: LoraUse) -> None:
    networks = lora_extension()
    if networks is None:
        raise InvalidInput("The webui's Lora extension is turned off; portraits need it.")
    if not _heeded():
        raise InvalidInput(
            "The webui's own Lora extension did not load, so it draws without any LoRA; portraits "
            "need it. The webui's log says why, at its start."
        )
    name = use.lora.name
    if name not in networks.available_networks:
        _look(networks, name)
    if name not in networks.available_networks:
        raise InvalidInput(f"The webui does not see the LoRA {name} in its LoRA folder.")


def _heeded() -> bool:
    """Whether the webui does what a prompt says of LoRAs: its script may have failed half-way."""
    from modules import extra_networks

    return "lora" in extra_networks.extra_network_registry


def _look(networks: ModuleType, name: str) -> None:
    """Have the folder read for one name, or as a whole by webuis that do so alone."""
    if hasattr(networks, "update_available_networks_by_names"):
        networks.update_available_networks_by_names([name])
    else:
        networks.list_available_networks()
