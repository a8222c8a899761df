"""The VAE that the user chose for all checkpoints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class VaeResolution:
    vae: str | None = None
    source: str | None = None
    resolved: bool = True


def resolve_vae(checkpoint_file: str) -> VaeResolution:
    return VaeResolution("the user's.vae.safetensors", "specified in settings")
