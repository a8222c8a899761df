"""One device: the CPU."""

from __future__ import annotations

import torch

cpu = torch.device("cpu")
device = torch.device("cpu")
fp8 = False
dtype_unet = torch.float32


def torch_gc() -> None:
    pass
