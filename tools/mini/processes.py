"""Training on several GPUs, one process each, and in half precision."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from diffusers import AutoencoderKL
from torch import Tensor, distributed, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class World:
    """Hold this process's place among those that torchrun started; alone without it."""

    rank: int = 0
    size: int = 1

    @classmethod
    def join(cls) -> "World":
        """Join the process group that the environment describes, if it does."""
        if "WORLD_SIZE" not in os.environ:
            return cls()
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        return cls(distributed.get_rank(), distributed.get_world_size())

    def leave(self) -> None:
        """Leave the process group."""
        if self.size > 1:
            distributed.destroy_process_group()

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Average the gradients over all processes, in one message."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients]) / self.size
        distributed.all_reduce(flat)
        parts = torch.split(flat, [g.numel() for g in gradients])
        for g, part in zip(gradients, parts, strict=True):
            g.copy_(part.view_as(g))

    def agree(self, value: float, device: torch.device) -> float:
        """Return the first process's value everywhere, since clocks differ."""
        if self.size == 1:
            return value
        shared = torch.tensor(value, device=device, dtype=torch.float64)
        distributed.broadcast(shared, 0)
        return shared.item()


class SameTypeNorm(nn.GroupNorm):
    """Normalise in the input's own type: autocast's float32 would double the memory traffic."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W); the statistics are float32 inside the kernel all the same."""
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        with torch.autocast(x.device.type, enabled=False):
            return F.group_norm(x, self.num_groups, weight, bias, self.eps)


def keep_types(vae: AutoencoderKL) -> None:
    """Replace every group norm by `SameTypeNorm`, in place; the weights' names stay."""
    for module in vae.modules():
        if type(module) is nn.GroupNorm:
            module.__class__ = SameTypeNorm
