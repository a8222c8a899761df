"""Nets for depth in transformers' layout: dpt-large, Depth Anything, as their folders come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.errors import InvalidInput

CONFIG, WEIGHTS = "config.json", "model.safetensors"


def open_folder(folder: Path) -> tuple[Callable[[NDArray[np.float32]], Any], int | None]:
    """Return what runs a net, and the side that it wants where its config says so.

    Raises InvalidInput for pickled weights, and for what is no net for depth.
    """
    if not (folder / WEIGHTS).is_file():
        raise InvalidInput(
            f"{folder} has no {WEIGHTS}, in which the weights of a net for depth are read; pickled "
            "ones never are."
        )
    import torch
    import transformers

    try:
        net = transformers.AutoModelForDepthEstimation.from_pretrained(
            folder, local_files_only=True, use_safetensors=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise InvalidInput(f"{folder.name} is no net for depth ({error}).") from error
    net.requires_grad_(False).eval()

    def run(blob: NDArray[np.float32]) -> Any:
        return net(torch.from_numpy(blob)).predicted_depth.float().numpy()

    side = getattr(net.config, "image_size", None)
    return run, side if isinstance(side, int) else None
