"""The Host made of diffusers and plain folders, for the command line, the API and the tests.

diffusers takes 200 MB: it is imported with the first checkpoint, which not every command loads.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from facechain_ext.base.controls import Depth
from facechain_ext.base.errors import Cancelled, UnsupportedCheckpoint
from facechain_ext.base.events import Event
from facechain_ext.base.host import (
    CheckpointRef,
    GeneratedImage,
    GenerationRequest,
    HostPaths,
    StepCallback,
    Unavailable,
)
from facechain_ext.base.infotext import add_fields
from facechain_ext.base.records import LoraFile, Pixels
from facechain_ext.base.repainting import RepaintRequest
from facechain_ext.diffusion.checkpoint import CheckpointInfo, inspect
from facechain_ext.diffusion.latent_colors import LatentColors
from facechain_ext.diffusion.pixels import to_pixels
from facechain_ext.diffusion.sampler import Origin, sample
from facechain_ext.imaging.files import encode_png, resize, write_atomic
from facechain_ext.imaging.provenance import ai_marker
from facechain_ext.lora.merge import merged
from facechain_ext.nets.depth import FOLDER, find_depth_net, read_depth
from facechain_ext.portrait.infotext import source_of
from facechain_ext.portrait.upscale import FACTOR, upscale
from facechain_ext.standalone.devices import usable_device
from facechain_ext.standalone.order import METHODS, Order, ordered
from facechain_ext.standalone.repainting import fields_of, prepared

if TYPE_CHECKING:
    from facechain_ext.diffusion.diffusers_model import DiffusersModel

logger = logging.getLogger(__name__)

WEIGHTS = Path(__file__).parents[1] / "weights"
MINI = WEIGHTS / "mini" / "facechain-mini.safetensors"
PICTURES_PER_BATCH = 4


def default_data_dir() -> Path:
    """Return the user's data folder: FACECHAIN_DATA_DIR, or the platform's usual place."""
    if chosen := os.environ.get("FACECHAIN_DATA_DIR"):
        return Path(chosen).expanduser().resolve()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "facechain"
    return Path.home() / ".local" / "share" / "facechain"


def paths_under(data_dir: Path) -> HostPaths:
    """Lay out a standalone data folder."""
    root = data_dir.expanduser().resolve()
    return HostPaths(
        data_dir=root,
        lora_dir=root / "lora",
        output_dir=root / "portraits",
        models_dir=root / "models",
    )


class DiffusersHost:
    """Lend one checkpoint, loaded when first needed and kept.

    checkpoint: a .safetensors file or diffusers folder; None for the embedded mini.
    Raises InvalidInput for a device that is not there.
    """

    def __init__(
        self,
        data_dir: Path,
        checkpoint: Path | None = None,
        *,
        device: str | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self._paths = paths_under(data_dir)
        # Links are not followed: the file behind one may be called by its digest alone.
        self._checkpoint = MINI if checkpoint is None else checkpoint.expanduser().absolute()
        self._device = usable_device(device)
        self._on_event = on_event
        self._cancelled = False
        self._drawn: Tensor | None = None  # latents without noise, as far as they have come
        self._colors: LatentColors | None = None

    @property
    def paths(self) -> HostPaths:
        return self._paths

    def checkpoints(self) -> list[CheckpointRef]:
        return [self.current_checkpoint()]

    def current_checkpoint(self) -> CheckpointRef:
        """Name the checkpoint; raises UnsupportedCheckpoint for one that could not be loaded.

        Its headers are enough for that: nothing is loaded yet.
        """
        return CheckpointRef(self._info.name, self._checkpoint, self._info.sha256)

    @cached_property
    def _info(self) -> CheckpointInfo:
        from facechain_ext.diffusion.weights import check_weights

        info = inspect(self._checkpoint)
        check_weights(info)
        return info

    @cached_property
    def _model(self) -> DiffusersModel:
        from facechain_ext.diffusion.diffusers_model import load_model

        logger.info("Loading %s (%s) on %s", self._checkpoint.name, self._info.family, self._device)
        return load_model(self._checkpoint, device=self._device)

    @contextmanager
    def job(self, title: str) -> Iterator[None]:
        """Forget an earlier cancel; nobody watches but the events' receiver."""
        self._cancelled = False
        logger.info("%s", title)
        yield

    @contextmanager
    def borrow_model(self, *, for_training: bool) -> Iterator[DiffusersModel]:
        """Lend the model; LoRA layers and merged weights are undone by whoever made them."""
        yield self._model

    def others_waiting(self) -> bool:
        return False

    def generate(
        self, request: GenerationRequest, on_step: StepCallback | None = None
    ) -> Iterator[GeneratedImage]:
        """Draw one picture per seed, a few at a time; faces are left as drawn.

        The LoRAs that the prompt names are applied, too. Raises InvalidInput, before anything is
        loaded, for what cannot be drawn here; see `order`.
        """
        order = ordered(request, self._paths.lora_dir)
        for note in order.notes:
            logger.warning("%s", note)
        return self._pictures(order, on_step)

    def repaint(
        self, request: RepaintRequest, on_step: StepCallback | None = None
    ) -> Iterator[GeneratedImage]:
        """Paint with our own sampler; raises what `generate` raises."""
        order = ordered(request.drawing, self._paths.lora_dir)
        for note in order.notes:
            logger.warning("%s", note)
        return self._repainted(order, request, on_step)

    def _repainted(
        self, order: Order, request: RepaintRequest, on_step: StepCallback | None
    ) -> Iterator[GeneratedImage]:
        with self.borrow_model(for_training=False) as model:
            patch, origin = prepared(request, model)
        width, height = patch.size
        sized = replace(order, request=replace(order.request, width=width, height=height))
        for image in self._pictures(sized, on_step, origin):
            text = add_fields(image.infotext, fields_of(request))
            whole = patch.put_back(image.pixels, request.pixels)
            yield replace(image, pixels=whole, infotext=text)

    def _pictures(
        self, order: Order, on_step: StepCallback | None, origin: Origin | None = None
    ) -> Iterator[GeneratedImage]:
        loras = [(use.state, use.strength) for use in order.loras]
        with self.borrow_model(for_training=False) as model, merged(model, loras):
            request = _with_defaults(order.request, model)
            if request.controls:
                from facechain_ext.standalone.control_nets import controls_for

                size = request.width, request.height
                nets = controls_for(model, request.controls, size, self._paths.models_dir)
                model = replace(model, controls=nets)
            told = {"Model hash": self._info.sha256[:10], "Model": self._info.name}
            for start in range(0, len(request.seeds), PICTURES_PER_BATCH):
                batch = request.for_seeds(request.seeds[start : start + PICTURES_PER_BATCH])
                wanted = replace(batch, prompt=order.text, sampler_name=order.sampler)
                try:
                    drawn = self._draw(model, wanted, start, on_step, origin)
                finally:
                    self._look(None)
                for picture, seed in zip(drawn, batch.seeds, strict=True):
                    text = order.infotext(request, seed, told)
                    yield GeneratedImage(picture, seed, text, order.notes)

    def _draw(
        self,
        model: DiffusersModel,
        request: GenerationRequest,
        start: int,
        on_step: StepCallback | None,
        origin: Origin | None,
    ) -> list[Pixels]:
        def report(step: int, steps: int) -> None:
            if self._cancelled:
                raise Cancelled("Stopped while drawing.")
            if model.controls is not None:
                model.controls.progress = step / steps
            if on_step is not None:
                on_step(start, step, steps)

        assert request.guidance_scale is not None  # filled in
        with torch.no_grad():
            both = model.encode_prompts([request.prompt, request.negative_prompt])
            first, second = torch.tensor([0]), torch.tensor([1])
            latents = sample(
                model,
                both.select(first),
                both.select(second),
                seeds=request.seeds,
                width=request.width,
                height=request.height,
                steps=request.steps,
                guidance_scale=request.guidance_scale,
                method=METHODS[request.sampler_name],
                origin=origin,
                on_step=report,
                on_clean=self._look,
            )
            pictures = model.decode_latents(latents)
        if not bool(latents.isfinite().all() and pictures.isfinite().all()):
            raise UnsupportedCheckpoint(
                f"{self._info.name} draws values that are no numbers (NaN): the checkpoint, or a "
                "LoRA on it, is damaged or too strong. Try it without LoRAs, or another checkpoint."
            )
        return to_pixels(pictures)

    def _look(self, latents: Tensor | None) -> None:
        self._drawn = latents

    def preview(self) -> Pixels | None:
        """Show the pictures that are drawn at once side by side."""
        if self._drawn is None:
            return None
        if self._colors is None:
            self._colors = LatentColors.fitted(self._drawn, self._model.decode_latents)
        return np.concatenate(self._colors.pictures(self._drawn), axis=1)

    def upscale(self, pixels: Pixels, size: int) -> Pixels | Unavailable:
        """Enlarge by SPAN, where ncnn and its weights are there, then fit the longer side."""
        larger = upscale(pixels, FACTOR, models_dir=self._paths.models_dir)
        if isinstance(larger, Unavailable):
            return larger
        scale = size / max(larger.shape[:2])
        height, width = (round(side * scale) for side in larger.shape[:2])
        return resize(larger, (width, height))

    def restore_face(self, pixels: Pixels) -> Pixels | Unavailable:
        return Unavailable("Face restoration comes with the webui (CodeFormer, GFPGAN).")

    def tag(self, pixels: Pixels) -> list[str] | Unavailable:
        return Unavailable("Tags come from the webui's DeepDanbooru interrogator.")

    def read_depth(self, pixels: Pixels) -> Depth | Unavailable:
        folder = self._paths.models_dir / FOLDER
        net = find_depth_net(folder)
        if net is None:
            return Unavailable(f"No net for depth lies in {folder}.")
        return read_depth(net, pixels)

    def publish_lora(self, lora: LoraFile) -> None:
        """Nothing to tell: LoRAs are read from the folder each time."""

    def save_image(self, pixels: Pixels, infotext: str, folder: Path, stem: str) -> Path:
        """Write `<stem>.png`, or `<stem>-2.png` and so on where that is taken."""
        folder.mkdir(parents=True, exist_ok=True)
        path = next(p for p in _numbered(folder, stem) if not p.exists())
        text = {"parameters": infotext, **ai_marker(source_of(infotext))}
        write_atomic(path, encode_png(pixels, text))
        return path

    def progress(self, event: Event) -> None:
        if self._on_event is not None:
            self._on_event(event)

    def cancel(self) -> None:
        """Ask the running job to stop at its next step."""
        self._cancelled = True

    def cancelled(self) -> bool:
        return self._cancelled


def _numbered(folder: Path, stem: str) -> Iterator[Path]:
    yield folder / f"{stem}.png"
    yield from (folder / f"{stem}-{number}.png" for number in count(2))


def _with_defaults(request: GenerationRequest, model: DiffusersModel) -> GenerationRequest:
    """Fill in size and guidance where the request leaves them to the checkpoint."""
    return replace(
        request,
        width=request.width or model.resolution,
        height=request.height or model.resolution,
        guidance_scale=(
            model.default_guidance_scale
            if request.guidance_scale is None
            else request.guidance_scale
        ),
    )
