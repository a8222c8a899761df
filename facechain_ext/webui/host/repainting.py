"""Parts of pictures painted anew by the webui's own img2img."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from facechain_ext.base.host import CheckpointRef, GeneratedImage, GenerationRequest
from facechain_ext.base.repainting import RepaintRequest
from facechain_ext.imaging.patch import LATENT, Patch, patch_around
from facechain_ext.webui.host.checkpoints import native, with_defaults
from facechain_ext.webui.host.drawing import sampler_of, told

ORIGINAL = 1
"""How the webui numbers what is under the mask at first: what was there."""

NOTHING_KEPT = {"save_init_img": False}
"""The user may have the webui save what goes into its own img2img; these are not theirs alone."""


@dataclass(frozen=True, eq=False)
class Repainting:
    """One request, its part cut out for a checkpoint."""

    request: RepaintRequest
    patch: Patch
    drawing: GenerationRequest

    @property
    def steps(self) -> int:
        """How many steps are taken of one batch."""
        return self.request.steps_of(self.drawing.steps)

    @classmethod
    def on(cls, request: RepaintRequest, checkpoint: CheckpointRef) -> Repainting:
        """Cut the part out in the size that a checkpoint draws best."""
        asked = request.drawing
        patch = patch_around(
            request.pixels,
            request.mask,
            blend=request.blend,
            side=native(checkpoint.path).side,
            size=(asked.width, asked.height),
        )
        width, height = patch.size
        sized = replace(asked, width=width, height=height)
        return cls(request, patch, with_defaults(sized, checkpoint.path))

    def describe(self, drawing: GenerationRequest) -> Any:
        """Describe a batch to the webui; no user script takes part, and nothing is saved.

        The webui keeps what is not to be painted itself, in the latents of every step: also with
        its inpainting checkpoints, which it tells the mask besides. Its own mask has no blur, for
        the border is faded when the part is put back.
        """
        from modules import processing, scripts

        sampler, scheduler = sampler_of(drawing.sampler_name)
        job = processing.StableDiffusionProcessingImg2Img(
            **told(drawing),
            sampler_name=sampler,
            init_images=[Image.fromarray(self.patch.pixels)],
            mask=self._mask(),
            mask_blur=0,
            inpainting_fill=ORIGINAL,
            inpaint_full_res=False,
            denoising_strength=self.request.strength,
            override_settings=dict(NOTHING_KEPT),
        )
        job.scheduler = scheduler
        job.restore_faces = False
        job.scripts = scripts.ScriptRunner()
        return job

    def _mask(self) -> Image.Image:
        """Return the latents that are painted as the webui takes a mask: white, in pixels."""
        cells = (self.patch.cells * 255).astype(np.uint8)
        return Image.fromarray(np.kron(cells, np.ones((LATENT, LATENT), np.uint8)))

    def finished(self, image: GeneratedImage) -> GeneratedImage:
        """Put the painted part back into its picture."""
        whole = self.patch.put_back(image.pixels, self.request.pixels)
        return replace(image, pixels=whole)
