"""The pictures at work as the webui's own live preview would show them, for our page alone.

The webui makes previews only for whoever asks for a task's progress, and lays them where its API
hands them out. Ours are made as often and by the method that the user has chosen, and kept here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from modules import shared
from torch import Tensor

from facechain_ext.base.records import Pixels
from facechain_ext.diffusion.latent_colors import LatentColors
from facechain_ext.webui.host.guarded import guarded
from facechain_ext.webui.host.job_state import previews_wanted

LARGEST_SIDE = 512
MINI = "facechain-mini.safetensors"
FETCHED = {
    "Approx NN": ("VAE-approx", "model.pt", "vaeapprox-sdxl.pt"),
    "TAESD": ("VAE-taesd", "taesd_decoder.pth", "taesdxl_decoder.pth"),
}
"""Methods whose weights the webui would fetch without asking: folder, file, and that for SDXL."""
FULL = 0
"""How the webui numbers decoding by the model's own VAE."""


class LivePreview:
    """The newest picture of one drawing; asked for between two of its steps."""

    def __init__(self) -> None:
        self._step = 0
        self._pixels: Pixels | None = None
        self._colors: LatentColors | None = None

    @guarded
    def pixels(self) -> Pixels | None:
        """Return the newest picture, made now where the user's settings say that one is due."""
        latents = shared.state.current_latent
        if latents is not None and previews_wanted() and self._is_due(shared.state.sampling_step):
            with torch.no_grad():
                self._pixels = self._picture(latents)
        return self._pixels

    def _is_due(self, step: int) -> bool:
        every = getattr(shared.opts, "show_progress_every_n_steps", 10)
        if step < self._step:  # a second pass
            self._step = 0
        if every < 0 or step - self._step < max(every, 1):
            return False
        self._step = step
        return True

    def _picture(self, latents: Tensor) -> Pixels:
        if _is_mini() or not _has_weights():
            if self._colors is None:
                self._colors = LatentColors.fitted(latents, _decode)
            return np.concatenate(self._colors.pictures(latents), axis=1)
        from modules import sd_samplers_common as common

        grid = getattr(shared.opts, "show_progress_grid", True)
        make = common.samples_to_image_grid if grid else common.sample_to_image
        image = make(latents).convert("RGB")
        image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        return np.asarray(image)


def _is_mini() -> bool:
    """Whether the mini draws: the webui's quick methods are made for other autoencoders."""
    info = getattr(shared.sd_model, "sd_checkpoint_info", None)
    return Path(getattr(info, "filename", "")).name == MINI


def _has_weights() -> bool:
    """Whether the user's method of previewing works without fetching anything."""
    from modules import paths

    method = getattr(shared.opts, "show_progress_type", "")
    if method not in FETCHED:
        return True
    folder, plain, xl = FETCHED[method]
    name = xl if getattr(shared.sd_model, "is_sdxl", False) else plain
    places = Path(paths.models_path), Path(paths.script_path) / "models"
    return any((place / folder / name).is_file() for place in places)


def _decode(latents: Tensor) -> Tensor:
    from modules import sd_samplers_common

    decoded: Tensor = sd_samplers_common.samples_to_images_tensor(latents, FULL)
    return decoded
