"""A trained-looking LoRA of the tiny model, and a fixed question to ask of a UNet."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.adapter import LoraAdapter, inject
from facechain_ext.lora.state import LoraState


@pytest.fixture(scope="session")
def predict() -> Callable[[DiffusersModel], Tensor]:
    """Ask a model for its prediction on one fixed input."""
    generator = torch.Generator().manual_seed(3)
    latents = torch.randn(2, 4, 8, 8, generator=generator)
    timesteps = torch.tensor([40, 900])

    def ask(model: DiffusersModel) -> Tensor:
        cond = model.encode_prompts(["a photo of fcsks", "a photo"])
        return model.predict(latents, timesteps, cond)

    return ask


@pytest.fixture(scope="session")
def disturb() -> Callable[[LoraAdapter], None]:
    """Move every LoRA parameter as far as a short training would."""

    def move(adapter: LoraAdapter) -> None:
        generator = torch.Generator().manual_seed(4)
        for parameter in adapter.parameters():
            step = torch.randn(parameter.shape, generator=generator) * 0.02
            parameter.data.add_(step.to(parameter))

    return move


@pytest.fixture(scope="session")
def trained(
    new_tiny_model: Callable[[], DiffusersModel], disturb: Callable[[LoraAdapter], None]
) -> LoraState:
    with inject(new_tiny_model(), "all", rank=4, alpha=2.0, seed=1) as adapter:
        disturb(adapter)
        return adapter.state()


@pytest.fixture
def lora(trained: LoraState) -> LoraState:
    """A LoRA of every kind of layer, rank 4, alpha 2."""
    return LoraState(trained, name=trained.name)
