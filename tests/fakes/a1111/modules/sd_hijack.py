"""Tiling: convolutions that wrap around, as the last picture was asked for."""

from __future__ import annotations


class StableDiffusionModelHijack:
    circular_enabled = False

    def apply_circular(self, enable: bool) -> None:
        self.circular_enabled = enable


model_hijack = StableDiffusionModelHijack()
