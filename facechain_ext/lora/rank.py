"""Express a LoRA at another rank and alpha."""

from __future__ import annotations

import torch
from torch import Tensor


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
