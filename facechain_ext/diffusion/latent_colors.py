"""What latents look like, without decoding them.

Each place of the latents is, nearly, a linear mixture of red, green and blue. Which one depends on
the autoencoder: it is fitted to the model's own, by one decoding that is small enough to cost less
than a step of drawing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, interpolate

from facechain_ext.base.records import Pixels
from facechain_ext.diffusion.pixels import to_pixels

FIT_SIDE = 6
"""Latents are shrunk to this before they are decoded: 36 places a picture, for 5 unknowns."""
ENLARGED = 4
"""Half of a picture's size: soft, where the latents alone would be squares."""


@dataclass(frozen=True, eq=False)
class LatentColors:
    """weights: (channels + 1, 3), colours in -1..1; the last row is added to every place."""

    weights: Tensor

    @classmethod
    def fitted(cls, latents: Tensor, decode: Callable[[Tensor], Tensor]) -> LatentColors:
        """Fit to how a model decodes latents (B, C, h, w) such as these, early ones too.

        decode: returns (B, 3, H, W) in -1..1.
        """
        small = adaptive_avg_pool2d(latents.float(), FIT_SIDE)
        decoded = decode(small).float()
        shown = avg_pool2d(decoded, decoded.shape[-1] // FIT_SIDE)
        return cls(torch.linalg.lstsq(_rows(small), _rows(shown)[:, :-1]).solution)

    def pictures(self, latents: Tensor) -> list[Pixels]:
        """Return a soft picture, half the size it will have, for each of B."""
        mixed = latents.detach().float().cpu().movedim(1, -1) @ self.weights[:-1] + self.weights[-1]
        return to_pixels(interpolate(mixed.movedim(-1, 1), scale_factor=ENLARGED, mode="bicubic"))


def _rows(grid: Tensor) -> Tensor:
    """Return (B, C, h, w) as one row a place, with a 1 at its end, on the CPU."""
    rows = grid.cpu().movedim(1, -1).flatten(0, 2)
    return torch.cat([rows, torch.ones(len(rows), 1)], dim=1)
