"""Small training data made without any photo."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.host import Conditioning


@dataclass(frozen=True, eq=False)
class Data:
    latents: Tensor
    loss_weights: Tensor
    caption_index: Tensor
    cond: Conditioning
    empty_caption: int = 1
    add_time_ids: Tensor | None = None


@pytest.fixture
def data(tiny_model: DiffusersModel) -> Data:
    """Six pictures that share one caption."""
    generator = torch.Generator().manual_seed(3)
    return Data(
        latents=torch.randn(6, 4, 8, 8, generator=generator),
        loss_weights=torch.ones(6, 1, 8, 8),
        caption_index=torch.zeros(6, dtype=torch.long),
        cond=tiny_model.encode_prompts(["fcsks, photo", ""]),
    )
