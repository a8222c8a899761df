"""A ControlNet that notes what it is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch


@dataclass
class ControlNet:
    in_channels: int
    model_channels: int
    hint_channels: int
    num_res_blocks: list[int]
    channel_mult: list[int]
    num_heads: int
    use_spatial_transformer: bool
    transformer_depth: list[int]
    transformer_depth_middle: int
    context_dim: int
    dtype: Any

    def __post_init__(self) -> None:
        self.described = asdict(self)
        self.state: dict[str, torch.Tensor] = {}

    def to(self, dtype: torch.dtype) -> ControlNet:
        return self

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        self.state = state
