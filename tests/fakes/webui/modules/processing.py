"""txt2img and img2img, drawn on diffusers with the selected checkpoint and the prompt's LoRAs."""

from __future__ import annotations

import re
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from facechain_ext.diffusion.diffusers_model import DiffusersModel, load_model
from facechain_ext.diffusion.pixels import to_pixels
from facechain_ext.diffusion.sampler import Origin, sample
from facechain_ext.lora.checkpoint import read_lora
from facechain_ext.lora.merge import merged
from modules import script_callbacks, sd_models, shared

TAG = re.compile(r" ?<lora:([^:>]+):([^>]+)>")
jobs: list[Processing] = []
fail_with: list[Exception] = []


class Stopped(Exception):
    pass


@dataclass
class StableDiffusionProcessingTxt2Img:
    sd_model: object = None
    outpath_samples: str | None = None
    prompt: str = ""
    negative_prompt: str = ""
    seed: Any = -1
    subseed: Any = -1
    sampler_name: str | None = None
    scheduler: str | None = None
    batch_size: int = 1
    n_iter: int = 1
    steps: int = 50
    cfg_scale: float = 7.0
    width: int = 512
    height: int = 512
    restore_faces: bool | None = None
    do_not_save_samples: bool = False
    do_not_save_grid: bool = False
    override_settings: dict[str, Any] | None = None
    enable_hr: bool = False
    denoising_strength: float = 0.75
    hr_scale: float = 2.0
    hr_upscaler: str | None = None
    hr_cfg: float = 1.0  # this and the next are Forge's alone
    hr_additional_modules: list[str] | None = None
    scripts: Any = field(default=None, init=False)
    script_args: list[Any] = field(default_factory=list, init=False)
    extra_generation_params: dict[str, Any] = field(default_factory=dict, init=False)
    closed: bool = field(default=False, init=False)

    def close(self) -> None:
        self.closed = True


@dataclass
class StableDiffusionProcessingImg2Img:
    sd_model: object = None
    outpath_samples: str | None = None
    prompt: str = ""
    negative_prompt: str = ""
    seed: Any = -1
    subseed: Any = -1
    sampler_name: str | None = None
    scheduler: str | None = None
    batch_size: int = 1
    n_iter: int = 1
    steps: int = 50
    cfg_scale: float = 7.0
    width: int = 512
    height: int = 512
    restore_faces: bool | None = None
    do_not_save_samples: bool = False
    do_not_save_grid: bool = False
    override_settings: dict[str, Any] | None = None
    init_images: list[Any] = field(default_factory=list)
    resize_mode: int = 0
    denoising_strength: float = 0.75
    mask: Any = None
    mask_blur: int | None = None
    mask_round: bool = True
    inpainting_fill: int = 0
    inpaint_full_res: bool = True
    scripts: Any = field(default=None, init=False)
    closed: bool = field(default=False, init=False)

    def close(self) -> None:
        self.closed = True

    def origin(self, model: Any) -> Origin:
        """Encode what is painted into, and take the mask, as the webui does."""
        (image,), size = self.init_images, (self.width // 8, self.height // 8)
        assert not self.inpaint_full_res, "the whole part is meant"
        assert self.inpainting_fill == 1, "what is there is meant"
        planes = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 127.5 - 1
        mask = torch.from_numpy(np.array(self.mask.convert("L").resize(size)))
        latents = model.encode_images(planes, torch.Generator().manual_seed(0))
        steps = int(min(self.denoising_strength, 0.999) * self.steps) + 1
        return Origin(latents, (mask > 127).float(), steps)


Processing = StableDiffusionProcessingTxt2Img | StableDiffusionProcessingImg2Img


@dataclass
class Processed:
    images: list[Image.Image]
    infotexts: list[str]


def process_images(p: Processing) -> Processed:
    """Draw; interrupted or skipped, the picture comes out as far as it got."""
    jobs.append(p)
    if isinstance(p, StableDiffusionProcessingTxt2Img):
        modules = getattr(p, "hr_additional_modules", ["Use same choices"])  # Forge's alone
        assert not p.enable_hr or "Use same choices" in (modules or ())
    _run_scripts(p)
    if fail_with:
        raise fail_with.pop()
    if shared.state.job_count == -1:
        shared.state.job_count = p.n_iter
    pictures = [] if shared.state.interrupted else _draw(p)
    shared.state.nextjob()
    return Processed(
        [Image.fromarray(each) for each in pictures], [_infotext(p, seed) for seed in p.seed]
    )


def _run_scripts(p: Processing) -> None:
    """What a script raises is logged, and the picture drawn all the same."""
    for script in p.scripts.alwayson_scripts if p.scripts is not None else ():
        with suppress(Exception):
            script.process(p, *p.script_args[script.args_from : script.args_to])


def _draw(p: Processing) -> list[Any]:
    checkpoint, skip = sd_models.select_checkpoint(), shared.opts.CLIP_stop_at_last_layers
    model = _loaded(Path(checkpoint.filename), skip)
    folder = Path(shared.cmd_opts.lora_dir)
    uses = [
        (read_lora(folder / f"{name}.safetensors")[0], float(weight))
        for name, weight in TAG.findall(p.prompt)
    ]

    def on_step(step: int, steps: int) -> None:
        shared.state.sampling_step, shared.state.sampling_steps = step, steps
        shared.total_tqdm.update()
        script_callbacks.cfg_denoiser_callback(script_callbacks.CFGDenoiserParams(step, steps))
        if shared.state.interrupted or shared.state.skipped:
            raise Stopped

    with torch.no_grad(), ExitStack() as stack:
        stack.enter_context(merged(model, uses))
        both = model.encode_prompts([TAG.sub("", p.prompt), p.negative_prompt])
        try:
            latents = sample(
                model,
                both.select(torch.tensor([0])),
                both.select(torch.tensor([1])),
                seeds=p.seed,
                width=p.width,
                height=p.height,
                steps=p.steps,
                guidance_scale=p.cfg_scale,
                origin=None if isinstance(p, StableDiffusionProcessingTxt2Img) else p.origin(model),
                on_step=on_step,
            )
        except Stopped:
            latents = torch.zeros(len(p.seed), 4, p.height // 8, p.width // 8)
        return to_pixels(model.decode_latents(latents))


@lru_cache(maxsize=1)
def _loaded(path: Path, skip: int) -> DiffusersModel:
    """The checkpoint stays loaded from picture to picture, as the webui's does."""
    return load_model(path, device="cpu", clip_skip=skip)


def _infotext(p: Processing, seed: int) -> str:
    """As in the webui, the LoRAs are told only where scripts may have their say."""
    prompt = TAG.sub(" ", p.prompt) if p.scripts is None else p.prompt
    painted = isinstance(p, StableDiffusionProcessingImg2Img)
    strength = f", Denoising strength: {p.denoising_strength}" if painted else ""
    negative = f"\nNegative prompt: {p.negative_prompt}" if p.negative_prompt else ""
    return (
        f"{prompt}{negative}\nSteps: {p.steps}, Sampler: {p.sampler_name}, "
        f"Schedule type: {p.scheduler}, CFG scale: {p.cfg_scale}, Seed: {seed}, "
        f"Size: {p.width}x{p.height}, Model: {sd_models.select_checkpoint().name_for_extra}"
        f"{strength}"
    )
