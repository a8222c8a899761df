"""The webui's upscalers, used only where their weights are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from facechain_ext.base.host import Unavailable
from facechain_ext.base.records import Pixels
from facechain_ext.imaging.files import resize
from facechain_ext.portrait.upscale import FACTOR
from facechain_ext.portrait.upscale import upscale as upscale_by_span
from facechain_ext.webui.host.upscalers import best_upscaler


def upscale(pixels: Pixels, size: int, models_dir: Path) -> Pixels | Unavailable:
    """Enlarge by one of the webui's models, or by SPAN, until the longer side is `size`."""
    model = best_upscaler()
    larger = (
        upscale_by_span(pixels, FACTOR, models_dir=models_dir)
        if model is None
        else (_enlarged(model, pixels, size))
    )
    if isinstance(larger, Unavailable):
        return Unavailable(
            "The webui has no upscaler with weights; put an ESRGAN model into its models/ESRGAN "
            f"folder. {larger.reason}"
        )
    scale = size / max(larger.shape[:2])
    height, width = (round(side * scale) for side in larger.shape[:2])
    return resize(larger, (width, height))


def _enlarged(model: Any, pixels: Pixels, size: int) -> Pixels:
    scale = max(size / max(pixels.shape[:2]), 1.0)
    larger = model.scaler.upscale(Image.fromarray(pixels), scale, model.data_path)
    return np.asarray(larger.convert("RGB"))
