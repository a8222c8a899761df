"""A UNet from elsewhere, TensorRT's for one, that stands in for the checkpoint's."""

from __future__ import annotations

current_unet: object | None = None


def apply_unet(option: str | None = None) -> None:
    global current_unet
    current_unet = None if option == "None" else current_unet
