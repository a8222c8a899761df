"""Express a LoRA, or one layer of it, at another rank and alpha."""

from __future__ import annotations

import torch
from torch import Tensor

from facechain_ext.lora.state import ALPHA, DOWN, UP, LoraState, layer_names, tensors_of


def at_rank(
    down: Tensor, up: Tensor, scale: float, *, rank: int, new_scale: float
) -> tuple[Tensor, Tensor]:
    """Return factors of at most `rank` whose product, times new_scale, is scale * up @ down.

    down: (r, in) or (r, in, k, k); up: (out, r) or (out, r, 1, 1). Where r is above rank, the
    nearest product of that rank (Eckart & Young 1936), its factors of equal norm.
    """
    up = up.float() * (scale / new_scale)
    if len(down) <= rank:
        return down.float(), up
    # Of the product of two thin matrices, without writing the product out.
    left, left_rest = torch.linalg.qr(up.flatten(1))
    right, right_rest = torch.linalg.qr(down.float().flatten(1).T)
    u, values, v = torch.linalg.svd(left_rest @ right_rest.T)
    root = values[:rank].sqrt()
    new_up = left @ u[:, :rank] * root
    new_down = root[:, None] * (v[:rank] @ right.T)
    return new_down.reshape(rank, *down.shape[1:]), new_up.reshape(len(up), rank, *up.shape[2:])


def cut_to_rank(state: LoraState, rank: int) -> LoraState:
    """Keep the first rows and columns of every pair of factors, at their strength.

    That is how a webui reads the rank in a prompt's tag, for LoRAs trained to bear it (DyLoRA).
    """
    cut = LoraState(state, name=state.name, told=state.told)
    for layer in layer_names(state):
        down, up, alpha = tensors_of(state, layer)
        if len(down) > rank:
            cut[layer + DOWN], cut[layer + UP] = down[:rank], up[:, :rank]
            cut[layer + ALPHA] = torch.tensor(float(alpha) * rank / len(down))
    return cut
