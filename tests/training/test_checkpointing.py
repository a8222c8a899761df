"""The same gradients in less memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.adapter import inject
from facechain_ext.training.checkpointing import checkpointed

pytestmark = pytest.mark.slow(5)


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    latents = torch.randn(2, 4, 8, 8, generator=generator)
    return latents, torch.tensor([10, 700]), torch.randn(2, 77, 32, generator=generator)


def gradients(parameters: list[nn.Parameter], answer: Tensor) -> list[Tensor]:
    """Return the gradients of an uneven sum of the answer."""
    for parameter in parameters:
        parameter.grad = None
    (answer * torch.linspace(-1, 1, answer.numel()).view_as(answer)).sum().backward()
    return [parameter.grad.clone() for parameter in parameters if parameter.grad is not None]


def kept_bytes(call: Any) -> int:
    """Count what a forward keeps for its backward."""
    kept: dict[int, int] = {}
    tensors: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        tensors.append(tensor)
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        call()
    return sum(kept.values())


def liven(parameters: list[nn.Parameter]) -> None:
    """Give LoRA factors values, or the lower ones would get no gradient."""
    generator = torch.Generator().manual_seed(2)
    for parameter in parameters:
        parameter.data.normal_(std=0.1, generator=generator)


def test_diffusers_blocks_give_equal_gradients_from_less(tiny_model: DiffusersModel) -> None:
    latents, timesteps, embeds = inputs()
    with inject(tiny_model, "all", rank=2, alpha=2, seed=0) as adapter:
        parameters = adapter.parameters()
        liven(parameters)

        def call() -> Tensor:
            answer: Tensor = tiny_model.unet(latents, timesteps, embeds).sample
            return answer

        plain, kept = gradients(parameters, call()), kept_bytes(call)
        with checkpointed(tiny_model.denoiser) as count:
            again, kept_less = gradients(parameters, call()), kept_bytes(call)
    assert count > 30
    assert len(plain) == len(parameters) == len(again)
    assert all(torch.equal(one, other) for one, other in zip(plain, again, strict=True))
    assert any(gradient.abs().max() > 0 for gradient in plain)
    assert kept_less < kept / 2


def test_forwards_are_given_back_on_errors_too(tiny_model: DiffusersModel) -> None:
    blocks = [m for m in tiny_model.unet.modules() if type(m).__name__ == "ResnetBlock2D"]
    mine = blocks[0].forward
    blocks[0].forward = mine
    with pytest.raises(ZeroDivisionError), checkpointed(tiny_model.denoiser):
        assert blocks[0].forward is not mine
        raise ZeroDivisionError
    assert blocks[0].__dict__["forward"] is mine
    assert all("forward" not in block.__dict__ for block in blocks[1:])


def test_what_is_not_wanted_changes_nothing(tiny_model: DiffusersModel) -> None:
    with checkpointed(tiny_model.denoiser, enabled=False) as count:
        assert all("forward" not in module.__dict__ for module in tiny_model.unet.modules())
    assert count == 0
