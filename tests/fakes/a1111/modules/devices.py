"""One device: the CPU."""

from __future__ import annotations

import torch

cpu = torch.device("cpu")
device = torch.device("cpu")
fp8 = False


def torch_gc() -> None:
    pass
