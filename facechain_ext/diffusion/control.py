"""ControlNets beside a diffusers UNet (Zhang et al. 2023, arXiv 2302.05543)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import ControlNetModel
from torch import Tensor

from facechain_ext.base.records import Pixels


@dataclass(frozen=True, eq=False)
class ActiveControl:
    """A ControlNet and what it is shown: picture (1, 3, H, W) in 0..1, on the model's device.

    start, end: the shares of the steps between which it acts, with this weight.
    """

    net: ControlNetModel
    picture: Tensor
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0

    def acts(self, progress: float) -> bool:
        return self.weight != 0 and self.start <= progress < self.end


class Controls:
    """Every ControlNet of a drawing; `progress` is set before each step, 0..1."""

    def __init__(self, active: Sequence[ActiveControl]) -> None:
        self._active = tuple(active)
        self.progress = 0.0

    @torch.no_grad()
    def residuals(
        self, latents: Tensor, timesteps: Tensor, context: Tensor, added: Any
    ) -> dict[str, Any]:
        """Return the UNet's arguments that carry what all of them add; {} for nothing."""
        total: list[Tensor] | None = None
        for control in self._active:
            if control.acts(self.progress):
                ours = _residuals(control, latents, timesteps, context, added)
                total = ours if total is None else [a + b for a, b in zip(total, ours, strict=True)]
        if total is None:
            return {}
        return {
            "down_block_additional_residuals": tuple(total[:-1]),
            "mid_block_additional_residual": total[-1],
        }


def _residuals(
    control: ActiveControl, latents: Tensor, timesteps: Tensor, context: Tensor, added: Any
) -> list[Tensor]:
    picture = control.picture.to(latents.dtype).expand(len(latents), -1, -1, -1)
    down, middle = control.net(
        latents,
        timesteps,
        context,
        controlnet_cond=picture,
        conditioning_scale=control.weight,
        added_cond_kwargs=added,
        return_dict=False,
    )
    return [*down, middle]


def to_condition(picture: Pixels, device: torch.device) -> Tensor:
    """Turn a condition picture into (1, 3, H, W) in 0..1."""
    pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)
    return (pixels.float() / 255)[None].to(device)
