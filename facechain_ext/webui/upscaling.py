"""The webui's upscalers, used only where their weights are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from modules import shared
from PIL import Image

from facechain_ext.host import Unavailable
from facechain_ext.imaging.files import resize
from facechain_ext.portrait.upscale import FACTOR
from facechain_ext.portrait.upscale import upscale as upscale_by_span
from facechain_ext.records import Pixels

PLAIN = "Lanczos"
FAVOURED = ("RealESRGAN_x4plus", "R-ESRGAN 4x+", "4x-UltraSharp", "ESRGAN_4x", "SwinIR 4x")


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


def best_upscaler() -> Any | None:
    """Return the one named in our settings or the webui's, a favoured one, or any with weights."""
    here = {each.name: each for each in shared.sd_upscalers if _has_weights(each)}
    ours = getattr(shared.opts, "facechain_upscaler", None)
    wanted = (ours, shared.opts.upscaler_for_img2img, *FAVOURED)
    return next((here[name] for name in wanted if name in here), next(iter(here.values()), None))


def second_pass_upscaler() -> str | None:
    """Name what enlarges a picture before it is drawn a second time; None for the webui's usual.

    Its usual one enlarges the latents, which need more noise than a likeness survives.
    """
    best = best_upscaler()
    if best is not None:
        return str(best.name)
    return next((PLAIN for each in shared.sd_upscalers if each.name == PLAIN), None)


def _has_weights(upscaler: Any) -> bool:
    """Tell whether a file is there; a URL means that the webui would fetch it first."""
    path = upscaler.local_data_path
    return bool(path) and Path(path).is_file()


def _enlarged(model: Any, pixels: Pixels, size: int) -> Pixels:
    scale = max(size / max(pixels.shape[:2]), 1.0)
    larger = model.scaler.upscale(Image.fromarray(pixels), scale, model.data_path)
    return np.asarray(larger.convert("RGB"))
