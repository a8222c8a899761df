"""Keep float16 gradients in range: the loss is scaled, and steps that overflow are left out.

Micikevicius et al. 2018 (arXiv 1710.03740), section 3.2. Everything stays on the device, so that
a CUDA graph can hold it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

START = 2.0**15
GROWTH_INTERVAL = 500
"""Steps without overflow after which the scale is doubled."""


class LossScale:
    """A scale that halves at every overflow and grows again slowly."""

    def __init__(self, device: torch.device) -> None:
        self._scale = torch.full((), START, device=device)
        self._streak = torch.zeros((), dtype=torch.int32, device=device)

    def scaled(self, loss: Tensor) -> Tensor:
        """Return what to run the backward from."""
        return loss * self._scale

    def state(self) -> dict[str, Tensor]:
        """Copy the scale and the steps since the last overflow to the CPU."""
        pair = {"scale": self._scale, "streak": self._streak}
        return {name: tensor.to("cpu", copy=True) for name, tensor in pair.items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state` gave, in place."""
        self._scale.copy_(state["scale"])
        self._streak.copy_(state["streak"])

    @torch.no_grad()
    def restore(self, gradients: Sequence[Tensor]) -> Tensor:
        """Unscale gradients in place; return 1.0 where one of them is not finite, else 0.0."""
        overflow = torch.zeros_like(self._scale)
        torch._amp_foreach_non_finite_check_and_unscale_(
            list(gradients), overflow, self._scale.double().reciprocal().float()
        )
        torch._amp_update_scale_(self._scale, self._streak, overflow, 2.0, 0.5, GROWTH_INTERVAL)
        return overflow
