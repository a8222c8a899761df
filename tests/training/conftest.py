"""Small training data made without any photo."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from facechain_ext.base.host import Conditioning
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.training.trainer import Training

Lend = Callable[[], DiffusersModel]


@dataclass(frozen=True, eq=False)
class Data:
    latents: Tensor
    loss_weights: Tensor
    caption_index: Tensor
    cond: Conditioning
    empty_caption: int = 1
    add_time_ids: Tensor | None = None


def training(**settings: Any) -> Training:
    """Set up a training whose samples are scored by their pixels, so that weights show in it.

    settings: the data, the config and out_dir, and what else shall differ.
    """
    usual: dict[str, Any] = {
        "score": lambda images: tuple(float(image.mean()) / 255 for image in images),
        "prompt": "fcsks, photo",
        "negative_prompt": "",
        "cancelled": lambda: False,
    }
    return Training(**{**usual, **settings})


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


@pytest.fixture
def lend(new_tiny_model: Lend, monkeypatch: pytest.MonkeyPatch) -> Lend:
    """Give another copy of a very small model at every call; its samples take two steps."""
    monkeypatch.setattr("facechain_ext.training.previews.PREVIEW_STEPS", 2)
    model = new_tiny_model()
    small = {
        **model.unet.config,
        "block_out_channels": [32, 32],
        "layers_per_block": 1,
        "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        unet = UNet2DConditionModel.from_config(small).requires_grad_(False).eval()
    return lambda: replace(model, unet=deepcopy(unet))
