"""A ControlNet that notes what it is made of."""

from __future__ import annotations

from typing import Any

import torch


class ControlNet:
    def __init__(self, **described: Any) -> None:
        self.described = described
        self.state: dict[str, torch.Tensor] = {}

    def to(self, dtype: torch.dtype) -> ControlNet:
        return self

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        self.state = state
