"""Small training data made without any photo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
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
def data(small_model: DiffusersModel) -> Data:
    """Six pictures that share one caption."""
    generator = torch.Generator().manual_seed(3)
    return Data(
        latents=torch.randn(6, 4, 8, 8, generator=generator),
        loss_weights=torch.ones(6, 1, 8, 8),
        caption_index=torch.zeros(6, dtype=torch.long),
        cond=small_model.encode_prompts(["fcsks, photo", ""]),
    )


@pytest.fixture
def lend(new_small_model: Lend, quick_samples: None) -> Lend:
    """Give another copy of a very small model at every call; its samples take two steps."""
    return new_small_model
